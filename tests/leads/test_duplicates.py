from random import Random

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from leadscout_assets.leads.duplicates import Codes, codes, first_of_group, repeats, same_director

ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 2), st.integers(-1, 2)), max_size=30)


def _columns(rows: list[tuple[int, int, int]]) -> list[Codes]:
    return [np.array([row[i] for row in rows], dtype=np.int64) for i in range(3)]


def test_codes_tell_distinct_values_apart_and_null_is_minus_one() -> None:
    assert codes(pa.chunked_array([["a", "b"], ["a", None]])).tolist() == [0, 1, 0, -1]


@given(ROWS, st.randoms())
def test_a_row_repeats_the_first_row_with_the_same_keys_in_its_batch(
    rows: list[tuple[int, int, int]], random: Random
) -> None:
    source_row = list(range(2, len(rows) + 2))
    random.shuffle(source_row)
    first: dict[tuple[int, int, int], int] = {}
    for row, number in sorted(zip(rows, source_row, strict=True), key=lambda pair: pair[1]):
        first.setdefault(row, number)
    expected = [
        None if -1 in row or first[row] == number else first[row] for row, number in zip(rows, source_row, strict=True)
    ]
    batch, business, director = _columns(rows)
    assert repeats(batch, business, director, np.array(source_row, dtype=np.int64)).to_pylist() == expected


def test_rows_of_different_batches_do_not_repeat_each_other() -> None:
    batch, business, director = _columns([(0, 0, 0), (1, 0, 0)])
    assert repeats(batch, business, director, np.array([2, 2])).to_pylist() == [None, None]


def test_the_same_director_without_a_cell_is_not_taken_for_the_same_person() -> None:
    batch, director, cell = _columns([(0, 0, -1), (0, 0, -1), (0, 1, 0), (0, 1, 0)])
    assert same_director(batch, director, cell, np.array([2, 3, 4, 5])).to_pylist() == [None, None, None, 4]


def test_no_rows_make_no_groups() -> None:
    empty = np.empty(0, dtype=np.int64)
    assert first_of_group((empty, empty), empty).tolist() == []
