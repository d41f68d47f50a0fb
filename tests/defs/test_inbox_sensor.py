"""Ticks of the inbox sensor: which runs they ask for, what they leave behind, and what an interruption may cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.definitions.partitions.partition_key_range import PartitionKeyRange
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
    RUN_KEY_TAG,
    WILL_RETRY_TAG,
)
from dagster._core.test_utils import create_run_for_test

from leadscout_assets.arrivals import MAX_ATTEMPTS, Request
from leadscout_assets.defs import inbox_sensor
from leadscout_assets.defs.inbox_sensor import tick
from leadscout_assets.defs.partitions import LEAD_BATCH, partition_tags
from leadscout_assets.errors import BadInput, EdgeFailed
from tests.defs.ground import BROKEN, MORNING, Ground, small_list

LATER = MORNING + timedelta(minutes=1)
ENDED = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}


class Killed(BaseException):
    """The process ends here, as far as the code under test can tell."""


def asked(ground: Ground, *, now: datetime = MORNING) -> tuple[Request, ...]:
    return tick(ground.instance, ground.home, now=now)


def have_run(ground: Ground, request: Request, status: dg.DagsterRunStatus, **tags: str) -> dg.DagsterRun:
    """Do what the daemon does with a request, and the run what `status` says."""
    return create_run_for_test(
        ground.instance,
        job_name="lead_chain",
        status=status,
        tags={RUN_KEY_TAG: request.key, **partition_tags(request.batches), **tags},
    )


def partitions(ground: Ground) -> list[str]:
    return list(ground.instance.get_dynamic_partitions(LEAD_BATCH.name))


def lying(ground: Ground) -> list[str]:
    return sorted(path.name for path in ground.settings.inbox_dir.iterdir() if path.is_file())


def taken(ground: Ground) -> list[str]:
    return sorted(path.name for path in (ground.settings.inbox_dir / "taken").rglob("*") if path.is_file())


def evaluate(ground: Ground) -> dg.SensorExecutionData:
    from leadscout_assets.definitions import definitions

    with dg.build_sensor_context(
        instance=ground.instance,
        repository_def=definitions().get_repository_def(),
    ) as context:
        return inbox_sensor.inbox_sensor.evaluate_tick(context)


class TestRequests:
    def test_one_file_is_asked_for_by_its_partition(self, ground):
        ground.drop("leads march.csv", small_list(1))
        ticked = evaluate(ground)
        (request,) = ticked.run_requests
        (record,) = ground.home.records.all()
        assert request.tags[PARTITION_NAME_TAG] == record.batch_id
        assert ASSET_PARTITION_RANGE_START_TAG not in request.tags
        assert request.run_key == record.run_key
        assert partitions(ground) == [record.batch_id]
        assert record.rows_counted == 3

    def test_twelve_files_are_one_run_over_exactly_these_twelve(self, ground):
        for mark in range(12):
            ground.drop(f"leads {mark}.csv", small_list(mark))
        (request,) = evaluate(ground).run_requests
        delivered = [record.batch_id for record in ground.home.records.all()]
        assert len(delivered) == 12
        slice_of_run = PartitionKeyRange(
            request.tags[ASSET_PARTITION_RANGE_START_TAG], request.tags[ASSET_PARTITION_RANGE_END_TAG]
        )
        with partition_loading_context(dynamic_partitions_store=ground.instance):
            assert list(LEAD_BATCH.get_partition_keys_in_range(slice_of_run)) == delivered

    def test_a_partition_that_somebody_else_added_in_between_splits_the_run(self, ground, monkeypatch):
        for mark in range(3):
            ground.drop(f"leads {mark}.csv", small_list(mark))
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(inbox_sensor, "ensure_partitions", _raise)
            asked(ground)
        batches = [record.batch_id for record in ground.home.records.all()]
        for key in (batches[0], "2020-01-01_list_00000000", batches[1], batches[2]):
            ground.instance.add_dynamic_partitions(LEAD_BATCH.name, [key])
        assert [request.batches for request in asked(ground)] == [(batches[0],), (batches[1], batches[2])]

    def test_a_run_holds_no_more_rows_than_the_setting_says(self, ground):
        for mark in range(4):
            ground.drop(f"leads {mark}.csv", small_list(mark, rows=4))
        limited = ground.settings.model_copy(update={"max_rows_per_run": 10})
        home = type(ground.home)(limited)
        assert [len(request.batches) for request in tick(ground.instance, home, now=MORNING)] == [2, 2]

    def test_a_run_holds_no_more_batches_than_the_setting_says(self, ground):
        for mark in range(5):
            ground.drop(f"leads {mark}.csv", small_list(mark))
        limited = ground.settings.model_copy(update={"max_batches_per_run": 2})
        home = type(ground.home)(limited)
        assert [len(request.batches) for request in tick(ground.instance, home, now=MORNING)] == [2, 2, 1]

    def test_an_empty_inbox_asks_for_nothing_and_says_so(self, ground):
        ticked = evaluate(ground)
        assert not ticked.run_requests
        assert "nothing new" in ticked.skip_message

    def test_a_file_that_no_reader_can_read_gets_its_batch_and_its_run(self, ground):
        ground.drop("broken.xlsx", BROKEN)
        (request,) = asked(ground)
        assert ground.home.records.get(request.batches[0]).rows_counted is None

    def test_lock_and_hidden_and_unfinished_files_stay_and_are_no_deliveries(self, ground):
        names = ["~$leads.xlsx", ".leads.csv", "leads.csv.part"]
        for name in names:
            ground.drop(name, small_list(1))
        assert asked(ground) == ()
        assert lying(ground) == sorted(names)
        assert ground.home.records.all() == []

    def test_a_file_that_grows_while_it_is_stored_stays_and_waits(self, ground, monkeypatch):
        path = ground.drop("leads.csv", small_list(1))

        def put_while_growing(source, *_):
            sha256 = put(source)
            with path.open("a") as file:
                file.write("KUDU TRANSPORT,PALESA TAU\n")
            return sha256

        put = ground.home.store.put
        monkeypatch.setattr(ground.home.store, "put", put_while_growing)
        assert asked(ground) == ()
        assert lying(ground) == ["leads.csv"]
        assert ground.home.records.all() == [], "half a file is no delivery"

    @pytest.mark.parametrize("fault", [EdgeFailed("the delivery was not stored"), BadInput("there is no such file")])
    def test_a_file_that_cannot_be_stored_holds_up_no_other(self, ground, monkeypatch, fault):
        ground.drop("leads 1.csv", small_list(1))
        ground.drop("leads 2.csv", small_list(2))
        put = ground.home.store.put

        def put_one(source, *_):
            if source.name == "leads 1.csv":
                raise fault
            return put(source)

        monkeypatch.setattr(ground.home.store, "put", put_one)
        (request,) = asked(ground)
        have_run(ground, request, dg.DagsterRunStatus.STARTED)
        assert asked(ground, now=LATER) == ()
        assert (lying(ground), taken(ground)) == (["leads 1.csv"], ["leads 2.csv"])


class TestSameContent:
    def test_under_two_names_at_once_is_one_batch(self, ground):
        ground.drop("leads.csv", small_list(1))
        ground.drop("leads again.csv", small_list(1))
        (request,) = asked(ground)
        assert len(request.batches) == len(ground.home.records.all()) == 1
        have_run(ground, request, dg.DagsterRunStatus.STARTED)
        assert asked(ground, now=LATER) == ()
        assert taken(ground) == ["leads again.csv", "leads.csv"]

    @pytest.mark.parametrize("status", [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.SUCCESS])
    def test_delivered_again_while_its_run_goes_on_or_is_done_asks_for_nothing(self, ground, status):
        ground.drop("leads.csv", small_list(1))
        (request,) = asked(ground)
        have_run(ground, request, status)
        assert asked(ground, now=LATER) == ()
        ground.drop("copy.csv", small_list(1))
        assert asked(ground, now=LATER) == ()
        assert lying(ground) == []
        assert len(ground.home.records.all()) == len(partitions(ground)) == 1

    def test_dropped_again_after_its_runs_failed_runs_again(self, ground):
        ground.drop("leads.csv", small_list(1))
        (request,) = asked(ground)
        for attempt in range(1, MAX_ATTEMPTS + 1):
            have_run(ground, request, dg.DagsterRunStatus.FAILURE)
            requests = asked(ground, now=LATER)
            assert len(requests) == (attempt < MAX_ATTEMPTS)
            request = requests[0] if requests else request
        assert lying(ground) == []
        ground.drop("leads.csv", small_list(1))
        (again,) = asked(ground, now=LATER)
        assert again.batches == request.batches
        assert again.key != request.key
        assert lying(ground) == ["leads.csv"], "no run has it yet"
        have_run(ground, again, dg.DagsterRunStatus.STARTED)
        assert asked(ground, now=LATER) == ()
        assert lying(ground) == []

    def test_dropped_again_after_a_person_stopped_its_run_runs_again(self, ground):
        ground.drop("leads.csv", small_list(1))
        (request,) = asked(ground)
        have_run(ground, request, dg.DagsterRunStatus.CANCELED)
        assert asked(ground, now=LATER) == (), "what a person stopped is not started again behind his back"
        ground.drop("leads.csv", small_list(1))
        (again,) = asked(ground, now=LATER)
        assert again.batches == request.batches


class TestMoving:
    def test_a_file_moves_only_when_a_run_has_it(self, ground):
        ground.drop("leads.csv", small_list(1))
        (request,) = asked(ground)
        assert lying(ground) == ["leads.csv"]
        assert asked(ground, now=LATER) == (Request(request.key, request.batches, fresh=False),)
        assert lying(ground) == ["leads.csv"], "the daemon did not make the run yet"
        have_run(ground, request, dg.DagsterRunStatus.STARTING)
        assert asked(ground, now=LATER) == ()
        assert lying(ground) == []
        assert taken(ground) == ["leads.csv"]

    def test_files_of_one_name_are_kept_apart_in_taken(self, ground):
        for mark in (1, 2):
            ground.drop("leads.csv", small_list(mark))
            (request,) = asked(ground)
            have_run(ground, request, dg.DagsterRunStatus.STARTED)
            asked(ground)
        assert taken(ground) == ["leads.csv", "leads.csv"]

    def test_a_failed_run_that_dagster_retries_is_not_asked_for_a_second_time(self, ground):
        ground.drop("leads.csv", small_list(1))
        (request,) = asked(ground)
        have_run(ground, request, dg.DagsterRunStatus.FAILURE, **{WILL_RETRY_TAG: "true"})
        assert asked(ground, now=LATER) == ()

    def test_batches_of_a_failed_run_are_asked_for_one_by_one(self, ground):
        for mark in range(3):
            ground.drop(f"leads {mark}.csv", small_list(mark))
        (request,) = asked(ground)
        have_run(ground, request, dg.DagsterRunStatus.FAILURE)
        again = asked(ground, now=LATER)
        assert sorted(request.batches for request in again) == sorted((batch,) for batch in request.batches)


def _raise(*_: object, **__: object) -> None:
    raise Killed


def _then_raise(method):
    def then_killed(*arguments, **options):
        method(*arguments, **options)
        raise Killed

    return then_killed


class TestInterruptions:
    STEPS = ("store", "manifest", "record", "partition", "note", "request", "move")

    @pytest.mark.parametrize("step", STEPS)
    def test_a_kill_after_any_step_loses_nothing_and_doubles_nothing(self, ground, monkeypatch, step):
        ground.drop("leads 1.csv", small_list(1))
        ground.drop("leads 2.csv", small_list(2))
        home, runs = ground.home, []
        after = {
            "store": (home.store, "put"),
            "manifest": (home.store, "keep"),
            "record": (home.records, "record"),
            "partition": (ground.instance, "add_dynamic_partitions"),
            "note": (home.records, "note_request"),
            "move": (inbox_sensor.inbox, "move_to_taken"),
        }
        if step == "move":
            runs += [have_run(ground, request, dg.DagsterRunStatus.STARTED) for request in asked(ground)]
        with monkeypatch.context() as patch, pytest.raises(Killed):
            if step in after:
                patch.setattr(*after[step], _then_raise(getattr(*after[step])))
            asked(ground)
            raise Killed  # after the tick has answered, before the daemon made the run of its answer
        requested = asked(ground, now=LATER)
        runs += [have_run(ground, request, dg.DagsterRunStatus.STARTED) for request in requested]
        assert asked(ground, now=LATER) == ()
        delivered = [record.batch_id for record in home.records.all()]
        assert len(delivered) == len(set(delivered)) == 2
        assert partitions(ground) == delivered
        assert _batches_of(ground, runs) == sorted(delivered)
        assert (lying(ground), taken(ground)) == ([], ["leads 1.csv", "leads 2.csv"])

    def test_a_run_that_a_killed_daemon_made_but_never_submitted_is_asked_for_again_by_its_key(self, ground):
        ground.drop("leads.csv", small_list(1))
        (request,) = asked(ground)
        have_run(ground, request, dg.DagsterRunStatus.NOT_STARTED)
        assert asked(ground, now=LATER) == (Request(request.key, request.batches, fresh=False),)
        assert lying(ground) == ["leads.csv"]


def _batches_of(ground: Ground, runs: list[dg.DagsterRun]) -> list[str]:
    order, held = partitions(ground), []
    for run in runs:
        first = run.tags.get(PARTITION_NAME_TAG) or run.tags[ASSET_PARTITION_RANGE_START_TAG]
        last = run.tags.get(PARTITION_NAME_TAG) or run.tags[ASSET_PARTITION_RANGE_END_TAG]
        held += order[order.index(first) : order.index(last) + 1]
    return sorted(held)


def test_a_tick_asks_no_more_about_a_delivery_once_its_report_is_there(ground):
    ground.drop("leads.csv", small_list(1))
    (request,) = asked(ground)
    have_run(ground, request, dg.DagsterRunStatus.SUCCESS)
    ground.instance.report_runless_asset_event(dg.AssetMaterialization("lead_reports", partition=request.batches[0]))
    assert asked(ground, now=LATER) == ()
    assert ground.home.records.unreported() == []
    assert ground.home.records.get(request.batches[0]).reported_at == LATER.astimezone(UTC)
