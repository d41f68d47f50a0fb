"""Executes runs of the lead chain in this process, and waits for those that the platform executes.

How the platform is asked for a run is in `ui`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import create_execution_plan, execute_run
from dagster._core.execution.plan.state import KnownExecutionState
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG, RUN_KEY_TAG, WILL_RETRY_TAG
from sqlalchemy.exc import DBAPIError

from leadscout_assets.defs.partitions import partition_tags
from leadscout_assets.defs.resources import Platform
from leadscout_assets.defs.ui import JOB, REPOSITORY
from leadscout_assets.errors import EdgeFailed
from leadscout_assets.supervisor.instance import LOCATION

QUIET = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}
"""Dagster's own console log of a run tells every event; the event log, which the UI shows, holds them anyway."""

POLL_SECONDS = 0.5


def run_here(
    instance: dg.DagsterInstance,
    batches: Sequence[str],
    tags: Mapping[str, str] | None = None,
    *,
    after: dg.DagsterRun | None = None,
) -> bool:
    """Run the chain for a stretch of adjacent batches in this process, recorded on the instance; return success.

    `tags` are shown with the run. `after` is a run of the same batches that failed or was stopped: what it finished is
    not done again.

    Raises `EdgeFailed` where the instance's own storage refuses, on a full disk above all.
    """
    return _execute(instance, {**(tags or {}), **partition_tags(batches)}, after)


def broken_off(
    instance: dg.DagsterInstance, batches: Sequence[str], tags: Mapping[str, str] = MappingProxyType({})
) -> dg.DagsterRun | None:
    """Return the newest run of exactly these batches where it failed or was stopped after a step was finished, else None.

    One without these `tags` was made under other circumstances: what it finished is done again.
    """
    newest = instance.get_runs(dg.RunsFilter(job_name=JOB, tags=partition_tags(batches)), limit=1)
    if not newest or newest[0].status not in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED):
        return None
    same = all(newest[0].tags.get(name) == value for name, value in tags.items())
    return newest[0] if same and finished_steps(instance, newest[0]) else None


def finished_steps(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[str]:
    """Return the steps that a run has finished, in their order."""
    entries = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_SUCCESS)
    return [step for entry in entries if (step := entry.get_dagster_event().step_key) is not None]


@lru_cache(maxsize=1)
def _definitions() -> dg.Definitions:
    """Load the definitions once; each loading takes most of a second."""
    from leadscout_assets.definitions import definitions

    return definitions()


def evaluate_inbox(instance: dg.DagsterInstance) -> int:
    """Evaluate the inbox sensor once, execute the runs it asks for in this process, and return how many those were."""
    found = _definitions()
    sensor = found.resolve_sensor_def("inbox")
    with dg.build_sensor_context(
        instance=instance, repository_def=found.get_repository_def(), resources={"platform": Platform()}
    ) as context:
        requests = sensor.evaluate_tick(context).run_requests or []
    for request in requests:
        tags = dict(request.tags) | ({RUN_KEY_TAG: request.run_key} if request.run_key else {})
        _execute(instance, tags)
    return len(requests)


def wait_for(
    instance: dg.DagsterInstance,
    run_id: str,
    *,
    platform_is_up: Callable[[], bool],
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Wait until a run of the platform, or the last of its automatic retries, has ended; return success.

    Raises `EdgeFailed` where the platform ends before the run does, or the run is deleted meanwhile.
    """
    while True:
        run = instance.get_run_by_id(run_id)
        if run is None:
            raise EdgeFailed("the run was deleted before it had ended; `leadscout batches` says what it left undone")
        if run.is_success:
            return True
        if retry := run.tags.get(AUTO_RETRY_RUN_ID_TAG):
            run_id = retry
            continue
        if run.is_finished and not _may_be_retried(instance, run):
            return False
        if not platform_is_up():
            raise EdgeFailed(
                "the platform ended before the run did; `leadscout up` finishes or repeats it, see `leadscout batches`"
            )
        sleep(POLL_SECONDS)


def _may_be_retried(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Say whether a finished run has a retry before it. Dagster marks each failed run a moment after it has failed."""
    if run.status is not dg.DagsterRunStatus.FAILURE or not instance.run_retries_enabled:
        return False
    return run.tags.get(WILL_RETRY_TAG, "true") == "true"


def _execute(instance: dg.DagsterInstance, tags: Mapping[str, str], after: dg.DagsterRun | None = None) -> bool:
    # The tag by which the UI lists a run under its code location; a run launched by the platform gets it from there.
    listed = {".dagster/repository": f"{REPOSITORY}@{LOCATION}"}
    try:
        job = _definitions().resolve_job_def(JOB)
        run = instance.create_run_for_job(
            job,
            run_config=QUIET,
            tags={**job.run_tags, **tags, **listed},
            **(_rest_of(instance, job, after) if after else {}),
        )
        # Not `execute_in_process`: that holds every step's frame in memory until the run has ended.
        ended = execute_run(InMemoryJob(job), run, instance, raise_on_error=False)
    except DBAPIError as error:
        # Its text quotes statements and their values.
        kind = type(error.orig).__name__
        raise EdgeFailed(
            f"Dagster's storage refused ({kind}): check free space below the home, and run the batches again"
        ) from None
    return bool(ended.success)


def _rest_of(instance: dg.DagsterInstance, job: dg.JobDefinition, run: dg.DagsterRun) -> dict[str, Any]:
    """Return what makes a new run one of the steps that `run` left, as `Re-execute from failure` of the UI does."""
    steps, known = KnownExecutionState.build_resume_retry_reexecution(instance, run)
    plan = create_execution_plan(
        InMemoryJob(job), QUIET, step_keys_to_execute=steps, known_state=known, tags=dict(run.tags)
    )
    return {"execution_plan": plan, "parent_run_id": run.run_id, "root_run_id": run.root_run_id or run.run_id}
