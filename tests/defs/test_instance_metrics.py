"""What Dagster's instance tells Prometheus: held against an instance in which things happen between two looks."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import RegisteredCodeLocationOrigin as Location
from dagster._core.remote_origin import RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, TickData, TickStatus
from dagster._daemon.types import DaemonHeartbeat
from dagster._utils.error import SerializableErrorInfo

from leadscout_assets.defs.instance_metrics import InstanceMetrics
from leadscout_assets.errors import EdgeFailed
from leadscout_assets.metrics.text import render
from tests.defs.backlog import fail_many
from tests.defs.test_alerts import queued_run


class Clock:
    """Now, and as much later as a test says."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


def value(samples, family: str, *labels: str) -> float | None:
    found = [s.value for s in samples if (s.family, s.labels) == (family, labels)]
    assert len(found) < 2
    return found[0] if found else None


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def metrics(ground, clock):
    made = InstanceMetrics(ground.settings, clock)
    yield made.sources()
    made.close()


def test_an_instance_that_is_not_there_is_told_and_not_made(home):
    made = InstanceMetrics(home)
    with pytest.raises(EdgeFailed, match="no Dagster instance yet"):
        made.sources()["runs"]()
    made.close()
    assert not home.home.exists()


def test_runs_that_end_are_counted_from_the_first_look_on_and_runs_are_told_by_state(ground, metrics):
    fail_many(ground.instance, 3)
    first = metrics["runs"]()
    assert value(first, "runs", "failure") == 3
    assert value(first, "runs_ended_total", "lead_chain", "failed") == 0
    fail_many(ground.instance, 2)
    fail_many(ground.instance, 1, job="somebody_elses")
    for _ in range(2):
        found = metrics["runs"]()
        assert value(found, "runs", "failure") == 6
        assert value(found, "runs_ended_total", "lead_chain", "failed") == 2
        assert value(found, "runs_ended_total", "other", "failed") == 1
        assert value(found, "runs_ended_total", "lead_chain", "succeeded") == 0


def test_the_queue_is_told_by_how_long_its_oldest_run_waits(ground, metrics, clock):
    assert value(metrics["runs"](), "queue_oldest_seconds") == 0
    queued_run(ground)
    clock.ahead = 600
    found = metrics["runs"]()
    assert value(found, "runs", "queued") == 1
    assert value(found, "queue_oldest_seconds") == pytest.approx(600, abs=60)


def judge(instance, name: str, *, passed: bool, severity=dg.AssetCheckSeverity.ERROR, **more) -> None:
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey("leads"), check_name=name, passed=passed, severity=severity, **more
        )
    )


def test_verdicts_are_counted_by_check_and_that_on_a_whole_run_is_not_another(ground, metrics):
    judge(ground.instance, "conservation", passed=False)
    metrics["checks"]()
    judge(ground.instance, "conservation", passed=True)
    judge(ground.instance, "conservation", passed=False)
    judge(ground.instance, "conservation", passed=False, metadata={"failed_batches": 1})
    judge(ground.instance, "reject_rate", passed=False, severity=dg.AssetCheckSeverity.WARN)
    found = metrics["checks"]()
    counted = [
        value(found, "check_results_total", "leads", "conservation", said) for said in ("passed", "warned", "failed")
    ]
    assert counted == [1, 0, 1]
    assert value(found, "check_results_total", "leads", "reject_rate", "warned") == 1


def sensor(name: str) -> InstigatorState:
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(Location("leadscout"), "__repository__"), name)
    return InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING)


def tick(instance, state: InstigatorState, status: TickStatus, at: float) -> None:
    instance.create_tick(
        TickData(
            instigator_origin_id=state.instigator_origin_id,
            instigator_name=state.instigator_name,
            instigator_type=InstigatorType.SENSOR,
            status=status,
            timestamp=at,
            selector_id=state.selector_id,
            run_ids=[],
            skip_reason="nothing to do" if status is TickStatus.SKIPPED else None,
            error=SerializableErrorInfo("x", [], None) if status is TickStatus.FAILURE else None,
        )
    )


