"""Retention: what nobody needs goes, and everything that the UI shows of batches and checks stays as it was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import TickData, TickStatus
from dagster._core.storage.tags import RUN_KEY_TAG
from dagster._core.test_utils import create_run_for_test

from leadscout_assets.alerts.watch import Watch
from leadscout_assets.database.audit import events as audit_events
from leadscout_assets.defs.alert_sources import sources
from leadscout_assets.defs.history_pruning import Obsolete, find_obsolete, remove
from leadscout_assets.defs.orphans import open_instance
from leadscout_assets.defs.retention import prune, retention
from leadscout_assets.runs.history import RUN_PERFORMANCE
from leadscout_assets.settings import read_settings, use_settings
from leadscout_assets.supervisor import prepare_instance
from tests.defs.graphql import STATUSES, ask, workspace
from tests.defs.ground import BROKEN, MORNING, Ground, small_list
from tests.defs.test_alerts import queued_run

SUCCESS, FAILURE = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE


def later(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def obsolete_after(instance: dg.DagsterInstance, days: float, **more) -> Obsolete:
    """Return what is obsolete when everything so far is `days` old, and one day is kept."""
    before = later(days - 1)
    return find_obsolete(instance, runs_before=before, logs_before=before, ticks_before=before, **more)


def run_of(instance, status=SUCCESS, **tags: str) -> str:
    """Store a run that ended so, with a line in its own log and the events of its end."""
    run = create_run_for_test(instance, job_name="lead_chain", status=dg.DagsterRunStatus.STARTED, tags=tags)
    instance.report_engine_event("a step said something", run)
    kind = dg.DagsterEventType.RUN_SUCCESS if status is SUCCESS else dg.DagsterEventType.RUN_FAILURE
    instance.report_dagster_event(dg.DagsterEvent(kind.value, "lead_chain"), run_id=run.run_id)
    return run.run_id


def made(instance, run_id: str, asset: str, *batches: str, planned_only: bool = False) -> None:
    from dagster._core.events import AssetMaterializationPlannedData, StepMaterializationData

    for batch in batches:
        planned = AssetMaterializationPlannedData(dg.AssetKey(asset), partition=batch)
        done = StepMaterializationData(dg.AssetMaterialization(asset, partition=batch), [])
        kinds = [(dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED, planned)]
        if not planned_only:
            kinds.append((dg.DagsterEventType.ASSET_MATERIALIZATION, done))
        for kind, data in kinds:
            event = dg.DagsterEvent(kind.value, "lead_chain", step_key=asset, event_specific_data=data)
            instance.report_dagster_event(event, run_id=run_id)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def instance(request, home, monkeypatch) -> Iterator[dg.DagsterInstance]:
    if request.param == "postgres":
        monkeypatch.setenv("LEADSCOUT_DAGSTER_DATABASE_URL", request.getfixturevalue("postgres_url"))
        home = use_settings(read_settings())
    with open_instance(prepare_instance(home).folder) as found:
        yield found


class TestOnBothDatabases:
    def test_a_run_whose_batches_were_all_run_again_goes_whole_and_the_newest_stays(self, instance):
        first, second = run_of(instance), run_of(instance)
        made(instance, first, "leads", "a", "b")
        made(instance, second, "leads", "a", "b")
        before = instance.get_latest_storage_id_by_partition(
            dg.AssetKey("leads"), dg.DagsterEventType.ASSET_MATERIALIZATION
        )
        found = obsolete_after(instance, 10)
        assert (found.runs, found.logs) == ([first], [second])
        remove(instance, found)
        assert instance.get_run_by_id(first) is None
        assert instance.get_run_by_id(second) is not None
        after = instance.get_latest_storage_id_by_partition(
            dg.AssetKey("leads"), dg.DagsterEventType.ASSET_MATERIALIZATION
        )
        assert after == before
        assert obsolete_after(instance, 10) == Obsolete([], [], [], [], [])
        said = [entry.dagster_event.event_type for entry in instance.all_logs(second) if entry.dagster_event]
        assert dg.DagsterEventType.ENGINE_EVENT not in said

    def test_a_run_that_holds_the_newest_of_one_batch_only_stays_for_it(self, instance):
        first, second = run_of(instance), run_of(instance)
        made(instance, first, "leads", "a", "b")
        made(instance, second, "leads", "a")
        assert obsolete_after(instance, 10).runs == []

    def test_the_newest_attempt_at_a_batch_stays_although_it_made_nothing(self, instance):
        failed, again, last = run_of(instance, FAILURE), run_of(instance, FAILURE), run_of(instance, FAILURE)
        for run in (failed, again):
            made(instance, run, "leads", "a", planned_only=True)
        made(instance, last, "leads", "another", planned_only=True)
        assert obsolete_after(instance, 10).runs == [failed]

    def test_what_is_young_is_under_way_or_is_owed_a_report_stays(self, instance):
        create_run_for_test(instance, job_name="lead_chain", status=dg.DagsterRunStatus.STARTED)
        owed = run_of(instance, FAILURE, **{RUN_KEY_TAG: "delivery-1"})
        gone = run_of(instance, FAILURE, **{RUN_KEY_TAG: "delivery-2"})
        # The newest failure of all is where a cursor stands.
        run_of(instance, FAILURE)
        assert obsolete_after(instance, 0.5).runs == []
        assert obsolete_after(instance, 10, owed=["delivery-1"]).runs == [gone]
        assert sorted(obsolete_after(instance, 10).runs) == sorted([gone, owed])

    def test_events_outside_runs_go_but_for_the_newest_of_each_check_and_batch(self, instance):
        for passed in (True, False, True):
            for check in ("deliveries_arrive", "newest_delivery_materialized"):
                instance.report_runless_asset_event(
                    dg.AssetCheckEvaluation(asset_key=dg.AssetKey("leads"), check_name=check, passed=passed)
                )
            instance.report_runless_asset_event(dg.AssetMaterialization("run_performance"))
        keys = [
            dg.AssetCheckKey(dg.AssetKey("leads"), name)
            for name in ("deliveries_arrive", "newest_delivery_materialized")
        ]
        before = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
        found = obsolete_after(instance, 10)
        assert (len(found.events), len(found.verdicts)) == (2 * 2 + 2, 2 * 2)
        remove(instance, found)
        assert instance.event_log_storage.get_latest_asset_check_execution_by_key(keys) == before
        assert len(instance.fetch_materializations(dg.AssetKey("run_performance"), limit=9).records) == 1

    def test_ticks_go_but_for_the_newest_of_each_sensor(self, instance):
        for name in ("inbox", "paused"):
            for number in range(3):
                instance.create_tick(
                    TickData(
                        name,
                        name,
                        InstigatorType.SENSOR,
                        TickStatus.SUCCESS,
                        1_000.0 + number,
                        run_ids=[],
                        selector_id=name,
                    )
                )
        found = obsolete_after(instance, 0)
        assert len(found.ticks) == 4
        remove(instance, found)
        assert [tick.timestamp for tick in instance.get_ticks("paused", "paused")] == [1_002.0]


def statuses(ground: Ground) -> object:
    with workspace(ground.instance) as context:
        return ask(context, STATUSES)


def test_the_ui_shows_every_batch_and_every_check_as_before(ground, monkeypatch):
    batches = [ground.deliver(f"l{n}.csv", small_list(n), at=MORNING + timedelta(minutes=n)).batch_id for n in range(2)]
    broken = ground.deliver("b.xlsx", BROKEN, at=MORNING + timedelta(minutes=5)).batch_id
    first = ground.run([*batches, broken])
    again = ground.run(batches)
    monkeypatch.setattr("leadscout_assets.pipeline.score", lambda *_: 1 / 0)
    ground.run([batches[0]])
    before = statuses(ground)
    shown = prune(ground.instance, ground.home, later(200), apply=False, actor="a test")
    assert statuses(ground) == before

    done = prune(ground.instance, ground.home, later(200), apply=True, actor="a test")
    assert [one.count for one in done] == [one.count for one in shown]
    assert statuses(ground) == before
    assert before["assetNodes"]
    # The first run holds what is newest of the broken batch; of the second, nothing but its log may go.
    assert ground.instance.get_run_by_id(first.run_id) is not None
    assert ground.instance.get_run_by_id(again.run_id) is not None
    assert {one.kind: one.count for one in done}["logs of runs"] == 3
    records = ground.home.tables.select(RUN_PERFORMANCE, [], ["run_id"])["run_id"].to_pylist()
    assert {first.run_id, again.run_id} <= set(records)
    (event,) = (one for one in audit_events(ground.home.database) if one.action == "retention.pruned")
    assert (event.actor, event.detail["logs_of_runs"]) == ("a test", 3)


def test_the_alerts_go_on_where_they_were(ground):
    for _ in range(3):
        run_of(ground.instance, FAILURE)
    watch = Watch(ground.settings, lambda: ground.home.database, sources(ground.instance), channels={})
    watch.run()
    remove(ground.instance, obsolete_after(ground.instance, 10))
    told = []
    watch = Watch(ground.settings, lambda: ground.home.database, sources(ground.instance), channels={})
    watch.sources.instance(datetime.now(UTC))
    told += [news for done in watch.run() for news in done.news]
    assert told == []


def test_killed_half_way_the_next_time_removes_the_rest(ground, monkeypatch):
    runs = [run_of(ground.instance) for _ in range(4)]
    for run in runs:
        made(ground.instance, run, "leads", "a")
    storage = type(ground.instance.run_storage)
    real = storage.delete_run
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(storage, "delete_run", lambda self, run: (_ for _ in ()).throw(KeyboardInterrupt))
        remove(ground.instance, obsolete_after(ground.instance, 10))
    assert storage.delete_run is real
    remove(ground.instance, obsolete_after(ground.instance, 10))
    assert [run for run in runs if ground.instance.get_run_by_id(run)] == runs[-1:]


def test_a_log_that_another_process_removed_is_empty_and_no_fault(ground):
    run = run_of(ground.instance)
    assert ground.instance.all_logs(run)
    with open_instance(prepare_instance(ground.settings).folder) as other:
        other.event_log_storage.drop_log(run)
        assert other.all_logs(run) == []
    assert ground.instance.all_logs(run) == []


def test_the_asset_prunes_by_the_settings_and_tells_what_went(ground):
    queued_run(ground)
    from leadscout_assets.defs.resources import Platform

    done = dg.materialize([retention], instance=ground.instance, resources={"platform": Platform()})
    assert done.success
    (event,) = done.asset_materializations_for_node("retention")
    assert {name: value.value for name, value in event.metadata.items()}["runs"] == 0
