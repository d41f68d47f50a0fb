"""Freshness of what people look at, judged by when the newest batch was delivered: checks, and a sensor that keeps them current."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from leadscout_assets.defs.instance import materialized_at, newest_materialization
from leadscout_assets.defs.resources import Platform
from leadscout_assets.defs.ticking import ticking
from leadscout_assets.home import Home
from leadscout_assets.runs.freshness import Freshness, cleansed, deliveries_arrive, newest_materialized

WATCHED = ("leads", "classifications", "lead_reports")
"""The assets that people and other programs read."""

ARRIVE, CURRENT, CLEANSED = "deliveries_arrive", "newest_delivery_materialized", "lists_cleansed"

KEPT_CLEAN = "leads"
"""The asset that those on a suppression list are kept out of."""

CLEANSE_WITHIN = timedelta(days=31)
"""A registry is asked every month."""

REPEAT_SECONDS = 3600
"""A verdict that does not change is written again this often, so that a green check is never older than that."""

SPECS = [
    spec
    for asset in WATCHED
    for spec in (
        dg.AssetCheckSpec(ARRIVE, asset=asset, description="deliveries arrive as often as they should"),
        dg.AssetCheckSpec(CURRENT, asset=asset, description="the newest delivered batch has arrived here in time"),
    )
] + [dg.AssetCheckSpec(CLEANSED, asset=KEPT_CLEAN, description="lists were exchanged with their registries this month")]


def judge(instance: dg.DagsterInstance, home: Home, asset: str, now: datetime) -> dict[str, Freshness]:
    """Return the verdicts on one asset by check name."""
    settings, newest = home.settings, home.records.newest()
    delivered_at = newest.delivered_at if newest else None
    arrived = materialized_at(instance, asset, newest.batch_id) if newest else None
    found = {
        ARRIVE: deliveries_arrive(now, delivered_at, timedelta(hours=settings.deliver_every_hours)),
        CURRENT: newest_materialized(
            now, delivered_at, arrived, timedelta(minutes=settings.materialize_within_minutes)
        ),
    }
    if asset == KEPT_CLEAN:
        found[CLEANSED] = cleansed(now, home.last_cleansed(), CLEANSE_WITHIN)
    return found


@dg.multi_asset_check(name="freshness", specs=SPECS, can_subset=True)
def freshness(context: dg.AssetCheckExecutionContext, platform: Platform) -> Iterator[dg.AssetCheckResult]:
    """Judge freshness on demand."""
    now = datetime.now(UTC)
    for key in sorted(context.selected_asset_check_keys):
        asset = key.asset_key.to_user_string()
        verdict = judge(context.instance, platform.home, asset, now)[key.name]
        yield dg.AssetCheckResult(
            asset_key=asset, check_name=key.name, passed=verdict.fresh, description=verdict.sentence
        )


@dg.sensor(
    name="freshness",
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Writes the freshness verdicts when they or their assets change, and every hour; starts no run.",
)
def freshness_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Evaluate one tick; the cursor holds the last verdicts, what they were judged on and when they were written."""
    now = datetime.now(UTC)
    last = json.loads(context.cursor) if context.cursor else {}
    with ticking(context) as (instance, home):
        verdicts = {
            f"{asset}:{name}": verdict
            for asset in WATCHED
            for name, verdict in judge(instance, home, asset, now).items()
        }
        # The UI hides a verdict as soon as its asset is materialized again.
        states = {name: verdict.fresh for name, verdict in verdicts.items()} | {
            asset: newest_materialization(instance, asset) for asset in WATCHED
        }
    if states == last.get("states") and now.timestamp() - last["at"] < REPEAT_SECONDS:
        return dg.SensorResult()
    events = [
        dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey(name.partition(":")[0]),
            check_name=name.partition(":")[2],
            passed=verdict.fresh,
            description=verdict.sentence,
        )
        for name, verdict in verdicts.items()
    ]
    return dg.SensorResult(asset_events=events, cursor=json.dumps({"states": states, "at": now.timestamp()}))
