import inspect
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import dagster as dg
import psutil
import pytest
import yaml
from dagster._core.events import DagsterEvent, DagsterEventType, EngineEventData, JobFailureData, RunFailureReason
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG, WILL_RETRY_TAG

from leadscout_assets.defs import orphans
from leadscout_assets.defs.orphans import Worker
from leadscout_assets.supervisor import prepare_instance
from leadscout_assets.supervisor.instance import configuration

REPOSITORY = RemoteRepositoryOrigin(GrpcServerCodeLocationOrigin(host="localhost", socket="/nowhere"), "__repository__")
DEAD = 7
ALIVE = 8


def alive(worker):
    return worker.pid == ALIVE


@dg.op
def work():
    pass


@dg.job(executor_def=dg.in_process_executor)
def sample():
    work()


@pytest.fixture
def instance():
    # In memory: a run's own database on disk takes a second to make.
    retries = yaml.safe_load(configuration().read_text())["run_retries"]
    with dg.DagsterInstance.ephemeral(settings={"run_retries": retries}) as made:
        yield made


@pytest.fixture
def run(instance):
    """Make a run with the events given: a number is the report of a process, a type is that event of the run."""

    def make(*events):
        made = instance.create_run_for_job(
            sample,
            remote_job_origin=RemoteJobOrigin(REPOSITORY, sample.name),
            job_code_origin=dg.reconstructable(sample).get_python_origin(),
        )
        for event in events:
            report(instance, made, event)
        return made.run_id

    return make


def report(instance, made, event):
    if isinstance(event, DagsterEventType):
        instance.report_dagster_event(DagsterEvent(event.value, made.job_name), run_id=made.run_id)
    elif isinstance(event, int):
        instance.report_engine_event(
            f"Started process for run (pid: {event}).", made, EngineEventData.in_process(event)
        )
    else:
        instance.report_engine_event(event, made)


QUEUED, STARTING, STARTED, CANCELING, SUCCESS = (
    DagsterEventType.PIPELINE_ENQUEUED,
    DagsterEventType.PIPELINE_STARTING,
    DagsterEventType.PIPELINE_START,
    DagsterEventType.PIPELINE_CANCELING,
    DagsterEventType.PIPELINE_SUCCESS,
)


@pytest.mark.parametrize(
    ("events", "ends_as"),
    [
        pytest.param((QUEUED, STARTING, DEAD, STARTED), "FAILURE", id="a killed run"),
        pytest.param((QUEUED, STARTING, DEAD), "FAILURE", id="killed before its first step"),
        pytest.param((QUEUED, STARTING), "FAILURE", id="taken from the queue and never launched"),
        pytest.param((STARTED,), "FAILURE", id="killed before it named its process"),
        pytest.param((QUEUED, STARTING, DEAD, STARTED, CANCELING), "CANCELED", id="killed while being cancelled"),
        pytest.param((QUEUED, STARTING, ALIVE, STARTED), "STARTED", id="at work"),
        pytest.param((QUEUED, STARTING, ALIVE, STARTED, CANCELING), "CANCELING", id="tidying up"),
        pytest.param((QUEUED, STARTING, DEAD, QUEUED, STARTING, ALIVE), "STARTING", id="launched again"),
        pytest.param((QUEUED, STARTING, ALIVE, QUEUED, STARTING, DEAD), "FAILURE", id="launched again and killed"),
        pytest.param((QUEUED,), "QUEUED", id="the daemon's"),
        pytest.param((), "NOT_STARTED", id="its maker's"),
        pytest.param((QUEUED, STARTING, DEAD, STARTED, SUCCESS), "SUCCESS", id="done"),
    ],
)
def test_at_the_start_of_a_platform_runs_that_nobody_works_on_come_to_an_end(instance, run, events, ends_as):
    run_id = run(*events)
    before = instance.get_run_by_id(run_id).status
    marked = orphans.fail_orphaned_runs(instance, launching=False, alive=alive)
    assert instance.get_run_by_id(run_id).status.value == ends_as
    assert marked == ([run_id] if before.value != ends_as else [])


@pytest.mark.parametrize(
    ("events", "ends_as"),
    [
        pytest.param((QUEUED, STARTING), "STARTING", id="may be on its way"),
        pytest.param((QUEUED, STARTING, DEAD, QUEUED, STARTING), "STARTING", id="may be on its way again"),
        pytest.param((QUEUED, STARTING, CANCELING), "CANCELING", id="cancelled on its way"),
        pytest.param((QUEUED, STARTING, DEAD), "FAILURE", id="killed before its first step"),
        pytest.param((QUEUED, STARTING, DEAD, STARTED), "FAILURE", id="a killed run"),
    ],
)
def test_while_a_platform_runs_a_run_on_its_way_is_left_alone(instance, run, events, ends_as):
    run_id = run(*events)
    orphans.fail_orphaned_runs(instance, alive=alive)
    assert instance.get_run_by_id(run_id).status.value == ends_as


