"""How each check stands for each batch, remembered between two looks at the UI: a part of both event logs of ours.

Dagster makes this anew whenever a page asks, with a query for each check and batch and a set copied for each of them,
and its way of adding to an earlier state leaves a batch under its old verdict as well. Here a page reads what was
reported since the last one. Why: ADR 0026.
"""

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from threading import Lock
from typing import Any, TypeAlias

import dagster as dg
import sqlalchemy as sa
from dagster._core.asset_graph_view.serializable_entity_subset import SerializableEntitySubset
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecordStatus,
    AssetCheckExecutionResolvedStatus,
    AssetCheckPartitionInfo,
)
from dagster._core.storage.asset_check_state import AssetCheckState
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.event_log import SqlEventLogStorage, SqlEventLogStorageTable
from dagster._serdes import deserialize_value

SETTLED = timedelta(seconds=10)
"""What is younger is read again by the next page: an event is stored before the check's row, and ids may overtake each other."""

REMEMBERED_SECONDS = 600.0
"""Then all is read anew: another process may have wiped an asset, which leaves no event."""

MOST_EVENTS = 1_000
"""Beyond that, reading all anew is cheaper than looking at what changed."""

_TELLING = [
    event.value
    for event in (
        dg.DagsterEventType.ASSET_MATERIALIZATION,
        dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
        dg.DagsterEventType.ASSET_CHECK_EVALUATION,
    )
]
_VERDICTS = {
    AssetCheckExecutionRecordStatus.SUCCEEDED: AssetCheckExecutionResolvedStatus.SUCCEEDED,
    AssetCheckExecutionRecordStatus.FAILED: AssetCheckExecutionResolvedStatus.FAILED,
}

_EVENTS = SqlEventLogStorageTable.c

Batches: TypeAlias = dg.DynamicPartitionsDefinition


class RemembersCheckStates(SqlEventLogStorage):
    """Stands before Dagster's event log among the bases of ours."""

    def get_asset_check_state(
        self, keys: Sequence[tuple[dg.AssetCheckKey, dg.PartitionsDefinition[str] | None]]
    ) -> Mapping[dg.AssetCheckKey, AssetCheckState]:
        """Return the state of each check: of those by batch as remembered, of the others as Dagster makes it."""
        by_batch = {
            key: kind
            for key, kind in keys
            if isinstance(kind, dg.DynamicPartitionsDefinition) and kind.name is not None
        }
        others = [(key, kind) for key, kind in keys if key not in by_batch]
        return {
            **(super().get_asset_check_state(others) if others else {}),
            **(self._check_states.of(by_batch) if by_batch else {}),
        }

    def wipe_asset(self, asset_key: dg.AssetKey) -> None:
        """Forget an asset's events, and the verdicts on it."""
        super().wipe_asset(asset_key)
        self._check_states.forget()

    @cached_property
    def _check_states(self) -> "CheckStates":
        return CheckStates(self)


@dataclass
class _Check:
    """What was reported of a check: a verdict for some batches, for others the run that is to give one."""

    verdicts: dict[str, AssetCheckExecutionResolvedStatus] = field(default_factory=dict)
    planned: dict[str, str] = field(default_factory=dict)
    state: AssetCheckState | None = None
    """Made of these two; None once they have changed."""

    def note(self, info: AssetCheckPartitionInfo) -> None:
        """Take in the newest about a batch; a verdict on what has been replaced since is none."""
        batch = info.partition_key
        if batch is None:
            return
        self.state = None
        self.verdicts.pop(batch, None)
        self.planned.pop(batch, None)
        verdict = _VERDICTS.get(info.latest_execution_status)
        if verdict is None:
            self.planned[batch] = info.latest_planned_run_id
        elif info.is_current:
            self.verdicts[batch] = verdict


