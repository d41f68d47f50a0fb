"""What Dagster's instance tells Prometheus: runs, queue, ticks, verdicts of checks, daemons. Reads only, in the background.

Counts begin when the exporter begins to look, each event counted once; nothing here grows with the history.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import dagster as dg
from dagster._core.scheduler.instigation import TickStatus
from sqlalchemy import text

from leadscout_assets.alerts.machine import DAGSTER
from leadscout_assets.alerts.reading import FIRST_READ, OVERLAP_SECONDS, Cursor, read
from leadscout_assets.defs.alert_sources import (
    ASSET_JOB,
    JOBS,
    ROOTS,
    WHOLE_RUN,
    fetch_events,
    heartbeats,
    probe_dagster,
    ticks,
)
from leadscout_assets.defs.orphans import open_instance, storage_is_made
from leadscout_assets.errors import EdgeFailed
from leadscout_assets.health import HEARTBEAT_SECONDS
from leadscout_assets.metrics.counting import Availability, Tally
from leadscout_assets.metrics.families import Sample
from leadscout_assets.metrics.reading import Source
from leadscout_assets.settings import Settings
from leadscout_assets.supervisor import prepare_instance

ENDED: Mapping[dg.DagsterEventType, str] = {
    dg.DagsterEventType.RUN_SUCCESS: "succeeded",
    dg.DagsterEventType.RUN_FAILURE: "failed",
    dg.DagsterEventType.RUN_CANCELED: "cancelled",
}

OTHER_JOBS = "other"
"""The job of runs of selections of assets, and of jobs that are not in the definitions any more."""

PAGE, PAGES = 500, 8
"""Events of a kind read at once, and pages of them: what is more is read at the next looks, the newest first."""

TICKS = 100
"""Newest ticks of a sensor or schedule looked at: at one every five seconds, those of eight minutes."""

SIZED_EVERY = 300.0
"""Seconds between two looks at how large Dagster's files are: there is one for each run."""