def test_a_killed_run_is_one_that_is_retried(instance, run):
    run_id = run(QUEUED, STARTING, DEAD, STARTED)
    orphans.fail_orphaned_runs(instance, alive=alive)
    assert instance.get_run_by_id(run_id).tags[WILL_RETRY_TAG] == "true"


def test_only_the_runs_asked_for_are_touched(instance, run):
    one, two = run(STARTING, DEAD), run(STARTING, DEAD)
    assert orphans.fail_orphaned_runs(instance, only=[two], alive=alive) == [two]
    assert instance.get_run_by_id(one).status is dg.DagsterRunStatus.STARTING


def test_a_run_that_ends_while_we_look_for_its_process_keeps_its_end(instance, run):
    run_id = run(STARTING, DEAD, STARTED)

    def ends_meanwhile(worker):
        report(instance, instance.get_run_by_id(run_id), SUCCESS)
        return False

    assert orphans.fail_orphaned_runs(instance, alive=ends_meanwhile) == []
    assert instance.get_run_by_id(run_id).status is dg.DagsterRunStatus.SUCCESS


def test_a_run_executed_in_this_process_is_at_work(instance):
    seen = {}

    @dg.op
    def look():
        seen["orphans"] = orphans.orphaned_runs(instance, launching=False)
        seen["workers"] = [worker.pid for workers in orphans.run_workers(instance).values() for worker in workers]

    @dg.job
    def looking():
        look()

    looking.execute_in_process(instance=instance)
    assert seen == {"orphans": [], "workers": [os.getpid()]}


def test_a_process_that_started_after_the_report_is_another_one():
    started = psutil.Process().create_time()
    assert orphans.is_alive(Worker(os.getpid(), started))
    assert not orphans.is_alive(Worker(os.getpid(), started - 60))


def test_neither_a_process_that_ended_nor_its_zombie_is_alive():
    child = subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE)
    worker = Worker(child.pid, datetime.now(UTC).timestamp() + 1)
    assert orphans.is_alive(worker)
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not orphans.is_alive(worker)
    child.wait()
    assert not orphans.is_alive(worker)


def lose_the_retry(instance, run_id):
    """Do what the daemon does when it cannot reach the code server."""
    report(instance, instance.get_run_by_id(run_id), orphans.RETRY_FAILED)
    instance.add_run_tags(run_id, {WILL_RETRY_TAG: "false"})


def test_a_lost_retry_is_asked_for_again_and_again_but_not_for_ever(instance, run):
    run_id, now = run(STARTING, DEAD), datetime.now(UTC)
    orphans.fail_orphaned_runs(instance, alive=alive)
    assert orphans.repeat_lost_retries(instance, now) == []
    for _ in range(2):
        lose_the_retry(instance, run_id)
        assert orphans.repeat_lost_retries(instance, now, attempts=2) == [run_id]
        assert instance.get_run_by_id(run_id).tags[WILL_RETRY_TAG] == "true"
        assert orphans.repeat_lost_retries(instance, now, attempts=2) == []
    lose_the_retry(instance, run_id)
    assert orphans.repeat_lost_retries(instance, now, attempts=2) == []


def test_a_retry_that_was_lost_long_ago_is_a_persons_business(instance, run):
    run_id = run(STARTING, DEAD)
    orphans.fail_orphaned_runs(instance, alive=alive)
    lose_the_retry(instance, run_id)
    assert orphans.repeat_lost_retries(instance, datetime.now(UTC) + timedelta(days=2)) == []


def test_a_retry_that_was_found_after_all_is_not_asked_for(instance, run):
    run_id = run(STARTING, DEAD)
    orphans.fail_orphaned_runs(instance, alive=alive)
    lose_the_retry(instance, run_id)
    instance.add_run_tags(run_id, {AUTO_RETRY_RUN_ID_TAG: "another"})
    assert orphans.repeat_lost_retries(instance, datetime.now(UTC)) == []


def test_a_step_that_failed_by_itself_is_not_retried(instance, run):
    run_id = run(STARTING, ALIVE, STARTED)
    reason = JobFailureData(error=None, failure_reason=RunFailureReason.STEP_FAILURE)
    instance.report_run_failed(instance.get_run_by_id(run_id), "a step failed", reason)
    lose_the_retry(instance, run_id)
    assert orphans.repeat_lost_retries(instance, datetime.now(UTC)) == []


def test_the_words_are_dagsters_own():
    from dagster._daemon.auto_run_reexecution import auto_run_reexecution

    assert f'"{orphans.RETRY_FAILED}"' in inspect.getsource(auto_run_reexecution)


def test_many_may_open_a_new_instance_at_once(home):
    folder = prepare_instance(home).folder
    assert not orphans.storage_is_made(folder)
    faults = []

    def open_it():
        try:
            with orphans.open_instance(folder) as opened:
                opened.get_runs()
        except Exception as error:  # noqa: BLE001  # whatever it is, it is told
            faults.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert orphans.storage_is_made(folder)
