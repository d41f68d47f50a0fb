"""Runs that failed, put into an instance many at a time, the way its own storage stores them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import uuid4

import dagster as dg
from dagster._core.events import JobFailureData
from dagster._core.storage.dagster_run import DagsterRunStatus
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.runs.schema import RunsTable, RunTagsTable
from dagster._core.storage.tags import PARTITION_NAME_TAG
from dagster._serdes import serialize_value

AT_ONCE = 1_000


def fail_many(
    instance: dg.DagsterInstance,
    count: int,
    *,
    job: str = "lead_chain",
    at: datetime | None = None,
    batches: Sequence[str] = (),
) -> list[str]:
    """Store `count` failed runs with the event of their failure, and return their ids in the order of the events."""
    ids: list[str] = []
    moment = at or datetime.now(UTC)
    for start in range(0, count, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, count))
        runs = [_run(job, batches[n] if batches else f"2026-01-01_list_{n:08x}") for n in numbers]
        _store_runs(instance, runs, moment)
        _store_failures(instance, runs, moment)
        ids += [run.run_id for run in runs]
    return ids


def _run(job: str, batch: str) -> dg.DagsterRun:
    return dg.DagsterRun(
        job_name=job, run_id=str(uuid4()), status=DagsterRunStatus.FAILURE, tags={PARTITION_NAME_TAG: batch}
    )


def _store_runs(instance: dg.DagsterInstance, runs: Sequence[dg.DagsterRun], at: datetime) -> None:
    naive, seconds = at.astimezone(UTC).replace(tzinfo=None), at.timestamp()
    rows = [
        {
            "run_id": run.run_id,
            "pipeline_name": run.job_name,
            "status": run.status.value,
            "run_body": serialize_value(run),
            "partition": run.tags[PARTITION_NAME_TAG],
            "create_timestamp": naive,
            "update_timestamp": naive,
            "start_time": seconds - 1,
            "end_time": seconds,
        }
        for run in runs
    ]
    tags = [{"run_id": run.run_id, "key": key, "value": value} for run in runs for key, value in run.tags.items()]
    with _connected(instance.run_storage) as connection:
        connection.execute(RunsTable.insert(), rows)
        connection.execute(RunTagsTable.insert(), tags)


def _store_failures(instance: dg.DagsterInstance, runs: Sequence[dg.DagsterRun], at: datetime) -> None:
    events = [
        dg.EventLogEntry(
            user_message="",
            level=40,
            job_name=run.job_name,
            run_id=run.run_id,
            error_info=None,
            step_key=None,
            timestamp=at.timestamp(),
            dagster_event=dg.DagsterEvent(
                event_type_value=dg.DagsterEventType.RUN_FAILURE.value,
                job_name=run.job_name,
                event_specific_data=JobFailureData(error=None, failure_reason=None, first_step_failure_event=None),
            ),
        )
        for run in runs
    ]
    rows = [
        {
            "run_id": event.run_id,
            "event": serialize_value(event),
            "dagster_event_type": dg.DagsterEventType.RUN_FAILURE.value,
            "timestamp": at.astimezone(UTC).replace(tzinfo=None),
        }
        for event in events
    ]
    with instance.event_log_storage.index_connection() as connection:
        connection.execute(SqlEventLogStorageTable.insert(), rows)


@contextmanager
def _connected(storage):
    with storage.connect() as connection:
        yield connection
