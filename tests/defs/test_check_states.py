"""What is remembered of the checks is what Dagster would make anew, whatever was reported in between and by whom."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TypeAlias

import dagster as dg
import pytest
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationPlanned,
    AssetCheckEvaluationTargetMaterializationData,
)
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.events import DagsterEvent
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionResolvedStatus as Status
from dagster._core.storage.asset_check_state import AssetCheckState, bulk_update_asset_check_state

from leadscout_assets.defs import check_states
from leadscout_assets.defs.check_states import RemembersCheckStates
from leadscout_assets.defs.orphans import open_instance
from leadscout_assets.supervisor import prepare_instance
from tests.defs.ground import on_postgres

BATCH = dg.DynamicPartitionsDefinition(name="herd")
ASSETS = ("kraal", "veld")
KEYS = [(dg.AssetCheckKey(dg.AssetKey(asset), name), BATCH) for asset in ASSETS for name in ("fenced", "counted")]
ByCheck: TypeAlias = dict[str, tuple[dict[str, list[str]], dict[str, list[str]]]]
"""The batches by status and by run, of each check."""

BATCHES = [f"herd-{number}" for number in range(5)]


@pytest.fixture
def runs(instance_folder, page) -> Iterator[Reporter]:
    """What runs report, in an instance of their own."""
    with open_instance(instance_folder) as instance:
        yield Reporter(instance)


class Reporter:
    """Reports to an instance what a run of the daemon, or a person in the UI, would."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self._told = set[tuple[dg.AssetCheckKey, str]]()
        instance.add_dynamic_partitions(str(BATCH.name), BATCHES)

    def materialized(self, asset: str, batch: str) -> None:
        self.instance.report_runless_asset_event(dg.AssetMaterialization(asset, partition=batch))

    def planned(self, key: dg.AssetCheckKey, *batches: str) -> str:
        """Begin a run that is to check batches; return its id."""
        run = self.instance.add_run(dg.DagsterRun(job_name="herding", status=dg.DagsterRunStatus.STARTED)).run_id
        told = AssetCheckEvaluationPlanned(
            asset_key=key.asset_key, check_name=key.name, partitions_subset=BATCH.subset_with_partition_keys(batches)
        )
        self._event(dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED, told, run)
        return run

    def verdict(self, key: dg.AssetCheckKey, batch: str, passed: bool, run: str = "") -> None:
        """Tell what a check says about the newest materialization of a batch."""
        newest = self.instance.fetch_materializations(
            dg.AssetRecordsFilter(asset_key=key.asset_key, asset_partitions=[batch]), limit=1
        ).records
        told = dg.AssetCheckEvaluation(
            asset_key=key.asset_key,
            check_name=key.name,
            passed=passed,
            metadata={},
            partition=batch,
            target_materialization_data=_target(newest[0]) if newest else None,
        )
        self._event(dg.DagsterEventType.ASSET_CHECK_EVALUATION, told, run)

    def verdict_without_run(self, key: dg.AssetCheckKey, batch: str, passed: bool) -> None:
        """Tell it as somebody outside of all runs would: Dagster takes that once for a check and batch."""
        if (key, batch) not in self._told:
            self._told.add((key, batch))
            self.verdict(key, batch, passed)

    def ended(self, run: str, failed: bool) -> None:
        run_of = self.instance.get_run_by_id(run)
        assert run_of is not None
        self.instance.report_run_failed(run_of) if failed else self.instance.report_run_canceled(run_of)

    def _event(self, kind: dg.DagsterEventType, told: object, run: str) -> None:
        event = DagsterEvent(event_type_value=kind.value, job_name="herding", event_specific_data=told)  # type: ignore[arg-type]
        self.instance.report_dagster_event(event, run_id=run)


def _target(record):
    return AssetCheckEvaluationTargetMaterializationData(
        storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
    )


def remembered(page: dg.DagsterInstance) -> object:
    return legible(page.event_log_storage.get_asset_check_state(KEYS))


def made_anew(page: dg.DagsterInstance) -> ByCheck:
    with partition_loading_context(dynamic_partitions_store=page):
        return legible(bulk_update_asset_check_state(page, KEYS, {key: AssetCheckState.empty() for key, _ in KEYS}))


def legible(states) -> ByCheck:
    """Return who stands where, by check; the empty left out."""
    return {
        key.to_user_string(): (
            {one.name: sorted(subset.subset_value.get_partition_keys()) for one, subset in state.subsets.items()},
            {run: sorted(subset.subset_value.get_partition_keys()) for run, subset in state.in_progress_runs.items()},
        )
        for key, state in states.items()
    }


def something(runs: Reporter, chance: random.Random, open_runs: list[str]) -> None:
    """Report anything that may happen to one or two batches."""
    (key, _), batch, passed = chance.choice(KEYS), chance.choice(BATCHES), chance.random() < 0.7
    store = runs.instance

    def begin() -> None:
        run = runs.planned(key, *chance.sample(BATCHES, 2))
        open_runs.append(run)

    def run_says() -> None:
        run = runs.planned(key, batch)
        runs.verdict(key, batch, passed, run)
        runs.ended(run, failed=not passed)

    def end() -> None:
        if open_runs:
            runs.ended(open_runs.pop(chance.randrange(len(open_runs))), failed=chance.random() < 0.5)

    def undo() -> None:
        store.delete_dynamic_partition(str(BATCH.name), batch)

    def deliver() -> None:
        store.add_dynamic_partitions(str(BATCH.name), [batch])

    happenings: list[Callable[[], object]] = [
        begin,
        run_says,
        end,
        undo,
        deliver,
        deliver,
        lambda: runs.materialized(chance.choice(ASSETS), batch),
        lambda: runs.verdict_without_run(key, batch, passed),
    ]
    chance.choice(happenings)()