class InstanceMetrics:
    """The sources of one instance, opened when the first of them is read."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        """Take the settings; nothing is opened yet. `clock`: seconds since 1970."""
        self._settings, self._clock = settings, clock
        self._open = ExitStack()
        self._ended, self._ticks, self._verdicts = Tally(), Tally(), Tally()
        self._availability = Availability()
        self._streams: dict[dg.DagsterEventType, _Stream] = {}
        self._ticked: dict[str, float] = {}
        self._sized: tuple[float, int] | None = None

    def sources(self) -> Mapping[str, Source]:
        """Return the sources by name."""
        return {
            "runs": self._run_samples,
            "ticks": self._tick_samples,
            "checks": self._check_samples,
            "daemons": self._daemon_samples,
            "assets": self._asset_samples,
            "dagster_database": self._database_samples,
        }

    def close(self) -> None:
        """Close the instance."""
        self._open.close()

    @cached_property
    def _instance(self) -> dg.DagsterInstance:
        if self._settings.dagster_database_url is None and not storage_is_made(self._settings.dagster_dir):
            raise EdgeFailed("there is no Dagster instance yet: leadscout up makes one")
        # Not entered: the instance that is would be the one that definitions are loaded with, for as long as this is open.
        instance = open_instance(prepare_instance(self._settings).folder)
        self._open.callback(instance.dispose)
        return instance

    def _run_samples(self) -> Sequence[Sample]:
        instance = self._instance
        for job in (*JOBS, OTHER_JOBS):
            for outcome in ENDED.values():
                self._ended.begin("runs_ended_total", job, outcome)
        for kind, outcome in ENDED.items():
            for record in self._new(kind):
                job = record.event_log_entry.job_name or ASSET_JOB
                self._ended.add("runs_ended_total", 1, job if job in JOBS else OTHER_JOBS, outcome)
        states = [
            Sample("runs", instance.get_runs_count(dg.RunsFilter(statuses=[status])), (status.value.lower(),))
            for status in dg.DagsterRunStatus
        ]
        queued = instance.get_run_records(
            dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED]), limit=1, order_by="create_timestamp", ascending=True
        )
        now = self._clock()
        since = queued[0].create_timestamp.replace(tzinfo=UTC).timestamp() if queued else now
        waits = Sample("queue_oldest_seconds", max(now - since, 0.0))
        return [*states, waits, *self._ended.samples()]

    def _tick_samples(self) -> Sequence[Sample]:
        instance = self._instance
        for state in instance.all_instigator_state():
            name = state.instigator_name
            newest = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=TICKS)
            ended = [tick for tick in newest if tick.status is not TickStatus.STARTED]
            last = max((tick.timestamp for tick in ended), default=0.0)
            for status in (TickStatus.SUCCESS, TickStatus.SKIPPED, TickStatus.FAILURE):
                self._ticks.begin("ticks_total", name, status.value.lower())
            # One at a time of each: what has ended since was begun after all that had ended before.
            for tick in ended:
                if tick.timestamp > self._ticked.get(name, last):
                    self._ticks.add("ticks_total", 1, name, tick.status.value.lower())
            self._ticked[name] = max(last, self._ticked.get(name, 0.0))
        failing = [Sample("ticks_failing", one.failing, (one.name,)) for one in ticks(instance)]
        return [*self._ticks.samples(), *failing]

    def _check_samples(self) -> Sequence[Sample]:
        for record in self._new(dg.DagsterEventType.ASSET_CHECK_EVALUATION):
            event = record.event_log_entry.dagster_event
            verdict = event.asset_check_evaluation_data if event else None
            if verdict is None or (WHOLE_RUN in verdict.metadata and verdict.partition is None):
                continue
            severe = verdict.severity is dg.AssetCheckSeverity.ERROR
            said = "passed" if verdict.passed else "failed" if severe else "warned"
            asset = verdict.asset_key.to_user_string()
            if asset in ROOTS:
                for each in ("passed", "warned", "failed"):
                    self._verdicts.begin("check_results_total", asset, verdict.check_name, each)
                self._verdicts.add("check_results_total", 1, asset, verdict.check_name, said)
        return self._verdicts.samples()

    def _daemon_samples(self) -> Sequence[Sample]:
        ages = heartbeats(self._instance, datetime.fromtimestamp(self._clock(), UTC))
        self._availability.look(
            self._clock(), bool(ages) and all(age is not None and age <= HEARTBEAT_SECONDS for age in ages.values())
        )
        found = [
            # One that never beat was silent for ever.
            Sample("daemon_heartbeat_age_seconds", float("inf") if age is None else age, (daemon.lower(),))
            for daemon, age in ages.items()
        ]
        if (ratio := self._availability.ratio) is not None:
            found.append(Sample("availability_ratio", ratio))
        return [*found, Sample("availability_observed_seconds", self._availability.observed)]

    def _asset_samples(self) -> Sequence[Sample]:
        records = self._instance.get_asset_records([dg.AssetKey(asset) for asset in ROOTS])
        made = {
            record.asset_entry.asset_key.to_user_string(): record.asset_entry.last_materialization_record
            for record in records
        }
        return [
            Sample("materialization_age_seconds", max(self._clock() - newest.timestamp, 0.0), (asset,))
            for asset, newest in sorted(made.items())
            if newest is not None
        ]

    def _database_samples(self) -> Sequence[Sample]:
        probed = probe_dagster(self._instance)
        found = [
            Sample("database_up", 0.0 if probed.fault else 1.0, (DAGSTER,)),
            Sample("database_probe_seconds", probed.seconds, (DAGSTER,)),
        ]
        return found if probed.fault else [*found, Sample("database_bytes", self._size(), (DAGSTER,))]

    def _size(self) -> int:
        if self._sized is None or self._clock() - self._sized[0] >= SIZED_EVERY:
            self._sized = self._clock(), _size_of(self._instance, self._settings)
        return self._sized[1]

    def _new(self, kind: dg.DagsterEventType) -> Sequence[dg.EventLogRecord]:
        if kind not in self._streams:
            self._streams[kind] = _Stream(self._instance, kind, self._clock())
        return self._streams[kind].new(self._clock())


class _Stream:
    """The events of one kind from a moment on, each once, also where PostgreSQL shows one late."""

    def __init__(self, instance: dg.DagsterInstance, kind: dg.DagsterEventType, now: float) -> None:
        self._storage, self._kind, self._began = instance.event_log_storage, kind, now
        newest = fetch_events(self._storage, kind, FIRST_READ, None, 1)
        self._cursor = Cursor(top=newest[0].storage_id if newest else FIRST_READ)
        self._seen: dict[int, float] = {}

    def new(self, now: float) -> Sequence[dg.EventLogRecord]:
        def fetch(after: int, before: int | None, limit: int) -> Sequence[dg.EventLogRecord]:
            return fetch_events(self._storage, self._kind, after, before, limit)

        found = read(
            self._cursor,
            fetch,
            now=now,
            oldest=self._began - OVERLAP_SECONDS,
            size=PAGE,
            pages=PAGES,
            # On SQLite one process writes at a time, and numbers come in the order of the commits.
            overlap=not self._storage.is_run_sharded,
        )
        self._cursor = found.cursor
        every = {record.storage_id: record for record in (*found.new, *found.again)}
        new = [
            record for number, record in every.items() if number not in self._seen and record.timestamp >= self._began
        ]
        self._seen.update({record.storage_id: record.timestamp for record in every.values()})
        self._seen = {number: at for number, at in self._seen.items() if at >= now - 2 * OVERLAP_SECONDS}
        return new


def _size_of(instance: dg.DagsterInstance, settings: Settings) -> int:
    if settings.dagster_database_url is None:
        return sum(file.stat().st_size for file in Path(settings.dagster_dir).rglob("*.db*") if file.is_file())
    with instance.run_storage.connect() as connection:  # type: ignore[attr-defined]  # of every SQL storage
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
