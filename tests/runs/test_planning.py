"""Runs are gapless stretches of the partitions that hold exactly what is wanted, within the limits."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscout_assets.runs.planning import plan_runs

ORDER = [f"batch-{letter}" for letter in "abcdefgh"]


@st.composite
def wanted_batches(draw):
    order = draw(st.permutations(range(draw(st.integers(0, 30)))))
    chosen = draw(st.lists(st.sampled_from(order), unique=True)) if order else []
    return [f"batch-{n}" for n in order], {f"batch-{n}": draw(st.integers(0, 50)) for n in chosen}


@given(plan=wanted_batches(), max_rows=st.integers(1, 60), max_batches=st.integers(1, 8))
def test_runs_are_stretches_that_cover_each_batch_once_within_the_limits(plan, max_rows, max_batches):
    order, rows = plan
    runs = plan_runs(rows, order, max_rows=max_rows, max_batches=max_batches)
    assert sorted(batch for run in runs for batch in run) == sorted(rows)
    for run in runs:
        first = order.index(run[0])
        assert tuple(order[first : first + len(run)]) == run
        assert len(run) <= max_batches
        assert sum(rows[batch] for batch in run) <= max_rows or len(run) == 1
    assert [order.index(run[0]) for run in runs] == sorted(order.index(run[0]) for run in runs)


@given(plan=wanted_batches(), max_rows=st.integers(1, 60), max_batches=st.integers(1, 8))
def test_no_run_is_split_without_need(plan, max_rows, max_batches):
    order, rows = plan
    runs = plan_runs(rows, order, max_rows=max_rows, max_batches=max_batches)
    for run, after in itertools.pairwise(runs):
        adjacent = order.index(after[0]) == order.index(run[-1]) + 1
        fits = len(run) < max_batches and sum(rows[b] for b in run) + rows[after[0]] <= max_rows
        assert not (adjacent and fits)


def test_nothing_wanted_is_no_run():
    assert plan_runs({}, ORDER, max_rows=10, max_batches=10) == []


def test_adjacent_batches_share_a_run_whatever_order_they_are_asked_in():
    rows = {"batch-c": 1, "batch-a": 1, "batch-b": 1, "batch-f": 1}
    assert plan_runs(rows, ORDER, max_rows=10, max_batches=10) == [("batch-a", "batch-b", "batch-c"), ("batch-f",)]


def test_a_batch_above_the_limit_runs_alone_between_its_neighbours():
    rows = {"batch-a": 1, "batch-b": 99, "batch-c": 1, "batch-d": 1}
    runs = plan_runs(rows, ORDER, max_rows=10, max_batches=10)
    assert runs == [("batch-a",), ("batch-b",), ("batch-c", "batch-d")]


def test_a_run_may_be_exactly_full():
    rows = dict.fromkeys(ORDER[:4], 5)
    assert plan_runs(rows, ORDER, max_rows=10, max_batches=10) == [tuple(ORDER[:2]), tuple(ORDER[2:4])]


def test_a_batch_that_is_no_partition_is_refused_without_naming_it():
    with pytest.raises(ValueError, match="1 batches are not partitions yet"):
        plan_runs({"batch-a": 1, "elsewhere": 1}, ORDER, max_rows=10, max_batches=10)