def follow(page: dg.DagsterInstance, runs: Reporter, seed: int, steps: int = 25) -> None:
    """Report one thing after the other, and compare each time; every status must have been among what was compared."""
    chance, open_runs, seen = random.Random(seed), list[str](), set[str]()
    for _ in range(steps):
        something(runs, chance, open_runs)
        expected = made_anew(page)
        assert remembered(page) == expected
        seen |= {status for by_status, _ in expected.values() for status, batches in by_status.items() if batches}
    assert seen == {status.name for status in Status}


@pytest.mark.parametrize(("settled", "seed"), [(0.0, 2), (10.0, 3)], ids=["read once", "young events read again"])
def test_it_is_what_dagster_makes_anew_whatever_was_reported(page, runs, monkeypatch, settled, seed):
    monkeypatch.setattr(check_states, "SETTLED", timedelta(seconds=settled))
    follow(page, runs, seed)


def test_it_is_so_when_more_was_reported_than_is_worth_following(page, runs, monkeypatch):
    monkeypatch.setattr(check_states, "MOST_EVENTS", 1)
    follow(page, runs, 6)


@pytest.mark.postgres
def test_it_is_so_on_postgresql(home, postgres_url):
    with (
        on_postgres(postgres_url) as settings,
        open_instance(prepare_instance(settings).folder) as page,
        open_instance(prepare_instance(settings).folder) as other,
    ):
        assert isinstance(page.event_log_storage, RemembersCheckStates)
        follow(page, Reporter(other), 8)


def test_a_second_look_reads_only_the_batches_that_something_was_reported_of(page, runs, monkeypatch):
    monkeypatch.setattr(check_states, "SETTLED", timedelta(0))
    for batch in BATCHES:
        runs.materialized("kraal", batch)
    remembered(page)
    read: list[tuple[str, list[str] | None]] = []
    theirs = page.event_log_storage.get_asset_check_partition_info

    def listen(keys, after_storage_id=None, partition_keys=None):
        read.extend((key.name, partition_keys) for key in keys)
        return theirs(keys, after_storage_id, partition_keys)

    monkeypatch.setattr(page.event_log_storage, "get_asset_check_partition_info", listen)
    first = page.event_log_storage.get_asset_check_state(KEYS)
    again = page.event_log_storage.get_asset_check_state(KEYS)
    assert all(first[key] is again[key] for key, _ in KEYS)
    assert read == []
    runs.verdict(KEYS[0][0], "herd-3", passed=True)
    assert standing(page, KEYS[0][0]) == {"SUCCEEDED": ["herd-3"]}
    assert read == [("fenced", ["herd-3"]), ("counted", ["herd-3"])]


def test_a_verdict_that_is_stored_after_its_event_is_found(page, runs, monkeypatch):
    """Dagster stores the event, and then, in a transaction of its own, what the event says of the check."""
    key, seen = KEYS[0][0], []
    theirs = runs.instance.event_log_storage.store_asset_check_event

    def late(event, number):
        seen.append(standing(page, key))
        theirs(event, number)

    monkeypatch.setattr(runs.instance.event_log_storage, "store_asset_check_event", late)
    standing(page, key)
    runs.verdict(key, "herd-1", passed=False)
    assert seen == [{}]
    assert standing(page, key) == {"FAILED": ["herd-1"]}


def test_a_wiped_asset_has_no_verdict(page, runs):
    key, other = KEYS[0][0], KEYS[2][0]
    for one in (key, other):
        runs.verdict(one, "herd-1", passed=True)
        assert standing(page, one) == {"SUCCEEDED": ["herd-1"]}
    page.wipe_assets([key.asset_key])
    assert standing(page, key) == {}
    assert standing(page, other) == {"SUCCEEDED": ["herd-1"]}


def test_one_that_another_process_wiped_has_none_after_a_while(page, runs, monkeypatch):
    key = KEYS[0][0]
    runs.verdict(key, "herd-1", passed=True)
    standing(page, key)
    runs.instance.wipe_assets([key.asset_key])
    monkeypatch.setattr(check_states, "REMEMBERED_SECONDS", 0.0)
    assert standing(page, key) == {}


def test_a_batch_in_the_place_of_an_undone_one_is_noticed(page, runs):
    key = KEYS[0][0]
    runs.verdict(key, BATCHES[-1], passed=True)
    assert standing(page, key) == {"SUCCEEDED": [BATCHES[-1]]}
    runs.instance.delete_dynamic_partition(str(BATCH.name), BATCHES[-1])
    runs.instance.add_dynamic_partitions(str(BATCH.name), ["herd-new"])
    assert standing(page, key) == {}


def test_checks_that_are_not_by_batch_are_dagsters_affair(page, runs):
    plain = dg.AssetCheckKey(dg.AssetKey("kraal"), "painted")
    page.report_runless_asset_event(
        dg.AssetCheckEvaluation(asset_key=plain.asset_key, check_name=plain.name, passed=True, metadata={})
    )
    runs.verdict(KEYS[0][0], "herd-1", passed=True)
    states = page.event_log_storage.get_asset_check_state([(plain, None), KEYS[0]])
    assert states[plain].subsets[Status.SUCCEEDED].bool_value
    assert states[KEYS[0][0]].subsets[Status.SUCCEEDED].subset_value.get_partition_keys() == {"herd-1"}


def standing(page: dg.DagsterInstance, key: dg.AssetCheckKey) -> dict[str, list[str]]:
    """Return the batches by status, without the statuses that no batch has."""
    state = page.event_log_storage.get_asset_check_state([(key, BATCH)])[key]
    found = {status.name: sorted(subset.subset_value.get_partition_keys()) for status, subset in state.subsets.items()}
    return {status: batches for status, batches in found.items() if batches}
