"""Freshness: verdicts change with the age of deliveries, not with re-runs, and are written without a run."""

from __future__ import annotations

import json
from datetime import timedelta

import dagster as dg
import pytest
import time_machine

from leadscout_assets.defs.freshness_checks import (
    ARRIVE,
    CLEANSED,
    CURRENT,
    WATCHED,
    freshness,
    freshness_sensor,
    judge,
)
from leadscout_assets.defs.resources import Platform
from tests.defs.ground import MORNING, small_list

HOUR = timedelta(hours=1)


def verdicts(ground, now, asset: str = "leads") -> tuple[bool, bool]:
    found = judge(ground.instance, ground.home, asset, now)
    return found[ARRIVE].fresh, found[CURRENT].fresh


def materialize(ground, batch: str, at, *assets: str) -> None:
    with time_machine.travel(at, tick=False):
        for asset in assets or WATCHED:
            ground.instance.report_runless_asset_event(dg.AssetMaterialization(asset, partition=batch))


def evaluate(ground, cursor: str | None = None) -> dg.SensorExecutionData:
    context = dg.build_sensor_context(instance=ground.instance, cursor=cursor)
    with context:
        return freshness_sensor.evaluate_tick(context)


class TestVerdicts:
    def test_nothing_delivered_yet_is_not_late(self, ground):
        assert verdicts(ground, MORNING) == (True, True)

    def test_deliveries_are_late_once_the_newest_is_older_than_the_setting_says(self, ground):
        allowed = timedelta(hours=ground.settings.deliver_every_hours)
        ground.deliver("leads.csv", small_list(1))
        assert verdicts(ground, MORNING + allowed)[0]
        assert not verdicts(ground, MORNING + allowed + HOUR)[0]

    def test_the_newest_delivery_must_be_there_within_the_minutes_of_the_setting(self, ground):
        allowed = timedelta(minutes=ground.settings.materialize_within_minutes)
        delivery = ground.deliver("leads.csv", small_list(1))
        assert verdicts(ground, MORNING + allowed)[1]
        assert not verdicts(ground, MORNING + 2 * allowed)[1]
        materialize(ground, delivery.batch_id, MORNING + allowed, "leads")
        assert verdicts(ground, MORNING + 3 * allowed)[1]
        assert not verdicts(ground, MORNING + 3 * allowed, "lead_reports")[1]

    def test_a_late_arrival_stays_late_until_the_next_delivery_arrives_in_time(self, ground):
        late = ground.deliver("leads 1.csv", small_list(1))
        materialize(ground, late.batch_id, MORNING + 3 * HOUR)
        assert not verdicts(ground, MORNING + 4 * HOUR)[1]
        materialize(ground, late.batch_id, MORNING + 5 * HOUR)
        assert not verdicts(ground, MORNING + 6 * HOUR)[1]
        next_one = ground.deliver("leads 2.csv", small_list(2), at=MORNING + 7 * HOUR)
        materialize(ground, next_one.batch_id, MORNING + 7 * HOUR)
        assert verdicts(ground, MORNING + 8 * HOUR)[1]

    def test_running_the_newest_batch_again_later_does_not_make_it_late(self, ground):
        delivery = ground.deliver("leads.csv", small_list(1))
        materialize(ground, delivery.batch_id, MORNING)
        materialize(ground, delivery.batch_id, MORNING + 9 * HOUR)
        assert verdicts(ground, MORNING + 10 * HOUR)[1]

    def test_running_an_old_batch_again_makes_nothing_fresh(self, ground):
        old = ground.deliver("leads 1.csv", small_list(1), at=MORNING - timedelta(days=30))
        materialize(ground, old.batch_id, MORNING - timedelta(days=30))
        ground.deliver("leads 2.csv", small_list(2), at=MORNING - timedelta(days=10))
        assert verdicts(ground, MORNING) == (False, False)
        materialize(ground, old.batch_id, MORNING)
        assert verdicts(ground, MORNING + HOUR) == (False, False)

    def test_a_late_batch_delivered_long_ago_does_not_count_as_the_newest(self, ground):
        newest = ground.deliver("leads 1.csv", small_list(1))
        materialize(ground, newest.batch_id, MORNING)
        ground.deliver("leads 2.csv", small_list(2), at=MORNING - timedelta(days=30))
        assert verdicts(ground, MORNING + HOUR) == (True, True)


