"""Runs that a terminal starts: in this process, or on the platform that is up."""

from __future__ import annotations

import json
import socket

import dagster as dg
import pytest
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
    RUN_KEY_TAG,
)
from dagster._core.test_utils import create_run_for_test

from leadscout_assets.defs import execution
from leadscout_assets.defs.instance import materialized, newest_runs
from leadscout_assets.errors import EdgeFailed
from tests.defs.ground import BROKEN, small_list

BATCHES = ["2026-03-02_list_00000001", "2026-03-02_list_00000002"]


class TestLaunching:
    def asked(self, answer: object):
        """Return a fake platform that answers so, and what it was asked."""
        questions: list[tuple[str, dict[str, object]]] = []

        def request(url: str, body: bytes) -> bytes:
            questions.append((url, json.loads(body)["variables"]["params"]))
            return json.dumps(answer).encode()

        return request, questions

    def test_the_platform_is_asked_for_the_chain_of_exactly_these_batches(self):
        launched = {"data": {"launchPipelineExecution": {"__typename": "LaunchRunSuccess", "run": {"runId": "abc"}}}}
        request, questions = self.asked(launched)
        assert execution.launch_on_platform("http://ui", BATCHES, request=request) == "abc"
        ((url, params),) = questions
        assert url == "http://ui/graphql"
        assert params["selector"]["jobName"] == "lead_chain"
        assert {tag["key"]: tag["value"] for tag in params["executionMetadata"]["tags"]} == {
            ASSET_PARTITION_RANGE_START_TAG: BATCHES[0],
            ASSET_PARTITION_RANGE_END_TAG: BATCHES[1],
        }

    def test_one_batch_is_asked_for_by_its_partition(self):
        launched = {"data": {"launchPipelineExecution": {"__typename": "LaunchRunSuccess", "run": {"runId": "abc"}}}}
        request, questions = self.asked(launched)
        execution.launch_on_platform("http://ui", BATCHES[:1], request=request)
        ((_, params),) = questions
        assert params["executionMetadata"]["tags"] == [{"key": PARTITION_NAME_TAG, "value": BATCHES[0]}]

    @pytest.mark.parametrize(
        "answer",
        [
            {"data": {"launchPipelineExecution": {"__typename": "PythonError", "message": "Zwelibanzi"}}},
            {"data": None, "errors": [{"message": "Zwelibanzi"}]},
            {},
        ],
    )
    def test_a_platform_that_does_not_start_it_is_a_fault_that_quotes_nothing(self, answer):
        request, _ = self.asked(answer)
        with pytest.raises(EdgeFailed, match="did not start the run") as raised:
            execution.launch_on_platform("http://ui", BATCHES, request=request)
        assert "Zwelibanzi" not in str(raised.value)

    def test_a_platform_that_does_not_answer_is_a_fault_that_says_what_to_look_at(self, monkeypatch):
        monkeypatch.setenv("http_proxy", "http://proxy.invalid:1")
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))  # without listening
            with pytest.raises(EdgeFailed, match="does not answer.*refused.*leadscout doctor"):
                execution.launch_on_platform(f"http://127.0.0.1:{nobody.getsockname()[1]}", BATCHES)


class TestWaiting:
    @pytest.mark.parametrize(("status", "good"), [("SUCCESS", True), ("FAILURE", False), ("CANCELED", False)])
    def test_it_waits_for_the_end_and_says_whether_it_was_good(self, ground, status, good):
        run = create_run_for_test(ground.instance, job_name="lead_chain", status=dg.DagsterRunStatus.STARTED)
        slept = []

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            if len(slept) == 3:
                _end(ground.instance, run, dg.DagsterRunStatus[status])

        assert execution.wait_for(ground.instance, run.run_id, sleep=sleep) is good
        assert len(slept) == 3


def test_the_inbox_is_taken_to_its_reports_without_any_server(ground):
    for name, content in (("leads 1.csv", small_list(1)), ("leads 2.csv", small_list(2)), ("broken.xlsx", BROKEN)):
        ground.drop(name, content)
    assert execution.evaluate_inbox(ground.instance) == 1
    records = ground.home.records.all()
    batches = [record.batch_id for record in records]
    run = ground.newest_run()
    assert run.is_success
    assert run.tags[RUN_KEY_TAG] == records[0].run_key
    assert materialized(ground.instance, "lead_reports", batches) == set(batches)
    assert [ground.home.records.get(batch).reported_at for batch in batches] == [None] * 3
    assert execution.evaluate_inbox(ground.instance) == 0
    assert None not in [ground.home.records.get(batch).reported_at for batch in batches]
    taken = sorted(path.name for path in (ground.settings.inbox_dir / "taken").rglob("*") if path.is_file())
    assert taken == ["broken.xlsx", "leads 1.csv", "leads 2.csv"]


def test_a_run_of_this_process_is_listed_under_the_code_location(ground):
    run = ground.run([ground.deliver("broken.xlsx", BROKEN).batch_id])
    assert run.tags[".dagster/repository"] == "__repository__@leadscout"


def test_the_newest_run_of_a_key_counts(ground):
    for status in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS):
        create_run_for_test(ground.instance, job_name="lead_chain", status=status, tags={RUN_KEY_TAG: "key"})
    assert newest_runs(ground.instance, ["key", "other"])["key"].state == "succeeded"
    assert newest_runs(ground.instance, []) == {}


def _end(instance: dg.DagsterInstance, run: dg.DagsterRun, status: dg.DagsterRunStatus) -> None:
    report = {
        dg.DagsterRunStatus.SUCCESS: lambda: instance.report_dagster_event(
            dg.DagsterEvent("PIPELINE_SUCCESS", "lead_chain"), run.run_id
        ),
        dg.DagsterRunStatus.FAILURE: lambda: instance.report_run_failed(run),
        dg.DagsterRunStatus.CANCELED: lambda: instance.report_run_canceled(run),
    }
    report[status]()