def test_ticks_that_ended_are_counted_once_and_those_that_fail_in_a_row_are_told(ground, metrics):
    state, now = sensor("inbox"), time.time()
    ground.instance.add_instigator_state(state)
    tick(ground.instance, state, TickStatus.SUCCESS, now - 50)
    assert value(metrics["ticks"](), "ticks_total", "inbox", "success") == 0
    tick(ground.instance, state, TickStatus.SKIPPED, now - 40)
    tick(ground.instance, state, TickStatus.FAILURE, now - 30)
    tick(ground.instance, state, TickStatus.FAILURE, now - 20)
    tick(ground.instance, state, TickStatus.STARTED, now - 10)
    for _ in range(2):
        found = metrics["ticks"]()
        counted = {said: value(found, "ticks_total", "inbox", said) for said in ("success", "skipped", "failure")}
        assert counted == {"success": 0, "skipped": 1, "failure": 2}
        assert value(found, "ticks_failing", "inbox") == 2


def beat(instance, at: float) -> None:
    for daemon in instance.get_required_daemon_types():
        instance.add_daemon_heartbeat(DaemonHeartbeat(timestamp=at, daemon_type=daemon, daemon_id="one"))


def test_heartbeats_are_told_by_age_and_availability_by_how_long_all_were_fresh(ground, metrics, clock):
    never = metrics["daemons"]()
    assert value(never, "daemon_heartbeat_age_seconds", "sensor") == float("inf")
    assert value(never, "availability_ratio") is None
    beat(ground.instance, time.time())
    clock.ahead = 60
    assert value(metrics["daemons"](), "availability_ratio") == 1.0
    clock.ahead = 150
    found = metrics["daemons"]()
    assert value(found, "daemon_heartbeat_age_seconds", "sensor") == pytest.approx(150, abs=30)
    assert value(found, "availability_ratio") == pytest.approx(60 / 150, abs=0.1)
    assert value(found, "availability_observed_seconds") == pytest.approx(150, abs=30)


def test_the_age_of_each_asset_is_that_of_its_newest_materialization(ground, metrics, clock):
    ground.instance.report_runless_asset_event(dg.AssetMaterialization("lead_reports", partition="a"))
    clock.ahead = 100
    ground.instance.report_runless_asset_event(dg.AssetMaterialization("not_ours"))
    found = metrics["assets"]()
    assert [(s.labels, round(s.value, -2)) for s in found] == [(("lead_reports",), 100)]


def test_dagsters_database_answers_and_has_a_size(ground, metrics):
    found = metrics["dagster_database"]()
    assert value(found, "database_up", "dagster_database") == 1
    assert value(found, "database_bytes", "dagster_database") > 10_000


def test_what_is_told_fits_the_registry(ground, metrics):
    beat(ground.instance, time.time())
    judge(ground.instance, "conservation", passed=True)
    assert render([sample for source in metrics.values() for sample in source()])


@pytest.mark.postgres
def test_on_postgresql_an_event_that_shows_late_is_counted_once(home, postgres_url, monkeypatch):
    from leadscout_assets.defs.orphans import open_instance
    from leadscout_assets.settings import read_settings, use_settings
    from leadscout_assets.supervisor import prepare_instance

    monkeypatch.setenv("LEADSCOUT_DAGSTER_DATABASE_URL", postgres_url)
    settings = use_settings(read_settings())
    made = InstanceMetrics(settings)
    sources = made.sources()
    try:
        with open_instance(prepare_instance(settings).folder) as instance:
            assert value(sources["runs"](), "runs_ended_total", "lead_chain", "failed") == 0
            fail_many(instance, 2, at=datetime.now(UTC) + timedelta(seconds=1))
            for _ in range(2):
                assert value(sources["runs"](), "runs_ended_total", "lead_chain", "failed") == 2
            assert value(sources["dagster_database"](), "database_bytes", "dagster_database") > 1_000_000
    finally:
        made.close()
