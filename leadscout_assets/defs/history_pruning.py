"""Dagster's history, of which nobody needs all for good: which runs, logs, events and ticks are obsolete, and their removal.

Deleting a run takes its events with it, the newest materialization of a batch among them, after which Dagster would call the
batch missing. So a run is deleted whole only when no event of it is the newest of its kind; of any other old run only the log
of its steps goes. Why: ADR 0023.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetEventTagsTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.runs.schema import RunsTable
from dagster._core.storage.schedules.schema import JobTickTable
from dagster._core.storage.tags import RUN_KEY_TAG

AT_ONCE = 500
"""Ids in one statement, and in one transaction: nobody waits long for the lock."""

EVENTS, CHECKS, RUNS, TICKS = SqlEventLogStorageTable.c, AssetCheckExecutionsTable.c, RunsTable.c, JobTickTable.c

NO_RUN = ""
"""Run id of events that were reported outside of any run."""

JUDGED = [AssetCheckExecutionRecordStatus.SUCCEEDED.value, AssetCheckExecutionRecordStatus.FAILED.value]

ASSET_EVENTS = [
    kind.value
    for kind in (
        dg.DagsterEventType.ASSET_MATERIALIZATION,
        dg.DagsterEventType.ASSET_OBSERVATION,
        dg.DagsterEventType.ASSET_CHECK_EVALUATION,
    )
]
"""What is reported outside of runs."""


@dataclass(frozen=True)
class Obsolete:
    """What nobody needs any more: runs to be deleted whole, runs that only lose their log, ids of events and verdicts, ticks."""

    runs: Sequence[str]
    logs: Sequence[str]
    events: Sequence[int]
    verdicts: Sequence[int]
    ticks: Sequence[int]


def find_obsolete(
    instance: dg.DagsterInstance,
    *,
    runs_before: datetime,
    logs_before: datetime,
    ticks_before: datetime,
    owed: Collection[str] = (),
) -> Obsolete:
    """Return what is obsolete: runs that ended before `runs_before`, logs, and ticks, each by its own moment.

    `owed`: run keys of deliveries whose report is still owed. Their runs stay: the inbox sensor counts attempts by them.
    """
    ended = _ended_before(instance, max(runs_before, logs_before))
    old = {run for run, at in ended.items() if at < _naive(runs_before)}
    needed = _needed_runs(instance) | _runs_with_keys(instance, owed)
    return Obsolete(
        runs=sorted(old - needed),
        logs=sorted(
            run
            for run, at in ended.items()
            if at < _naive(logs_before) and not (run in old and run not in needed) and _has_log(instance, run)
        ),
        events=_runless_events(instance, runs_before),
        verdicts=_verdicts(instance, runs_before, old - needed),
        ticks=_ticks(instance, ticks_before),
    )


def remove(instance: dg.DagsterInstance, obsolete: Obsolete, told: Callable[[float], None] = lambda _: None) -> None:
    """Remove it. Killed at any moment, the rest is found again: a run goes after its events. `told`: how far, 0 to 1."""
    storage: Any = instance.event_log_storage
    done, steps = 0, max(len(obsolete.runs) + len(obsolete.logs), 1)
    for run in obsolete.runs:
        with storage.index_connection() as connection:
            storage.delete_events_for_run(connection, run)
            connection.execute(AssetCheckExecutionsTable.delete().where(CHECKS.run_id == run))
        _drop_log(instance, run)
        instance.run_storage.delete_run(run)
        told((done := done + 1) / steps)
    for run in obsolete.logs:
        _drop_log(instance, run)
        told((done := done + 1) / steps)
    for some in _some(obsolete.events):
        with storage.index_connection() as connection:
            connection.execute(AssetEventTagsTable.delete().where(AssetEventTagsTable.c.event_id.in_(some)))
            connection.execute(SqlEventLogStorageTable.delete().where(EVENTS.id.in_(some)))
    for some in _some(obsolete.verdicts):
        with storage.index_connection() as connection:
            connection.execute(AssetCheckExecutionsTable.delete().where(CHECKS.id.in_(some)))
    for some in _some(obsolete.ticks):
        with _schedules(instance).connect() as connection:
            connection.execute(JobTickTable.delete().where(TICKS.id.in_(some)))


def _ended_before(instance: dg.DagsterInstance, before: datetime) -> dict[str, datetime]:
    finished = [status.value for status in FINISHED_STATUSES]
    query = sa.select(RUNS.run_id, RUNS.update_timestamp).where(
        RUNS.status.in_(finished), RUNS.update_timestamp < _naive(before)
    )
    with instance.run_storage.connect() as connection:  # type: ignore[attr-defined]  # every SQL storage has it
        return {row.run_id: row.update_timestamp for row in connection.execute(query)}


def _needed_runs(instance: dg.DagsterInstance) -> set[str]:
    """Return the runs with an event that is the newest of its kind: for an asset's batch, for the kind as a whole, for a check.

    The newest attempt counts as well as the newest success: a failed batch is shown as failed by what was planned. The newest of
    each kind as a whole are what cursors stand at.
    """
    newest = sa.union(
        sa.select(sa.func.max(EVENTS.id))
        .where(EVENTS.asset_key.is_not(None))
        .group_by(EVENTS.dagster_event_type, EVENTS.asset_key, EVENTS.partition),
        sa.select(sa.func.max(EVENTS.id)).group_by(EVENTS.dagster_event_type),
        sa.select(CHECKS.evaluation_event_storage_id).where(CHECKS.id.in_(_newest_verdicts())),
        # What a newest verdict was about.
        sa.select(CHECKS.materialization_event_storage_id).where(CHECKS.id.in_(_newest_verdicts())),
    ).subquery()
    events = sa.select(EVENTS.run_id).where(EVENTS.id.in_(sa.select(newest))).distinct()
    verdicts = sa.select(CHECKS.run_id).where(CHECKS.id.in_(_newest_verdicts())).distinct()
    with _events(instance).index_connection() as connection:
        found = {row[0] for query in (events, verdicts) for row in connection.execute(query)}
    return {run for run in found if run}


def _newest_verdicts() -> Any:
    """Return the query for the newest execution of each check on each batch, and the newest that came to a verdict."""
    per_batch = CHECKS.asset_key, CHECKS.check_name, CHECKS.partition
    every = sa.select(sa.func.max(CHECKS.id)).group_by(*per_batch)
    judged = every.where(CHECKS.execution_status.in_(JUDGED))
    return sa.union(every, judged)


def _runs_with_keys(instance: dg.DagsterInstance, keys: Collection[str]) -> set[str]:
    found: set[str] = set()
    for some in _some(sorted(keys)):
        found |= {run.run_id for run in instance.get_runs(dg.RunsFilter(tags={RUN_KEY_TAG: list(some)}))}
    return found


def _runless_events(instance: dg.DagsterInstance, before: datetime) -> list[int]:
    needed = sa.union(
        sa.select(sa.func.max(EVENTS.id))
        .where(EVENTS.dagster_event_type.in_(ASSET_EVENTS))
        .group_by(EVENTS.dagster_event_type, EVENTS.asset_key, EVENTS.partition),
        sa.select(CHECKS.evaluation_event_storage_id).where(
            CHECKS.id.in_(_newest_verdicts()), CHECKS.evaluation_event_storage_id.is_not(None)
        ),
        sa.select(CHECKS.materialization_event_storage_id).where(
            CHECKS.id.in_(_newest_verdicts()), CHECKS.materialization_event_storage_id.is_not(None)
        ),
    ).subquery()
    query = sa.select(EVENTS.id).where(
        EVENTS.run_id == NO_RUN,
        EVENTS.timestamp < _naive(before),
        EVENTS.dagster_event_type.in_(ASSET_EVENTS),
        EVENTS.id.not_in(sa.select(needed)),
    )
    with _events(instance).index_connection() as connection:
        return list(connection.execute(query).scalars())


def _verdicts(instance: dg.DagsterInstance, before: datetime, gone: Collection[str]) -> list[int]:
    """Return the executions of checks that a later one has replaced; those of runs that go anyway are not counted."""
    query = sa.select(CHECKS.id, CHECKS.run_id).where(
        CHECKS.evaluation_event_timestamp < _naive(before), CHECKS.id.not_in(_newest_verdicts())
    )
    with _events(instance).index_connection() as connection:
        return [row.id for row in connection.execute(query) if row.run_id not in gone]


def _ticks(instance: dg.DagsterInstance, before: datetime) -> list[int]:
    """Return old ticks, but for the newest of each sensor and schedule."""
    newest = sa.select(sa.func.max(TICKS.id)).group_by(TICKS.selector_id)
    query = sa.select(TICKS.id).where(TICKS.timestamp < _naive(before), TICKS.id.not_in(newest))
    with _schedules(instance).connect() as connection:
        return list(connection.execute(query).scalars())


def _has_log(instance: dg.DagsterInstance, run: str) -> bool:
    """Say whether a run still has a log of its own: a file on SQLite, else events that belong to no asset."""
    if path := _log_file(instance, run):
        return path.exists()
    with _events(instance).index_connection() as connection:
        return connection.execute(sa.select(EVENTS.id).where(_of_steps(run)).limit(1)).first() is not None


def _drop_log(instance: dg.DagsterInstance, run: str) -> None:
    if _log_file(instance, run):
        # The index beside it keeps what was said of assets, checks and the run itself.
        _events(instance).drop_log(run)
        return
    with _events(instance).index_connection() as connection:
        connection.execute(SqlEventLogStorageTable.delete().where(_of_steps(run)))


def _of_steps(run: str) -> Any:
    kept = [kind.value for kind in dg.DagsterEventType if kind.value.startswith(("PIPELINE_", "ASSET_", "RUN_"))]
    kinds = sa.or_(EVENTS.dagster_event_type.is_(None), EVENTS.dagster_event_type.not_in(kept))
    return sa.and_(EVENTS.run_id == run, EVENTS.asset_key.is_(None), kinds)


def log_bytes(instance: dg.DagsterInstance, runs: Sequence[str]) -> int | None:
    """Return how large the logs of these runs are; None where they are no files of their own."""
    sizes = 0
    for run in runs:
        path = _log_file(instance, run)
        if path is None:
            return None
        sizes += path.stat().st_size if path.exists() else 0
    return sizes


def _log_file(instance: dg.DagsterInstance, run: str) -> Path | None:
    storage = _events(instance)
    return Path(storage.path_for_shard(run)) if storage.is_run_sharded else None


def _events(instance: dg.DagsterInstance) -> Any:
    return instance.event_log_storage


def _schedules(instance: dg.DagsterInstance) -> Any:
    return instance.schedule_storage


def _naive(moment: datetime) -> datetime:
    """Return a moment as Dagster stores it: UTC, without its zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def _some(ids: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]
