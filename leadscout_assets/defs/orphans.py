"""Runs that nobody works on any more, which Dagster would leave as they are for good. Functions on an instance.

Asks about processes of this machine only: for the embedded instance, not for one whose runs live in other containers.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psutil
from dagster import DagsterEventType, DagsterInstance, DagsterRun, DagsterRunStatus, EventLogEntry, RunsFilter
from dagster._core.events import RunFailureReason
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG, RUN_FAILURE_REASON_TAG, WILL_RETRY_TAG

EmbeddedInstance = DagsterInstance
"""The name under which the supervisor, which may not import Dagster, speaks of the instance."""

EXECUTING = (DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING)
"""The states of a run that a process works on, or should; a queued run needs none yet."""

STORAGE_MADE = ".storage-made"

RETRY_FAILED = "Failed to retry run"
"""Dagster's own words in an event; it has no name for them."""

RETRY_ATTEMPTS = 10
"""Lost retries of one run after which a person must look: the code server is then not away but broken."""

CLOCK_SLACK = 1.0
"""Seconds. A process's start is known to the second of the machine's boot only."""


@dataclass(frozen=True)
class Worker:
    """A process that executes a run: its id, and when it reported itself under that id (seconds since 1970)."""

    pid: int
    reported: float


def worker_process(worker: Worker) -> psutil.Process | None:
    """Return the worker's process while it lives; None when it is gone, a zombie, or its pid is now another's.

    Pids are reused, soonest in a restarted container: only a process that started before the report can have made it.
    """
    try:
        process = psutil.Process(worker.pid)
        if process.status() == psutil.STATUS_ZOMBIE or process.create_time() > worker.reported + CLOCK_SLACK:
            return None
    except psutil.NoSuchProcess:
        return None
    return process


def is_alive(worker: Worker) -> bool:
    """Say whether the worker's process still lives."""
    return worker_process(worker) is not None


def open_instance(folder: Path) -> DagsterInstance:
    """Open the instance configured in `folder`; close it with its `with` statement.

    The first to open it makes its storage. Two that do so at the same time would both enter the version of the schema,
    and nobody could open it again: hence the lock, and `storage_is_made` for whoever starts processes that know no lock.
    """
    import fcntl  # POSIX only, like the platform

    with (folder / ".opening").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        instance = DagsterInstance.from_config(str(folder))
        (folder / STORAGE_MADE).touch()
    return instance


def storage_is_made(folder: Path) -> bool:
    """Say whether the instance's storage was opened once already, so that any number of processes may open it."""
    return (folder / STORAGE_MADE).exists()


def run_workers(instance: DagsterInstance) -> dict[str, list[Worker]]:
    """Return, for each run being executed, the processes that reported to execute it since it was last launched."""
    return {run.run_id: _workers(instance, run.run_id) for run in _runs_executing(instance)}


def orphaned_runs(
    instance: DagsterInstance, *, launching: bool, alive: Callable[[Worker], bool] = is_alive
) -> list[str]:
    """Return the ids of the runs that no process executes, although one should.

    With `launching`, a run that is starting and has not named its process is left alone: it may be on its way, and if
    its daemon died between taking it from the queue and launching it, run monitoring's start timeout fails it. Without,
    no platform runs, so nothing can be on its way. Queued runs and runs not yet submitted are no orphans: the daemon
    takes up the former, and the sensor, the backfill or the retry that made the latter submits them.
    """
    found = []
    for run in _runs_executing(instance):
        workers = _workers(instance, run.run_id)
        on_its_way = launching and not workers and run.status is not DagsterRunStatus.STARTED
        if not on_its_way and not any(map(alive, workers)):
            found.append(run.run_id)
    return found


