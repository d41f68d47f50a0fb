"""Frames of many batches: counting, cutting and dropping lose no row and mix no batches."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscout_assets.frames import by_batch, rows_by_batch, without

BATCHES = ("a", "b", "c", "d")


def frame(batches: list[str], chunks: int = 1) -> pa.Table:
    table = pa.table({"batch_id": pa.array(batches, pa.string()), "row": pa.array(range(len(batches)), pa.int32())})
    size = max(1, -(-len(batches) // chunks))
    parts = [table.slice(start, size) for start in range(0, len(batches), size)]
    return pa.concat_tables(parts) if parts else table


some_batches = st.lists(st.sampled_from(BATCHES), max_size=40)


@given(batches=some_batches, chunks=st.integers(1, 4), order=st.permutations(BATCHES))
def test_cutting_gives_each_batch_its_rows_in_their_order(batches, chunks, order):
    whole = frame(batches, chunks)
    for batch, part in zip(order, by_batch(whole, order), strict=True):
        assert part["row"].to_pylist() == [n for n, of in enumerate(batches) if of == batch]
        assert part.schema == whole.schema


@given(batches=some_batches, wanted=st.lists(st.sampled_from(BATCHES), unique=True))
def test_cutting_gives_no_batch_the_rows_of_one_that_was_not_asked_for(batches, wanted):
    for batch, part in zip(wanted, by_batch(frame(batches), wanted), strict=True):
        assert part["row"].to_pylist() == [n for n, of in enumerate(batches) if of == batch]


@given(batches=some_batches)
def test_counts_are_those_of_the_batches_that_have_rows(batches):
    assert rows_by_batch(frame(batches)) == {batch: batches.count(batch) for batch in set(batches)}


@given(batches=some_batches, dropped=st.lists(st.sampled_from(BATCHES)))
def test_dropping_leaves_the_rows_of_the_others_in_their_order(batches, dropped):
    kept = without(frame(batches), dropped)
    assert kept["row"].to_pylist() == [n for n, of in enumerate(batches) if of not in dropped]
    assert kept.schema == frame(batches).schema


@pytest.mark.parametrize("batches", [[], ["a"], ["a", "b"]])
def test_a_frame_without_rows_can_be_cut_counted_and_dropped_from(batches):
    empty = frame([])
    assert [part.num_rows for part in by_batch(empty, batches)] == [0] * len(batches)
    assert rows_by_batch(empty) == {}
    assert without(empty, batches).num_rows == 0
