"""The names that are remembered are those that there are, whoever delivered or undid in between."""

from __future__ import annotations

import random
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqlEventLogStorage

from leadscout_assets.defs.orphans import open_instance
from leadscout_assets.supervisor import prepare_instance
from tests.defs.ground import on_postgres

KINDS = ("herd", "flock")


@pytest.fixture
def other(instance_folder, page) -> Iterator[dg.DagsterInstance]:
    """The instance of another process, which delivers and undoes."""
    with open_instance(instance_folder) as instance:
        yield instance


def follow(page: dg.DagsterInstance, other: dg.DagsterInstance, steps: int = 60) -> None:
    """Deliver and undo at random, look now and then, and see what Dagster itself would read."""
    chance, seen = random.Random(5), set[int]()
    for _ in range(steps):
        kind, name = chance.choice(KINDS), f"batch-{chance.randrange(6)}"
        if chance.random() < 0.6:
            other.add_dynamic_partitions(kind, [name])
        else:
            other.delete_dynamic_partition(kind, name)
        if chance.random() < 0.5:
            log = page.event_log_storage
            assert isinstance(log, SqlEventLogStorage)
            found = {kind: page.get_dynamic_partitions(kind) for kind in KINDS}
            assert found == {kind: SqlEventLogStorage.get_dynamic_partitions(log, kind) for kind in KINDS}
            seen |= {len(names) for names in found.values()}
    assert len(seen) > 3


def test_they_are_what_dagster_reads(page, other):
    follow(page, other)


@pytest.mark.postgres
def test_they_are_so_on_postgresql(home, postgres_url):
    with (
        on_postgres(postgres_url) as settings,
        open_instance(prepare_instance(settings).folder) as page,
        open_instance(prepare_instance(settings).folder) as other,
    ):
        follow(page, other)


def test_a_batch_that_takes_the_number_of_an_undone_one_is_noticed(page, other):
    """SQLite gives the number of the last row again, once it is gone."""
    other.add_dynamic_partitions("herd", ["cows", "oxen"])
    assert page.get_dynamic_partitions("herd") == ["cows", "oxen"]
    other.delete_dynamic_partition("herd", "oxen")
    other.add_dynamic_partitions("herd", ["goats"])
    assert page.get_dynamic_partitions("herd") == ["cows", "goats"]


def test_what_a_caller_does_to_the_list_stays_with_them(page, other):
    other.add_dynamic_partitions("herd", ["cows"])
    page.event_log_storage.get_dynamic_partitions("herd").append("wolves")
    assert page.get_dynamic_partitions("herd") == ["cows"]


def test_they_are_read_once_while_nothing_comes_or_goes(page, other, monkeypatch):
    other.add_dynamic_partitions("herd", ["cows"])
    page.get_dynamic_partitions("herd")
    read = []
    theirs = SqlEventLogStorage.get_dynamic_partitions
    monkeypatch.setattr(
        SqlEventLogStorage, "get_dynamic_partitions", lambda log, kind: read.append(kind) or theirs(log, kind)
    )
    assert [page.get_dynamic_partitions("herd") for _ in range(3)] == [["cows"]] * 3
    assert read == []
    other.add_dynamic_partitions("flock", ["sheep"])
    assert (page.get_dynamic_partitions("herd"), page.get_dynamic_partitions("flock")) == (["cows"], ["sheep"])
    assert read == ["flock"]
