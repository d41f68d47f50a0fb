"""Backups in Dagster: what comes back opens there, a damaged one turns its check red, and no fresh home is red."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
import time_machine

from leadscout_assets.batch_overview import details
from leadscout_assets.definitions import definitions
from leadscout_assets.defs.backups import (
    BACKUP_AGE,
    RESTORE_AGE,
    RESTORED,
    backup_schedule,
    recovery_ages,
    recovery_ages_sensor,
    restore_drill_schedule,
)
from leadscout_assets.defs.instance import reported
from leadscout_assets.defs.partitions import LEAD_BATCH
from leadscout_assets.recovery.by_hand import restore_by_hand
from leadscout_assets.recovery.repository import Repository
from leadscout_assets.settings import read_settings
from tests.defs.ground import opened, small_list
from tests.recovery.conftest import flip


def run(ground, job: str) -> dg.ExecuteInProcessResult:
    return definitions().resolve_job_def(job).execute_in_process(instance=ground.instance, raise_on_error=False)


def verdicts(result) -> dict[str, tuple[bool, str]]:
    return {found.check_name: (found.passed, found.description) for found in result.get_asset_check_evaluations()}


def metadata(ground, asset: str) -> dict[str, object]:
    event = ground.instance.get_latest_materialization_event(dg.AssetKey(asset))
    return {name: value.value for name, value in event.asset_materialization.metadata.items()}


def evaluate(ground, cursor: str | None = None) -> dg.SensorExecutionData:
    with dg.build_sensor_context(instance=ground.instance, cursor=cursor) as context:
        return recovery_ages_sensor.evaluate_tick(context)


def judged(ticked: dg.SensorExecutionData) -> dict[str, bool]:
    return {event.check_name: event.passed for event in ticked.asset_events}


def test_a_restored_home_opens_in_dagster_with_its_partitions_events_and_batches(ground, tmp_path):
    delivery = ground.deliver("leads.csv", small_list(1), at=datetime.now(UTC))
    assert ground.run([delivery.batch_id]).is_success
    before = details(ground.home, delivery.batch_id)
    # Taken by a run of the same instance, whose databases are so in use.
    assert run(ground, "backup_job").success
    target = tmp_path / "restored" / "home"
    restore_by_hand(ground.settings, ground.settings.backups_dir, target, None)
    with opened(read_settings(home=target)) as restored:
        assert restored.instance.get_dynamic_partitions(LEAD_BATCH.name) == [delivery.batch_id]
        assert reported(restored.instance, [delivery.batch_id]) == {delivery.batch_id}
        found = details(restored.home, delivery.batch_id)
        assert (found.leads, found.state, found.sha256) == (3, before.state, before.sha256)
        assert all(path.startswith(str(target)) for path in found.reports)


def test_the_drill_proves_the_newest_backup_and_turns_red_when_it_is_damaged(ground):
    assert run(ground, "backup_job").success
    assert metadata(ground, "backup")["backup_age_hours"] == pytest.approx(0.0, abs=0.1)
    assert "proven_restore_age_hours" not in metadata(ground, "backup")
    assert "folder" not in metadata(ground, "backup")
    first = verdicts(run(ground, "restore_drill_job"))
    assert (first[RESTORED][0], first[RESTORE_AGE][0]) == (True, True)
    assert metadata(ground, "restore_drill")["proven_restore_age_hours"] == pytest.approx(0.0, abs=0.1)
    repository = Repository(ground.settings.backups_dir)
    (key,) = [file for file in repository.newest().files if file.path == "keys/lead-id.key"]
    flip(repository.object_path(key.sha256))
    passed, sentence = verdicts(run(ground, "restore_drill_job"))[RESTORED]
    assert not passed
    assert "keys/lead-id.key is damaged" in sentence


def test_a_scheduled_backup_that_lacks_a_delivered_file_is_made_and_fails_with_the_batch(ground):
    delivery = ground.deliver("leads.csv", small_list(1), at=datetime.now(UTC))
    ground.home.store.remove(delivery.sha256)
    ended = run(ground, "backup_job")
    (failed,) = [event for event in ended.all_events if event.event_type_value == "STEP_FAILURE"]
    assert delivery.batch_id in failed.event_specific_data.error.to_string()
    assert len(Repository(ground.settings.backups_dir).ids()) == 1


def test_a_fresh_home_is_not_red_before_its_first_day_has_passed(ground):
    assert judged(evaluate(ground)) == {BACKUP_AGE: True, RESTORE_AGE: True}
    now = datetime.now(UTC)
    ground.deliver("leads.csv", small_list(1), at=now)
    assert judged(evaluate(ground)) == {BACKUP_AGE: True, RESTORE_AGE: True}
    with time_machine.travel(now + timedelta(hours=25), tick=False):
        assert judged(evaluate(ground)) == {BACKUP_AGE: False, RESTORE_AGE: True}
    with time_machine.travel(now + timedelta(hours=49), tick=False):
        assert judged(evaluate(ground)) == {BACKUP_AGE: False, RESTORE_AGE: False}


def test_verdicts_are_written_when_they_or_their_assets_change_and_every_hour(ground):
    now = datetime.now(UTC)
    with time_machine.travel(now, tick=False):
        first = evaluate(ground)
        assert judged(evaluate(ground, first.cursor)) == {}
        ground.instance.report_runless_asset_event(dg.AssetMaterialization("backup"))
        assert judged(evaluate(ground, first.cursor)) == {BACKUP_AGE: True, RESTORE_AGE: True}
    with time_machine.travel(now + timedelta(hours=1), tick=False):
        assert judged(evaluate(ground, first.cursor)) == {BACKUP_AGE: True, RESTORE_AGE: True}


def test_the_ages_can_be_judged_on_demand(ground):
    job = dg.define_asset_job("ages", selection=dg.AssetSelection.checks(recovery_ages))
    merged = dg.Definitions.merge(definitions(), dg.Definitions(jobs=[job]))
    found = verdicts(merged.resolve_job_def("ages").execute_in_process(instance=ground.instance))
    assert {name: passed for name, (passed, _) in found.items()} == {BACKUP_AGE: True, RESTORE_AGE: True}


def test_schedules_are_on_from_the_first_start_and_the_drill_comes_after_the_nights_backup():
    for schedule in (backup_schedule, restore_drill_schedule):
        assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
        assert schedule.execution_timezone == "Africa/Johannesburg"
        assert schedule.description
    minute, hours, *_ = backup_schedule.cron_schedule.split()
    assert [int(hour) for hour in hours.split(",")] == [1, 13]
    assert int(restore_drill_schedule.cron_schedule.split()[1]) > 1 > int(minute)


def test_the_jobs_hold_their_asset_and_no_lead():
    for job, asset in (("backup_job", "backup"), ("restore_drill_job", "restore_drill")):
        layer = definitions().resolve_job_def(job).asset_layer
        assert {key.to_user_string() for key in layer.selected_asset_keys} == {asset}