def fail_orphaned_runs(
    instance: DagsterInstance,
    *,
    launching: bool = True,
    only: Collection[str] | None = None,
    alive: Callable[[Worker], bool] = is_alive,
) -> list[str]:
    """Mark orphaned runs (of `only`, when given) failed, so that `run_retries` starts them again; return their ids.

    For `launching`, see `orphaned_runs`. A run that somebody was cancelling is marked cancelled instead: it had been
    asked not to go on.
    """
    marked = []
    for run_id in orphaned_runs(instance, launching=launching, alive=alive):
        # Read again: a run may have ended, and its process with it, while we looked for the process.
        run = instance.get_run_by_id(run_id)
        if run is None or run.status not in EXECUTING or (only is not None and run_id not in only):
            continue
        if run.status is DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, "The process of this run is gone, and it was being cancelled.")
        else:
            instance.report_run_failed(
                run, "The process of this run is gone: it was killed, or stopped with the platform."
            )
        marked.append(run_id)
    return marked


def cancel_orphaned(instance: DagsterInstance, runs: Sequence[DagsterRun]) -> None:
    """Mark those of `runs` cancelled whose process is gone, so that nothing starts them again. Only while no platform runs."""
    gone = set(orphaned_runs(instance, launching=False))
    for run in runs:
        if run.run_id in gone:
            instance.report_run_canceled(run, message="Its process is gone, and nobody wants it to go on.")


def repeat_lost_retries(instance: DagsterInstance, now: datetime, attempts: int = RETRY_ATTEMPTS) -> list[str]:
    """Ask again for each retry that the daemon gave up because the code server was away; return the runs' ids.

    The daemon tries once, and marks the run as not to be retried when that fails. Reported failed anew, the run is judged
    by `run_retries` anew, its limits included. Looks back one day from `now`; gives up after `attempts` lost retries.
    """
    asked = []
    lost = RunsFilter(
        statuses=[DagsterRunStatus.FAILURE], tags={WILL_RETRY_TAG: "false"}, updated_after=now - timedelta(days=1)
    )
    for run in instance.get_runs(filters=lost):
        # A step that failed by itself is not retried on purpose, and need not be read.
        if (
            run.tags.get(RUN_FAILURE_REASON_TAG) == RunFailureReason.STEP_FAILURE.value
            or AUTO_RETRY_RUN_ID_TAG in run.tags
        ):
            continue
        events = instance.all_logs(run.run_id, of_type={DagsterEventType.RUN_FAILURE, DagsterEventType.ENGINE_EVENT})
        failed = [entry for entry in events if entry.get_dagster_event().message == RETRY_FAILED]
        if 0 < len(failed) <= attempts and events[-1] is failed[-1]:
            instance.report_run_failed(
                run, "The retry of this run did not reach the code server; it is asked for again."
            )
            asked.append(run.run_id)
    return asked


def _runs_executing(instance: DagsterInstance) -> list[DagsterRun]:
    return list(instance.get_runs(filters=RunsFilter(statuses=list(EXECUTING))))


def _workers(instance: DagsterInstance, run_id: str) -> list[Worker]:
    """Read the run's processes from its engine events.

    Both the default launcher's worker and the in-process executor (`leadscout demo` without a server) leave an engine
    event with their pid before the first step. A run that went back to the queue was launched again since: what
    reported itself before the last launch does not count. Events of steps name the processes of steps.
    """
    workers: list[Worker] = []
    events = instance.all_logs(run_id, of_type={DagsterEventType.RUN_STARTING, DagsterEventType.ENGINE_EVENT})
    for entry in events:
        event = entry.get_dagster_event()
        if event.event_type is DagsterEventType.RUN_STARTING:
            workers = []
        elif event.step_key is None and (pid := _pid(entry)) is not None:
            workers.append(Worker(pid, entry.timestamp))
    return workers


def _pid(entry: EventLogEntry) -> int | None:
    metadata = entry.get_dagster_event().engine_event_data.metadata
    text = str(metadata["pid"].value) if "pid" in metadata else ""
    return int(text) if text.isdigit() else None