class TestSensor:
    def test_it_writes_every_verdict_and_starts_no_run(self, ground):
        ticked = evaluate(ground)
        assert not ticked.run_requests
        events = ticked.asset_events
        assert {(e.asset_key.to_user_string(), e.check_name) for e in events} == {
            (asset, name) for asset in WATCHED for name in (ARRIVE, CURRENT)
        } | {("leads", CLEANSED)}
        assert all(event.passed and event.description for event in events)

    def test_it_writes_again_only_when_a_verdict_changes_or_an_hour_has_passed(self, ground):
        delivery = ground.deliver("leads.csv", small_list(1))
        materialize(ground, delivery.batch_id, MORNING)
        with time_machine.travel(MORNING, tick=False):
            first = evaluate(ground)
        with time_machine.travel(MORNING + timedelta(minutes=59), tick=False):
            assert not evaluate(ground, first.cursor).asset_events
        with time_machine.travel(MORNING + HOUR, tick=False):
            hourly = evaluate(ground, first.cursor)
        assert len(hourly.asset_events) == 7
        just_late = MORNING + timedelta(hours=ground.settings.deliver_every_hours, minutes=1)
        written = json.dumps(json.loads(first.cursor) | {"at": just_late.timestamp() - 60})
        with time_machine.travel(just_late, tick=False):
            changed = evaluate(ground, written)
        late = {(e.asset_key.to_user_string(), e.check_name) for e in changed.asset_events if not e.passed}
        assert late == {(asset, ARRIVE) for asset in WATCHED}

    def test_it_writes_again_after_a_materialization_since_the_ui_hides_what_was_judged_before(self, ground):
        delivery = ground.deliver("leads.csv", small_list(1))
        with time_machine.travel(MORNING, tick=False):
            first = evaluate(ground)
            materialize(ground, delivery.batch_id, MORNING, "leads")
            second = evaluate(ground, first.cursor)
            assert len(second.asset_events) == 7
            assert not evaluate(ground, second.cursor).asset_events

    def test_what_it_writes_is_what_the_instance_shows(self, ground):
        for event in evaluate(ground).asset_events:
            ground.instance.report_runless_asset_event(event)
        key = dg.AssetCheckKey(dg.AssetKey("leads"), ARRIVE)
        summary = ground.instance.event_log_storage.get_asset_check_summary_records([key])[key]
        assert summary.last_check_execution_record.status.value == "SUCCEEDED"


def test_freshness_can_be_judged_on_demand_from_the_ui(ground):
    with time_machine.travel(MORNING, tick=False):
        ground.deliver("leads.csv", small_list(1), at=MORNING - timedelta(days=30))
        job = dg.Definitions(
            assets=[dg.AssetSpec(asset) for asset in WATCHED],
            asset_checks=[freshness],
            jobs=[dg.define_asset_job("judge", selection=dg.AssetSelection.checks(freshness))],
            resources={"platform": Platform()},
            executor=dg.in_process_executor,
        ).resolve_job_def("judge")
        result = job.execute_in_process(instance=ground.instance)
    evaluations = result.get_asset_check_evaluations()
    assert len(evaluations) == 7
    assert {one.check_name for one in evaluations if one.passed} == {CLEANSED}


@pytest.mark.parametrize("asset", WATCHED)
def test_what_the_chain_materialized_is_seen_to_have_arrived(chain, asset):
    found = judge(chain.ground.instance, chain.ground.home, asset, MORNING + HOUR)
    assert found[CURRENT].sentence.startswith("the newest batch arrived here")
