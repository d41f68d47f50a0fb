"""Runs that a terminal starts in this process, and runs of the platform that it waits for."""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg
import pytest
from dagster._core.events import JobFailureData, RunFailureReason
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG, RUN_KEY_TAG, WILL_RETRY_TAG
from dagster._core.test_utils import create_run_for_test

from leadscout_assets.defs import execution
from leadscout_assets.defs.instance import materialized, newest_runs
from leadscout_assets.errors import EdgeFailed
from tests.defs.ground import BROKEN, Ground, small_list


class TestWaiting:
    @pytest.mark.parametrize(("status", "good"), [("SUCCESS", True), ("STEP_FAILURE", False), ("CANCELED", False)])
    def test_it_waits_for_the_end_and_says_whether_it_was_good(self, ground, status, good):
        run = started(ground)
        later = Later(2, lambda: end(ground, run, status))
        assert execution.wait_for(ground.instance, run.run_id, platform_is_up=up, sleep=later) is good
        assert later.looks == 2

    @pytest.mark.parametrize("status", ["SUCCESS", "STEP_FAILURE"])
    def test_a_killed_run_is_judged_by_the_retry_that_dagster_makes_of_it(self, ground, status):
        killed, retry = started(ground), started(ground)

        def be_retried() -> None:
            ground.instance.add_run_tags(killed.run_id, {AUTO_RETRY_RUN_ID_TAG: retry.run_id})

        later = Later(1, lambda: end(ground, killed, "KILLED"), be_retried, lambda: end(ground, retry, status))
        found = execution.wait_for(ground.instance, killed.run_id, platform_is_up=up, sleep=later)
        assert found is (status == "SUCCESS")
        assert later.looks == 3

    def test_a_failed_run_that_is_not_marked_yet_is_looked_at_again(self, ground):
        run = create_run_for_test(ground.instance, job_name="lead_chain", status=dg.DagsterRunStatus.FAILURE)
        later = Later(1, lambda: ground.instance.add_run_tags(run.run_id, {WILL_RETRY_TAG: "false"}))
        assert not execution.wait_for(ground.instance, run.run_id, platform_is_up=up, sleep=later)
        assert later.looks == 1

    @pytest.mark.parametrize("status", ["STARTED", "KILLED"])
    def test_a_platform_that_ends_before_the_run_is_a_fault(self, ground, status):
        run = started(ground)
        if status == "KILLED":
            end(ground, run, status)
        later = Later(1)
        with pytest.raises(EdgeFailed, match="the platform ended before the run did"):
            execution.wait_for(ground.instance, run.run_id, platform_is_up=lambda: later.looks < 2, sleep=later)
        assert later.looks == 2

    def test_a_run_that_somebody_deletes_is_a_fault(self, ground):
        run = started(ground)
        later = Later(1, lambda: ground.instance.delete_run(run.run_id))
        with pytest.raises(EdgeFailed, match="the run was deleted"):
            execution.wait_for(ground.instance, run.run_id, platform_is_up=up, sleep=later)


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


class Later:
    """Sleeps by doing what happens meanwhile: nothing until the look `first`, then one thing a look."""

    def __init__(self, first: int, *happenings: Callable[[], object]) -> None:
        self.looks = 0
        self._happenings = dict(enumerate(happenings, start=first))

    def __call__(self, seconds: float) -> None:
        assert seconds > 0
        self.looks += 1
        self._happenings.get(self.looks, lambda: None)()


def up() -> bool:
    return True


def started(ground: Ground) -> dg.DagsterRun:
    return create_run_for_test(ground.instance, job_name="lead_chain", status=dg.DagsterRunStatus.STARTED)


def end(ground: Ground, run: dg.DagsterRun, how: str) -> None:
    """End a run as Dagster does; `KILLED` is a failure that is retried."""
    own_fault = JobFailureData(error=None, failure_reason=RunFailureReason.STEP_FAILURE)
    ends: dict[str, Callable[[], object]] = {
        "SUCCESS": lambda: ground.instance.report_dagster_event(
            dg.DagsterEvent("PIPELINE_SUCCESS", "lead_chain"), run.run_id
        ),
        "STEP_FAILURE": lambda: ground.instance.report_run_failed(run, "a step failed", own_fault),
        "KILLED": lambda: ground.instance.report_run_failed(run),
        "CANCELED": lambda: ground.instance.report_run_canceled(run),
    }
    ends[how]()
