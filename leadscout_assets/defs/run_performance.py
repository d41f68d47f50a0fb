"""The performance history: run records out of Dagster's event log into a table of their own, and the check that judges them.

A run brings the table up to date before it is judged, and a sensor does so for runs that broke off. Why: ADR 0013.
"""

import heapq
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

import dagster as dg
import pyarrow.compute as pc

from leadscout_assets.defs.lead_assets import column_schema
from leadscout_assets.defs.maintenance_assets import MAINTENANCE_GROUP
from leadscout_assets.defs.resources import Platform
from leadscout_assets.defs.ticking import ticking
from leadscout_assets.home import Home
from leadscout_assets.logs import operation, private_errors
from leadscout_assets.performance import ASSETS, histories
from leadscout_assets.runs.history import RUN_PERFORMANCE, Event, to_frame
from leadscout_assets.runs.judge import Judgement, Verdict
from leadscout_assets.runs.record import RunRecord

CHECK = "performance_regression"

OVERLAP = timedelta(minutes=10)
"""PostgreSQL gives an event its id before it is committed, so that one may appear below ids that were read already. No
transaction of Dagster's lasts this long."""

BEHIND = (timedelta(hours=1), timedelta(days=1), timedelta(days=30))
"""How far before the overlap the cursor is looked for at first; after that, everywhere."""

READ, WRITTEN = 1_000, 20_000
"""Events asked for at a time, of one asset (Dagster gives no more), and events of one commit."""

TICK_SECONDS = 30


def catch_up(instance: dg.DagsterInstance, home: Home) -> int:
    """Add the run records that the event log has and the table has not, and return how many those were.

    The cursor is the table itself: whatever ends this half-way, the next call goes on from what is stored. For that, events
    are added in the order of their ids, whatever asset they are of.
    """
    added, records = 0, _records(instance, _start(home))
    while page := list(islice(records, WRITTEN)):
        added += home.tables.add_new(RUN_PERFORMANCE, to_frame([event for r in page if (event := _event(r))]))
    return added


def _start(home: Home) -> int:
    """Return the id after which to read: the highest of the events stored that are older than the overlap; 0 for none."""
    newest = home.tables.largest(RUN_PERFORMANCE, "recorded_at")
    if newest is None:
        return 0
    until = ("recorded_at", "<", newest - OVERLAP)
    for window in BEHIND:
        ids = home.tables.select(
            RUN_PERFORMANCE, [until, ("recorded_at", ">=", newest - OVERLAP - window)], ["event_id"]
        )
        if ids.num_rows:
            return int(pc.max(ids["event_id"]).as_py())
    ids = home.tables.select(RUN_PERFORMANCE, [until], ["event_id"])
    return int(pc.max(ids["event_id"]).as_py() or 0)


def _records(instance: dg.DagsterInstance, after: int) -> Iterator[dg.EventLogRecord]:
    """Yield the events of all assets that may hold a run record, by ascending id."""

    def stream(asset: str, fetch: Callable[..., dg.EventRecordsResult], after: int) -> Iterator[dg.EventLogRecord]:
        while True:
            wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), after_storage_id=after)
            records = fetch(wanted, limit=READ, ascending=True).records
            yield from records
            if len(records) < READ:
                return
            after = records[-1].storage_id

    fetches = (instance.fetch_materializations, instance.fetch_observations)
    streams = [stream(asset, fetch, after) for asset in ASSETS for fetch in fetches]
    return heapq.merge(*streams, key=lambda record: record.storage_id)


def _event(found: dg.EventLogRecord) -> Event | None:
    """Return the run record that an event holds; None where it holds none, as one reported by hand."""
    materialization = found.asset_materialization or found.asset_observation
    if materialization is None:
        return None
    metadata = {name: value.value for name, value in materialization.metadata.items()}
    try:
        record = RunRecord.from_metadata(metadata)
    except (KeyError, ValueError, TypeError):
        return None
    at = datetime.fromtimestamp(found.timestamp, UTC)
    rows = metadata.get("dagster/row_count")
    return Event(found.storage_id, at, record, found.partition_key, rows if isinstance(rows, int) else None)


@dg.asset(
    group_name=MAINTENANCE_GROUP,
    owners=["team:data-engineering"],
    kinds={"deltalake"},
    description=f"{RUN_PERFORMANCE.means} What `leadscout perf` and the checks `{CHECK}` judge.",
    metadata={"dagster/column_schema": column_schema(RUN_PERFORMANCE), "dagster/table_name": "tables/run_performance"},
)
def run_performance(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[None]:
    """Bring the table up to date."""
    with private_errors(), operation("run_performance", run_id=context.run.run_id, asset="run_performance"):
        added = catch_up(context.instance, platform.home)
    return dg.MaterializeResult(metadata={"records_added": added})


@dg.sensor(
    name="run_performance",
    minimum_interval_seconds=TICK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Brings the table of run records up to date by itself; starts no run, which would cost seconds each time.",
)
def run_performance_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Evaluate one tick."""
    with ticking(context) as (instance, home):
        added = catch_up(instance, home)
    if not added:
        return dg.SkipReason("no run has left a record since")
    return dg.SensorResult(asset_events=[dg.AssetMaterialization("run_performance", metadata={"records_added": added})])


@dg.multi_asset_check(
    name=CHECK,
    specs=[
        dg.AssetCheckSpec(CHECK, asset=asset, description="the run took no longer than its own history lets expect")
        for asset in ASSETS
    ],
    can_subset=True,
)
def performance_regression(context: dg.AssetCheckExecutionContext, platform: Platform) -> Iterator[dg.AssetCheckResult]:
    """Judge each asset's runs by their own history. About runs, not batches, and so not partitioned.

    A regression in another kind of runs than this one stays in sight until such a run is good again, or a person accepts it.
    """
    assets = sorted(key.asset_key.to_user_string() for key in context.selected_asset_check_keys)
    with private_errors():
        catch_up(context.instance, platform.home)
        found = histories(platform.home, assets)
    for history in found:
        yield _result(history.asset, history.verdict)


def _result(asset: str, told: Judgement | None) -> dg.AssetCheckResult:
    figures: dict[str, str | int | float] = {}
    if told is not None:
        figures = {
            "verdict": str(told.verdict),
            "seconds": told.entry.record.seconds,
            "run": told.entry.record.run_id,
        }
        if told.baseline is not None:
            figures |= {
                "median_seconds": round(told.baseline.centre, 4),
                "mad_seconds": round(told.baseline.mad, 4),
                "baseline_runs": told.baseline.runs,
                "times_the_median": told.ratio,
            }
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=CHECK,
        # Too little history fails nothing: it says so.
        passed=told is None or told.verdict is not Verdict.REGRESSION,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{told.sentence} (runs of {told.entry.record.kind_in_words})"
        if told is not None
        else "no run has succeeded yet",
        metadata=figures,
    )
