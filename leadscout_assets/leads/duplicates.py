"""Rows of a batch that repeat an earlier row, and leads of a batch that share their director.

Works on the normalised keys only; what makes two names equal is decided where the keys are made.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Codes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def codes(column: pa.Array | pa.ChunkedArray) -> Codes:
    """Return a number 0, 1, ... per distinct value; -1 for null."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return np.asarray(pc.fill_null(array.dictionary_encode().indices, -1)).astype(np.int64)


def first_of_group(keys: tuple[Codes, ...], source_row: Codes) -> npt.NDArray[np.int64]:
    """Return for each row the position of the first row, by source_row, that has the same keys.

    A row with a -1 among its keys belongs to no group: its own position comes back.
    """
    own = np.arange(len(source_row), dtype=np.int64)
    takes_part = np.all([key >= 0 for key in keys], axis=0)
    at = own[takes_part]
    group = np.zeros(len(at), dtype=np.int64)
    for key in keys:
        # Renumbered at each step, so that the product of the counts cannot overflow whatever the number of keys.
        part = key[at]
        group = np.unique(group * (int(part.max(initial=0)) + 1) + part, return_inverse=True)[1]
    order = np.lexsort((source_row[at], group))
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    first = own.copy()
    first[at[order]] = np.repeat(at[order[starts]], np.diff(starts, append=len(order)))
    return first


def repeats(batch: Codes, business: Codes, director: Codes, source_row: Codes) -> pa.Array:
    """Return for each row the source_row of the earlier row of its batch with the same business and director, or null.

    Rows that cannot be leads take no part: give them the code -1.
    """
    return _earlier(first_of_group((batch, business, director), source_row), source_row)


def same_director(batch: Codes, director: Codes, cell: Codes, source_row: Codes) -> pa.Array:
    """Return for each lead the source_row of the first lead of its batch with the same director and cell, or null.

    For leads without repeats, so that any two that share a director differ in their business. A lead without a cell
    is never marked: the same name alone is not the same person.
    """
    return _earlier(first_of_group((batch, director, cell), source_row), source_row)


def _earlier(first: npt.NDArray[np.int64], source_row: Codes) -> pa.Array:
    itself: Mask = first == np.arange(len(first))
    return pa.array(source_row[first].astype(np.int32), pa.int32(), mask=itself)
