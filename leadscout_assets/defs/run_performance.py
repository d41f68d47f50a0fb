"""The performance history: run records out of Dagster's event log into a table of their own, and the check that judges them.

A run brings the table up to date before it is judged, and a sensor does so for runs that broke off. Why: ADR 0013.
"""

import heapq
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import dagster as dg
import orjson
import sqlalchemy as sa
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._serdes import deserialize_value

from leadscout_assets.defs.lead_assets import column_schema
from leadscout_assets.defs.maintenance_assets import MAINTENANCE_GROUP
from leadscout_assets.defs.resources import Platform
from leadscout_assets.defs.run_log import followed
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

READ, WRITTEN = 2_000, 20_000
"""Events asked for at a time, of one asset, and events of one commit."""

KINDS = (dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_OBSERVATION)
"""Kinds of events that hold a run record: an observation is that of a step that broke off."""

TICK_SECONDS = 30


def catch_up(instance: dg.DagsterInstance, home: Home) -> int:
    """Add the run records that the event log has and the table has not, and return how many those were.

    The cursor is the table itself: whatever ends this half-way, the next call goes on from what is stored. For that, events
    are added in the order of their ids, whatever asset they are of.
    """
    added, records = 0, _records(instance, _start(home))
    while page := list(islice(records, WRITTEN)):
        added += home.tables.add_new(RUN_PERFORMANCE, to_frame([event for row in page if (event := read_event(*row))]))
    return added


def _start(home: Home) -> int:
    """Return the id after which to read: the highest of the events stored that are older than the overlap; 0 for none."""
    newest = home.tables.largest(RUN_PERFORMANCE, "recorded_at")
    if newest is None:
        return 0
    return int(home.tables.largest_before(RUN_PERFORMANCE, "event_id", "recorded_at", newest - OVERLAP) or 0)


def _records(instance: dg.DagsterInstance, after: int) -> Iterator[tuple[int, str]]:
    """Yield id and text of the events of all assets that may hold a run record, by ascending id.

    By the index that Dagster has for reading one kind of events of one asset.
    """
    table = SqlEventLogStorageTable.c
    storage: Any = instance.event_log_storage

    def stream(asset: str, kind: dg.DagsterEventType, after: int) -> Iterator[tuple[int, str]]:
        wanted = sa.select(table.id, table.event).where(
            table.asset_key == dg.AssetKey(asset).to_string(), table.dagster_event_type == kind.value
        )
        while True:
            with storage.index_connection() as connection:
                rows = connection.execute(wanted.where(table.id > after).order_by(table.id).limit(READ)).all()
            yield from (tuple(row) for row in rows)
            if len(rows) < READ:
                return
            after = rows[-1].id

    return heapq.merge(*(stream(asset, kind, after) for asset in ASSETS for kind in KINDS))


def read_event(event_id: int, text: str) -> Event | None:
    """Return the run record that an event holds; None where it holds none, as one reported by hand.

    Read without Dagster, which makes thirty objects of each and needs four times as long. What has not the form that is known
    here is left to Dagster.
    """
    try:
        found = orjson.loads(text)
        told = found["dagster_event"]["event_specific_data"]
        about = told.get("materialization") or told["asset_observation"]
        entries = ((one["label"], one["entry_data"]) for one in about["metadata_entries"])
        metadata = {label: data["value"] if "value" in data else data.get("text") for label, data in entries}
        at, partition = float(found["timestamp"]), about["partition"]
    except (KeyError, TypeError, AttributeError, orjson.JSONDecodeError):
        entry = deserialize_value(text, dg.EventLogEntry)
        made = entry.asset_materialization or entry.asset_observation
        if made is None:
            return None
        metadata = {name: value.value for name, value in made.metadata.items()}
        at, partition = entry.timestamp, made.partition
    try:
        record = RunRecord.from_metadata(metadata)
    except (KeyError, ValueError, TypeError):
        return None
    rows = metadata.get("dagster/row_count")
    return Event(event_id, datetime.fromtimestamp(at, UTC), record, partition, rows if isinstance(rows, int) else None)


@dg.asset(
    group_name=MAINTENANCE_GROUP,
    owners=["team:data-engineering"],
    kinds={"deltalake"},
    description=f"{RUN_PERFORMANCE.means} What `leadscout perf` and the checks `{CHECK}` judge.",
    metadata={"dagster/column_schema": column_schema(RUN_PERFORMANCE), "dagster/table_name": "tables/run_performance"},
)
def run_performance(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[None]:
    """Bring the table up to date."""
    bringing = operation("run_performance", run_id=context.run.run_id, asset="run_performance")
    with private_errors(), bringing, followed(context, "run_performance"):
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