class CheckStates:
    """What one process knows of the checks by batch. Any thread may ask."""

    def __init__(self, log: SqlEventLogStorage) -> None:
        """Know nothing yet."""
        self._log = log
        self._lock = Lock()
        self._forget()

    def forget(self) -> None:
        """Read everything anew when next asked."""
        with self._lock:
            self._forget()

    def of(self, keys: Mapping[dg.AssetCheckKey, Batches]) -> dict[dg.AssetCheckKey, AssetCheckState]:
        """Return the state of each check, as of now."""
        with self._lock:
            if time.monotonic() > self._read_at + REMEMBERED_SECONDS:
                self._forget()
            self._read_news()
            new = {key: _Check() for key in keys if key not in self._checks}
            self._read(new)
            self._checks |= new
            self._ask_runs()
            existing = {kind: self._existing(kind) for kind in {kind.name: kind for kind in keys.values()}.values()}
            return {key: self._state(key, kind, existing[kind]) for key, kind in keys.items()}

    def _forget(self) -> None:
        self._checks: dict[dg.AssetCheckKey, _Check] = {}
        self._ended: dict[str, dg.DagsterRunStatus] = {}
        self._batches: dict[str | None, tuple[Sequence[str], Set[str]]] = {}
        self._read_to: int | None = None
        self._read_at = time.monotonic()

    def _read_news(self) -> None:
        """Bring what is known up to date with what was reported since."""
        settled = datetime.now(UTC).replace(tzinfo=None) - SETTLED
        if self._read_to is None:
            self._read_to = self._newest(settled)
        news = self._events_after(self._read_to)
        if len(news) > MOST_EVENTS:
            self._forget()
            self._read_to = self._newest(settled)
            return
        for asset, batches in _batches_by_asset(news).items():
            self._read({key: check for key, check in self._checks.items() if key.asset_key == asset}, sorted(batches))
        self._read_to = max((event.id for event in news if event.timestamp <= settled), default=self._read_to)

    def _newest(self, settled: datetime) -> int:
        query = sa.select(_EVENTS.id).where(_EVENTS.timestamp <= settled).order_by(_EVENTS.id.desc()).limit(1)
        with self._log.index_connection() as connection:
            return connection.execute(query).scalar() or 0

    def _events_after(self, number: int) -> Sequence[Any]:
        query = (
            sa.select(_EVENTS.id, _EVENTS.timestamp, _EVENTS.asset_key, _EVENTS.partition, _EVENTS.event)
            .where(_EVENTS.id > number, _EVENTS.dagster_event_type.in_(_TELLING))
            .order_by(_EVENTS.id)
            .limit(MOST_EVENTS + 1)
        )
        with self._log.index_connection() as connection:
            return connection.execute(query).all()

    def _read(self, checks: Mapping[dg.AssetCheckKey, _Check], batches: Sequence[str] | None = None) -> None:
        if not checks:
            return
        for info in self._log.get_asset_check_partition_info(list(checks), partition_keys=batches):
            checks[info.check_key].note(info)

    def _ask_runs(self) -> None:
        """Learn which of the runs that were to give a verdict have ended without."""
        waiting = {run for check in self._checks.values() for run in check.planned.values()} - self._ended.keys()
        if not waiting:
            return
        asked = dg.RunsFilter(run_ids=sorted(waiting), statuses=FINISHED_STATUSES)
        ended = {run.run_id: run.status for run in self._log._instance.get_runs(asked)}
        for check in self._checks.values():
            if not ended.keys().isdisjoint(check.planned.values()):
                check.state = None
        self._ended |= ended

    def _existing(self, kind: Batches) -> Set[str]:
        """Return the batches that there are: an undone one takes no event with it."""
        names = self._log.get_dynamic_partitions(str(kind.name))
        before, batches = self._batches.get(kind.name, ([], frozenset()))
        if names != before:
            batches = frozenset(names)
            self._batches[kind.name] = names, batches
            for check in self._checks.values():
                check.state = None
        return batches

    def _state(self, key: dg.AssetCheckKey, kind: Batches, existing: Set[str]) -> AssetCheckState:
        check = self._checks[key]
        if check.state is None:
            standing: dict[AssetCheckExecutionResolvedStatus, set[str]] = {
                one: set() for one in AssetCheckExecutionResolvedStatus
            }
            running: dict[str, set[str]] = defaultdict(set)
            for batch in check.verdicts.keys() & existing:
                standing[check.verdicts[batch]].add(batch)
            for batch in check.planned.keys() & existing:
                run = check.planned[batch]
                standing[_without_verdict(self._ended.get(run))].add(batch)
                if run not in self._ended:
                    running[run].add(batch)

            def subset(batches: set[str]) -> SerializableEntitySubset[dg.AssetCheckKey]:
                return SerializableEntitySubset(key, kind.subset_with_partition_keys(batches))

            check.state = AssetCheckState(
                latest_storage_id=self._read_to or 0,
                subsets={status: subset(batches) for status, batches in standing.items()},
                in_progress_runs={run: subset(batches) for run, batches in running.items()},
            )
        return check.state


def _batches_by_asset(events: Iterable[Any]) -> Mapping[dg.AssetKey, Collection[str]]:
    """Return the batches of each asset that events of `_TELLING` are about; an event about a check has them inside alone."""
    batches: dict[dg.AssetKey, set[str]] = defaultdict(set)
    for event in events:
        if event.partition is not None:
            asset = dg.AssetKey.from_db_string(event.asset_key)
            if asset is not None:
                batches[asset].add(event.partition)
            continue
        told = deserialize_value(event.event, EventLogEntry).get_dagster_event().event_specific_data
        if isinstance(told, AssetCheckEvaluationPlanned) and told.partitions_subset is not None:
            batches[told.asset_key].update(told.partitions_subset.get_partition_keys())
        elif isinstance(told, dg.AssetCheckEvaluation) and told.partition is not None:
            batches[told.asset_key].add(told.partition)
    return batches


def _without_verdict(ended: dg.DagsterRunStatus | None) -> AssetCheckExecutionResolvedStatus:
    """Return what Dagster calls a check whose run has given none: it is at it, has failed, or has left it out."""
    if ended is None:
        return AssetCheckExecutionResolvedStatus.IN_PROGRESS
    if ended == dg.DagsterRunStatus.FAILURE:
        return AssetCheckExecutionResolvedStatus.EXECUTION_FAILED
    return AssetCheckExecutionResolvedStatus.SKIPPED
