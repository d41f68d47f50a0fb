"""Alerts on a real instance: what its event log, runs, ticks and daemons mean to the rules, and that a backlog delays nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    InProcessCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)
from dagster._core.test_utils import create_run_for_test
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._utils.error import SerializableErrorInfo

from leadscout_assets.alerts import machine
from leadscout_assets.alerts.facts import CRITICAL, WARNING, Facts, Machine, Signal
from leadscout_assets.alerts.rules import RULES, by_name
from leadscout_assets.alerts.store import DatabaseStore
from leadscout_assets.alerts.watch import Watch
from leadscout_assets.defs import alert_sources, alerts_sensor
from leadscout_assets.defs.alert_sources import (
    ASSET_JOB,
    CHECK_RULES,
    JOBS,
    MADE_BY,
    ROOTS,
    SAME_WORK,
    baseline,
    facts,
    root_of,
    sources,
)
from leadscout_assets.defs.instance import ensure_partitions
from leadscout_assets.home import Home
from tests.alerts.conftest import Recorder
from tests.defs.backlog import fail_many
from tests.defs.ground import BROKEN, Ground, opened, small_list

BATCHES = [f"2026-03-02_list_0000000{number}" for number in range(1, 5)]
ENDED = {dg.DagsterRunStatus.FAILURE: WARNING, dg.DagsterRunStatus.SUCCESS: None}


@pytest.fixture(autouse=True)
def _a_machine_in_good_health(monkeypatch):
    monkeypatch.setattr(machine, "machine", lambda _home: Machine(0.5, 0.5))


def run_of(ground: Ground, status: dg.DagsterRunStatus, job: str = "lead_chain", **tags: str) -> dg.DagsterRun:
    """Make a run that ended, with the event that Dagster writes."""
    once = {"dagster/max_retries": "0"} | tags
    run = create_run_for_test(ground.instance, job_name=job, status=dg.DagsterRunStatus.STARTED, tags=once)
    if status is dg.DagsterRunStatus.FAILURE:
        ground.instance.report_run_failed(run, "as the test wants it")
    else:
        ground.instance.report_dagster_event(
            dg.DagsterEvent(event_type_value=dg.DagsterEventType.RUN_SUCCESS.value, job_name=job), run_id=run.run_id
        )
    return run


def queued_run(ground: Ground) -> None:
    place = InProcessCodeLocationOrigin(LoadableTargetOrigin(python_file="jobs.py"))
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(place, "repository"), "lead_chain")
    create_run_for_test(
        ground.instance, job_name="lead_chain", status=dg.DagsterRunStatus.QUEUED, remote_job_origin=origin
    )


def signals(ground: Ground) -> list[Signal]:
    streams = sources(ground.instance).streams.values()
    found = [one for stream in streams for one in stream.signals(stream.fetch(-1, None, 100))]
    return sorted(found, key=lambda one: one.event_id)


def watch(ground: Ground, channel: Recorder) -> Watch:
    home = ground.home
    return Watch(ground.settings, lambda: home.database, sources(ground.instance), channels={"slack": channel})


def told(channel: Recorder) -> list[tuple[str, str, str]]:
    return [(line.kind, line.rule, one.root) for one in channel.sent for line in one.lines]


class TestSignals:
    def test_a_run_of_one_batch_is_about_that_batch_whatever_job_it_was(self, ground):
        run_of(ground, dg.DagsterRunStatus.FAILURE, **{PARTITION_NAME_TAG: BATCHES[0]})
        run_of(ground, dg.DagsterRunStatus.SUCCESS, **{PARTITION_NAME_TAG: BATCHES[0]})
        failed, succeeded = signals(ground)
        assert (failed.rule, failed.root, failed.level, succeeded.level) == ("run_failed", "raw_leads", WARNING, None)
        assert failed.subject == succeeded.subject == f"run:raw_leads:{BATCHES[0]}"
        assert failed.event_id < succeeded.event_id
        assert BATCHES[0] in failed.sentence

    def test_a_run_of_a_range_is_about_each_of_its_batches(self, ground):
        ensure_partitions(ground.instance, BATCHES)
        tags = {ASSET_PARTITION_RANGE_START_TAG: BATCHES[1], ASSET_PARTITION_RANGE_END_TAG: BATCHES[3]}
        run_of(ground, dg.DagsterRunStatus.FAILURE, **tags)
        assert [one.subject for one in signals(ground)] == [f"run:raw_leads:{batch}" for batch in BATCHES[1:]]

    def test_a_run_without_batches_is_about_its_job(self, ground):
        run_of(ground, dg.DagsterRunStatus.FAILURE, "reference")
        run_of(ground, dg.DagsterRunStatus.FAILURE, "backup_job")
        assert [(one.rule, one.subject, one.root) for one in signals(ground)] == [
            ("run_failed", "run:reference", "name_lexicon"),
            ("backup_failed", "run:backup_job", "backup"),
        ]

    def test_what_failed_in_a_job_is_mended_by_making_its_asset_from_the_ui(self, ground):
        run_of(ground, dg.DagsterRunStatus.FAILURE, "restore_drill_job")
        run_of(ground, dg.DagsterRunStatus.FAILURE, "__anonymous_asset_job_reference")
        for asset in ("backup", "restore_drill", "name_model", "lead_scores"):
            run = dg.DagsterRun(ASSET_JOB, asset, asset_selection={dg.AssetKey(asset)})
            ground.instance.add_run(run)
            event = dg.DagsterEvent(event_type_value=dg.DagsterEventType.RUN_SUCCESS.value, job_name=ASSET_JOB)
            ground.instance.report_dagster_event(event, run_id=run.run_id)
        assert [(one.level, one.subject) for one in signals(ground)] == [
            (WARNING, "run:restore_drill_job"),
            (WARNING, "run:reference"),
            (None, "run:backup_job"),
            (None, "run:restore_drill_job"),
            (None, "run:reference"),
            (None, "run:raw_leads"),
        ]

    def test_a_failure_that_dagster_is_about_to_retry_is_no_news(self, ground):
        run_of(ground, dg.DagsterRunStatus.FAILURE, **{"dagster/max_retries": "3"})
        assert signals(ground) == []

    def test_a_run_that_was_deleted_meanwhile_is_no_news(self, ground):
        run = run_of(ground, dg.DagsterRunStatus.FAILURE)
        (stream,) = [s for n, s in sources(ground.instance).streams.items() if n == "failed_runs"]
        records = stream.fetch(-1, None, 10)
        ground.instance.delete_run(run.run_id)
        assert len(records) == 1
        assert list(stream.signals(records)) == []

    def test_a_verdict_has_the_rule_of_its_check_and_the_level_of_its_severity(self, ground):
        for name, severity in (
            ("deliveries_arrive", dg.AssetCheckSeverity.ERROR),
            ("performance_regression", dg.AssetCheckSeverity.WARN),
        ):
            ground.instance.report_runless_asset_event(
                dg.AssetCheckEvaluation(
                    asset_key=dg.AssetKey("leads"), check_name=name, passed=False, severity=severity, description="why"
                )
            )
        assert [(one.rule, one.level, one.sentence) for one in signals(ground)] == [
            ("deliveries_stale", CRITICAL, "deliveries_arrive on leads: why"),
            ("regression", WARNING, "performance_regression on leads: why"),
        ]


class TestNames:
    def test_roots_checks_and_jobs_are_those_of_the_definitions(self):
        from leadscout_assets.definitions import definitions

        found = definitions()
        graph = found.resolve_asset_graph()
        checks = {key.name for key in graph.asset_check_keys} | {"performance_regression"}
        assert set(CHECK_RULES) <= checks
        jobs = {job.name for job in found.resolve_all_job_defs()}
        assert set(JOBS) <= jobs
        assert set(MADE_BY.values()) | set(SAME_WORK) | set(SAME_WORK.values()) <= set(JOBS)
        assert set(MADE_BY) <= set(ROOTS)
        assert set(CHECK_RULES.values()) <= {rule.name for rule in RULES}

    def test_a_run_of_a_selection_is_grouped_under_the_root_of_its_assets(self, ground):
        run = dg.DagsterRun(job_name="__ASSET_JOB", asset_selection={dg.AssetKey("lead_scores")})
        assert root_of(run) == "raw_leads"
        assert root_of(dg.DagsterRun(job_name="__ASSET_JOB")) == "__ASSET_JOB"


class TestFacts:
    def test_a_run_under_way_is_told_with_its_state_and_its_age(self, ground):
        now = datetime.now(UTC)
        run = create_run_for_test(ground.instance, job_name="lead_chain", status=dg.DagsterRunStatus.STARTING)
        (found,) = facts(ground.instance, now + timedelta(minutes=20)).under_way
        assert (found.run_id, found.root, found.waiting) == (run.run_id, "raw_leads", True)
        assert 19 * 60 < found.seconds < 21 * 60

    def test_what_waits_in_the_queue_while_another_run_works_is_not_stuck(self, ground):
        queued_run(ground)
        later = datetime.now(UTC) + timedelta(hours=1)
        assert [one.state for one in facts(ground.instance, later).under_way] == ["queued"]
        create_run_for_test(ground.instance, job_name="lead_chain", status=dg.DagsterRunStatus.STARTED)
        assert [one.state for one in facts(ground.instance, later).under_way] == ["started"]

    def test_a_queue_that_moved_lately_is_not_stuck(self, ground):
        queued_run(ground)
        later = datetime.now(UTC) + timedelta(hours=1)
        fail_many(ground.instance, 1, at=later - timedelta(minutes=1))
        (found,) = facts(ground.instance, later).under_way
        assert found.seconds == pytest.approx(60, abs=1)

    def test_the_baseline_is_the_median_of_runs_of_the_same_job_and_size(self, ground):
        now = time.time()
        for seconds, tags in ((10, {}), (20, {}), (30, {}), (900, {ASSET_PARTITION_RANGE_START_TAG: BATCHES[0]})):
            run = create_run_for_test(
                ground.instance, job_name="lead_chain", status=dg.DagsterRunStatus.SUCCESS, tags=tags
            )
            with ground.instance.run_storage.connect() as connection:
                from dagster._core.storage.runs.schema import RunsTable

                connection.execute(
                    RunsTable.update()
                    .where(RunsTable.c.run_id == run.run_id)
                    .values(start_time=now - seconds, end_time=now)
                )
        assert baseline(ground.instance, dg.DagsterRun(job_name="lead_chain")) == (pytest.approx(20), 3)
        assert baseline(ground.instance, dg.DagsterRun(job_name="reference")) == (None, 0)

    def test_failed_runs_are_counted_over_finished_ones_of_the_last_hour(self, ground):
        now = datetime.now(UTC)
        fail_many(ground.instance, 3, at=now)
        fail_many(ground.instance, 5, at=now - timedelta(hours=2))
        run_of(ground, dg.DagsterRunStatus.SUCCESS)
        found = {one.kind: (one.failed, one.finished) for one in facts(ground.instance, now).finished}
        assert found == {**dict.fromkeys(JOBS, (0, 0)), "lead_chain": (3, 4)}

    def test_failed_runs_of_selections_from_the_ui_are_counted_by_the_root_of_what_they_make(self, ground):
        for asset, failed, succeeded in (("lead_scores", 25, 5), ("backup", 1, 2)):
            for number in range(failed + succeeded):
                status = dg.DagsterRunStatus.FAILURE if number < failed else dg.DagsterRunStatus.SUCCESS
                ground.instance.add_run(
                    dg.DagsterRun(
                        "__ASSET_JOB", f"{asset}-{number}", status=status, asset_selection={dg.AssetKey(asset)}
                    )
                )
        found = facts(ground.instance, datetime.now(UTC))
        counted = {one.root: (one.failed, one.finished) for one in found.finished if one.kind == "__ASSET_JOB"}
        assert counted == {"raw_leads": (25, 30), "backup": (1, 3)}
        wrong = by_name()["error_rate"].judge(Facts(instance=found))
        assert [(one.root, one.level) for one in wrong.values()] == [("raw_leads", CRITICAL)]

    def test_daemons_that_never_beat_are_told_as_such(self, ground):
        beats = facts(ground.instance, datetime.now(UTC)).heartbeats
        assert set(beats.values()) == {None}
        assert "SENSOR" in beats

    def test_ticks_that_failed_in_a_row_are_counted_up_to_the_last_good_one(self, ground):
        good, bad, working = TickStatus.SKIPPED, TickStatus.FAILURE, TickStatus.STARTED
        for name, kind, statuses in (
            ("inbox", InstigatorType.SENSOR, [bad, good, bad, bad, bad, working]),
            ("backup", InstigatorType.SCHEDULE, [good, bad]),
            ("freshness", InstigatorType.SENSOR, [bad, good]),
        ):
            ticked(ground.instance, name, kind, statuses)
        found = {one.name: (one.schedule, one.failing) for one in facts(ground.instance, datetime.now(UTC)).ticks}
        assert found == {"inbox": (False, 3), "backup": (True, 1), "freshness": (False, 0)}


def ticked(instance: dg.DagsterInstance, name: str, kind: InstigatorType, statuses: list[TickStatus]) -> None:
    """Store a sensor or schedule that runs, and its ticks, oldest first."""
    place = InProcessCodeLocationOrigin(LoadableTargetOrigin(python_file="jobs.py"))
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(place, "repository"), name)
    schedule = kind is InstigatorType.SCHEDULE
    data = ScheduleInstigatorData("0 0 * * *", start_timestamp=0.0) if schedule else SensorInstigatorData()
    state = InstigatorState(origin, kind, InstigatorStatus.RUNNING, data)
    instance.add_instigator_state(state)
    for number, status in enumerate(statuses):
        instance.create_tick(
            TickData(
                instigator_origin_id=origin.get_id(),
                instigator_name=name,
                instigator_type=kind,
                status=status,
                timestamp=1_000.0 + number,
                selector_id=state.selector_id,
                error=SerializableErrorInfo("x", [], None) if status is TickStatus.FAILURE else None,
            )
        )


def test_the_sensor_evaluates_and_starts_nothing(ground):
    from leadscout_assets.definitions import definitions

    run_of(ground, dg.DagsterRunStatus.FAILURE, **{PARTITION_NAME_TAG: BATCHES[0]})
    with dg.build_sensor_context(
        instance=ground.instance,
        repository_def=definitions().get_repository_def(),
    ) as context:
        ticked = alerts_sensor.alerts_sensor.evaluate_tick(context)
    assert ticked.run_requests == []
    assert "run_failed fired (raw_leads)" in str(ticked.skip_message)


def test_a_refused_batch_of_a_real_run_over_several_is_told_once_and_only_that_batch(ground):
    channel = Recorder()
    good = ground.deliver("one.csv", small_list(1))
    broken = ground.deliver("two.xlsx", BROKEN)
    ground.run([good.batch_id, broken.batch_id])
    checks = [one for one in signals(ground) if one.subject.startswith("check:")]
    found = [one for one in checks if one.subject.split(":")[3]]
    assert all(one.level is None for one in checks if one not in found), "checks of no batch pass"
    assert {one.root for one in found} == {"raw_leads"}
    assert {one.subject.split(":")[3] for one in found} == {good.batch_id, broken.batch_id}
    assert {one.subject.split(":")[3] for one in found if one.level == CRITICAL} == {broken.batch_id}
    assert f"check:raw_leads:conservation:{broken.batch_id}" in {one.subject for one in found if one.level}
    for _ in range(3):
        watch(ground, channel).run()
    assert told(channel) == [("fired", "check_failed", "raw_leads")]
    assert broken.batch_id in channel.sent[0].text


class Queued(NamedTuple):
    channel: Recorder
    started: float
    """Seconds of `time.monotonic` when all had failed."""
    told_after: float
    """Seconds until the newest was told."""
    ids: list[str]


def queue_and_tell(ground: Ground, count: int) -> Queued:
    """Look once, let `count` runs fail and then one of another job, and look until the newest is told."""
    channel = Recorder()
    watch(ground, channel).run()
    run_of(ground, dg.DagsterRunStatus.FAILURE, "reference")
    ids = fail_many(ground.instance, count)
    started = time.monotonic()
    first: list[float] = []

    class Timed(Recorder):
        def send(self, message):
            first.append(time.monotonic() - started)
            channel.send(message)

    while not DatabaseStore(ground.home.database).memory().value["cursors"]["failed_runs"]["top"] >= 0 or not first:
        watch(ground, Timed()).run()
    return Queued(channel, started, first[0], ids)


def worked_off(ground: Ground) -> int:
    """Evaluate until nothing is left to read, and return how many failures are open."""
    for _ in range(60):
        done = watch(ground, Recorder()).run()
        if not done[-1].behind:
            break
    since = datetime.now(UTC) - timedelta(hours=12)
    return sum(group.open for group in DatabaseStore(ground.home.database).groups({"run_failed": since})["run_failed"])


def test_behind_eleven_hundred_failed_runs_the_newest_is_told_at_once_and_none_is_lost(ground):
    queued = queue_and_tell(ground, 1_100)
    assert queued.told_after < 60
    assert queued.ids[-1] in queued.channel.sent[0].text
    assert worked_off(ground) == 1_101
    assert ("fired", "run_failed", "name_lexicon") in told(queued.channel)


@pytest.fixture
def on_postgres(home, postgres, monkeypatch) -> Iterator[Ground]:
    """A home whose databases are both on PostgreSQL."""
    from leadscout_assets.settings import read_settings

    monkeypatch.setenv("LEADSCOUT_DATABASE_URL", postgres.new_database())
    monkeypatch.setenv("LEADSCOUT_DAGSTER_DATABASE_URL", postgres.new_database())
    with opened(read_settings()) as ground:
        yield ground


@pytest.mark.postgres
@pytest.mark.soak
def test_behind_twenty_thousand_failed_runs_on_postgres_the_newest_is_told_within_a_minute(on_postgres, capsys):
    queued = queue_and_tell(on_postgres, 20_000)
    with capsys.disabled():
        print(f"\n20,000 failed runs queued: the newest was told after {queued.told_after:.1f} s")
    assert queued.told_after < 60
    assert queued.ids[-1] in queued.channel.sent[0].text
    assert worked_off(on_postgres) == 20_001
    with capsys.disabled():
        print(f"all were worked off {time.monotonic() - queued.started:.1f} s after they had failed")


@pytest.mark.postgres
@pytest.mark.soak
def test_an_event_that_postgres_shows_late_is_told_all_the_same(on_postgres):
    """Its number is lower than one that was read before, as when two runs end at once and the first commits last."""
    import sqlalchemy as sa

    ground, channel = on_postgres, Recorder()
    run_of(ground, dg.DagsterRunStatus.FAILURE, "reference")
    late = run_of(ground, dg.DagsterRunStatus.FAILURE, **{PARTITION_NAME_TAG: BATCHES[0]})
    run_of(ground, dg.DagsterRunStatus.SUCCESS)
    with ground.instance.event_log_storage.index_connection() as connection:
        # Hidden, as a row is that is not committed yet.
        hide = "UPDATE event_logs SET dagster_event_type = :kind WHERE run_id = :run AND dagster_event_type = :before"
        kinds = {"run": late.run_id, "kind": "LATER", "before": "PIPELINE_FAILURE"}
        assert connection.execute(sa.text(hide), kinds).rowcount == 1
        watch(ground, channel).run()
        run_of(ground, dg.DagsterRunStatus.FAILURE, "restore_drill_job")
        watch(ground, channel).run()
        connection.execute(sa.text(hide), {**kinds, "kind": "PIPELINE_FAILURE", "before": "LATER"})
    assert ("fired", "run_failed", "raw_leads") not in told(channel)
    later = watch(ground, channel)
    moved = datetime.now(UTC) + timedelta(seconds=40)
    Watch(ground.settings, later.database, later.sources, lambda: moved, {"slack": channel}).run()
    assert ("fired", "run_failed", "raw_leads") in told(channel)


def test_the_command_line_and_the_sensor_share_what_they_know(ground):
    run_of(ground, dg.DagsterRunStatus.FAILURE, **{PARTITION_NAME_TAG: BATCHES[0]})
    first = alerts_sensor.evaluate(ground.instance, ground.home)
    again = alerts_sensor.evaluate(ground.instance, Home(ground.settings))
    assert [one.rule.name for each in first for one in each.news] == ["run_failed"]
    assert [one for each in again for one in each.news] == []
    assert alerts_sensor.summary([]) == "another process evaluates the alerts"
    assert alert_sources.WHOLE_RUN == "failed_batches"
