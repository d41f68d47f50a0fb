"""What a terminal asks of the platform that is up, through its UI: a run, or that the inbox be watched."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from leadscout_assets.defs.partitions import partition_tags
from leadscout_assets.errors import EdgeFailed
from leadscout_assets.supervisor.graphql import graphql
from leadscout_assets.supervisor.instance import LOCATION

JOB = "lead_chain"
REPOSITORY = "__repository__"
"""The name Dagster gives to definitions that are not put into a repository by hand."""

IN_OUR_CODE = {"repositoryLocationName": LOCATION, "repositoryName": REPOSITORY}

LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchPipelineExecution(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
  }
}
"""

TERMINATE = """
mutation Terminate($run: String!) {
  terminateRun(runId: $run, terminatePolicy: SAFE_TERMINATE) { __typename }
}
"""

START_SENSOR = """
mutation Start($sensor: SensorSelector!) {
  startSensor(sensorSelector: $sensor) { __typename }
}
"""

Ask = Callable[[str, str, Mapping[str, object]], Mapping[str, Any]]
"""(the UI's address, query, variables) -> data; raises `EdgeFailed`."""


def launch_on_platform(url: str, batches: Sequence[str], *, ask: Ask = graphql) -> str:
    """Ask the running platform for a run of a stretch of adjacent batches; return its id. Raises `EdgeFailed`."""
    params = {
        "selector": {**IN_OUR_CODE, "jobName": JOB},
        "executionMetadata": {"tags": [{"key": k, "value": v} for k, v in partition_tags(batches).items()]},
        "runConfigData": "{}",
    }
    launched = ask(url, LAUNCH, {"params": params}).get("launchPipelineExecution") or {}
    if "run" not in launched:
        raise EdgeFailed(f"the platform did not start the run ({launched.get('__typename', 'no answer')}); see its UI")
    return str(launched["run"]["runId"])


def terminate_on_platform(url: str, run_id: str, *, ask: Ask = graphql) -> None:
    """Ask the running platform to terminate a run, as the UI's button does. Raises `EdgeFailed`."""
    ended = ask(url, TERMINATE, {"run": run_id}).get("terminateRun") or {}
    if ended.get("__typename") != "TerminateRunSuccess":
        raise EdgeFailed(f"the run was not terminated ({ended.get('__typename', 'no answer')}); see the UI")


def switch_inbox_on(url: str, *, ask: Ask = graphql) -> None:
    """Switch the inbox sensor on, whatever somebody set it to before. Raises `EdgeFailed`."""
    sensor = {**IN_OUR_CODE, "sensorName": "inbox"}
    started = ask(url, START_SENSOR, {"sensor": sensor}).get("startSensor") or {}
    if started.get("__typename") != "Sensor":
        raise EdgeFailed("the inbox sensor could not be switched on; see Automation in the UI")
