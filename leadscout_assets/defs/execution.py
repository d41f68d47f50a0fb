"""Starts runs of the lead chain from a terminal: through the platform where it is up, else in this process."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence

import dagster as dg
from dagster._core.storage.tags import RUN_KEY_TAG

from leadscout_assets.defs.partitions import partition_tags
from leadscout_assets.defs.resources import Platform
from leadscout_assets.errors import EdgeFailed

JOB = "lead_chain"
LOCATION = "leadscout"
REPOSITORY = "__repository__"
"""The name Dagster gives to definitions that are not put into a repository by hand."""

LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchPipelineExecution(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""

QUIET = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}
"""Dagster's own console log of a run tells every event; the event log, which the UI shows, holds them anyway."""

POLL_SECONDS = 0.5


def run_here(instance: dg.DagsterInstance, batches: Sequence[str]) -> bool:
    """Run the chain for a stretch of adjacent batches in this process, recorded on the instance; return success."""
    return _execute(instance, partition_tags(batches))


def evaluate_inbox(instance: dg.DagsterInstance) -> int:
    """Evaluate the inbox sensor once, execute the runs it asks for in this process, and return how many those were."""
    from leadscout_assets.definitions import definitions

    found = definitions()
    sensor = found.resolve_sensor_def("inbox")
    with dg.build_sensor_context(
        instance=instance, repository_def=found.get_repository_def(), resources={"platform": Platform()}
    ) as context:
        requests = sensor.evaluate_tick(context).run_requests or []
    for request in requests:
        tags = dict(request.tags) | ({RUN_KEY_TAG: request.run_key} if request.run_key else {})
        _execute(instance, tags)
    return len(requests)


def _execute(instance: dg.DagsterInstance, tags: Mapping[str, str]) -> bool:
    from leadscout_assets.definitions import definitions

    # The tag by which the UI lists a run under its code location; a run launched by the platform gets it from there.
    listed = {".dagster/repository": f"{REPOSITORY}@{LOCATION}"}
    job = definitions().resolve_job_def(JOB)
    ended = job.execute_in_process(run_config=QUIET, instance=instance, tags={**tags, **listed}, raise_on_error=False)
    return bool(ended.success)


def launch_on_platform(
    url: str, batches: Sequence[str], *, request: Callable[[str, bytes], bytes] | None = None
) -> str:
    """Ask the running platform for a run of a stretch of adjacent batches; return its id. Raises `EdgeFailed`."""
    params = {
        "selector": {"repositoryLocationName": LOCATION, "repositoryName": REPOSITORY, "jobName": JOB},
        "executionMetadata": {"tags": [{"key": k, "value": v} for k, v in partition_tags(batches).items()]},
        "runConfigData": "{}",
    }
    body = json.dumps({"query": LAUNCH, "variables": {"params": params}}).encode()
    answer = json.loads((request or _post)(f"{url}/graphql", body))
    launched = (answer.get("data") or {}).get("launchPipelineExecution") or {}
    if "run" not in launched:
        raise EdgeFailed(f"the platform did not start the run ({launched.get('__typename', 'no answer')}); see its UI")
    return str(launched["run"]["runId"])


def wait_for(instance: dg.DagsterInstance, run_id: str, *, sleep: Callable[[float], None] = time.sleep) -> bool:
    """Wait until a run has ended; return success."""
    while True:
        run = instance.get_run_by_id(run_id)
        if run is not None and run.is_finished:
            return run.is_success
        sleep(POLL_SECONDS)


def _post(url: str, body: bytes) -> bytes:
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})  # noqa: S310  # our own UI
    # A proxy in the environment knows no way to this machine's own address.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as response:
            return bytes(response.read())
    except urllib.error.URLError as error:
        raise EdgeFailed(f"the platform does not answer: {error.reason}; see `leadscout doctor`") from None


START_SENSOR = """
mutation Start($sensor: SensorSelector!) {
  startSensor(sensorSelector: $sensor) { __typename }
}
"""


def switch_inbox_on(url: str) -> None:
    """Switch the inbox sensor on, whatever somebody set it to before. Raises `EdgeFailed`."""
    sensor = {"repositoryLocationName": LOCATION, "repositoryName": REPOSITORY, "sensorName": "inbox"}
    body = json.dumps({"query": START_SENSOR, "variables": {"sensor": sensor}}).encode()
    answer = (json.loads(_post(f"{url}/graphql", body)).get("data") or {}).get("startSensor") or {}
    if answer.get("__typename") != "Sensor":
        raise EdgeFailed("the inbox sensor could not be switched on; see Automation in the UI")
