"""What a terminal asks of the platform that is up."""

from __future__ import annotations

import pytest
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

from leadscout_assets.defs.jobs import lead_chain
from leadscout_assets.defs.ui import JOB, launch_on_platform, switch_inbox_on
from leadscout_assets.errors import EdgeFailed

BATCHES = ["2026-03-02_list_00000001", "2026-03-02_list_00000002"]

LAUNCHED = {"launchPipelineExecution": {"__typename": "LaunchRunSuccess", "run": {"runId": "abc"}}}


class Answering:
    """A platform that answers so, and remembers what it was asked."""

    def __init__(self, data: dict[str, object]) -> None:
        self.data = data
        self.asked: list[tuple[str, dict[str, object]]] = []

    def __call__(self, url, query, variables):
        self.asked.append((url, variables))
        return self.data


def test_the_platform_is_asked_for_the_chain_of_exactly_these_batches():
    platform = Answering(LAUNCHED)
    assert launch_on_platform("http://ui", BATCHES, ask=platform) == "abc"
    ((url, variables),) = platform.asked
    assert url == "http://ui"
    assert variables["params"]["selector"]["jobName"] == JOB == lead_chain.name
    assert {tag["key"]: tag["value"] for tag in variables["params"]["executionMetadata"]["tags"]} == {
        ASSET_PARTITION_RANGE_START_TAG: BATCHES[0],
        ASSET_PARTITION_RANGE_END_TAG: BATCHES[1],
    }


def test_one_batch_is_asked_for_by_its_partition():
    platform = Answering(LAUNCHED)
    launch_on_platform("http://ui", BATCHES[:1], ask=platform)
    ((_, variables),) = platform.asked
    assert variables["params"]["executionMetadata"]["tags"] == [{"key": PARTITION_NAME_TAG, "value": BATCHES[0]}]


@pytest.mark.parametrize(
    "data", [{"launchPipelineExecution": {"__typename": "PythonError", "message": "Zwelibanzi"}}, {}]
)
def test_a_platform_that_does_not_start_the_run_is_a_fault_that_quotes_nothing(data):
    with pytest.raises(EdgeFailed, match="did not start the run") as raised:
        launch_on_platform("http://ui", BATCHES, ask=Answering(data))
    assert "Zwelibanzi" not in str(raised.value)


def test_the_inbox_sensor_is_switched_on_by_its_name():
    platform = Answering({"startSensor": {"__typename": "Sensor"}})
    switch_inbox_on("http://ui", ask=platform)
    ((_, variables),) = platform.asked
    assert variables["sensor"]["sensorName"] == "inbox"


@pytest.mark.parametrize("data", [{"startSensor": {"__typename": "SensorNotFoundError"}}, {}])
def test_a_sensor_that_is_not_switched_on_is_a_fault(data):
    with pytest.raises(EdgeFailed, match="could not be switched on"):
        switch_inbox_on("http://ui", ask=Answering(data))
