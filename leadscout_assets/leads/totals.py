"""Finds the rows that are not leads but sums and counts of the columns above them.

Whether a name is usable is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.contracts import FIELDS
from leadscout_assets.leads.duplicates import codes

# `Total` is a brand of fuel too, hence nothing but such words.
_WORDS = (
    r"(?i)^\s*(?:grand[\s\-]*|sub[\s\-]*|groot[\s\-]*|over-?all\s+)?(?:totals?|totaal|totale|sum|som|count|telling)"
    r"(?:\s+(?:of|van|for|vir)?\s*(?:all\s+)?(?:leads?|rows?|records?|entries|entities|companies|rye|rekords|amount))?"
    r"[\s:=.\-]*[\d\s.,]*$"
)
_NUMBER = r"^\s*[-+]?[\d\s.,]*\d(?:[eE][-+]?\d+)?\s*%?\s*$"
_LETTERS_IN_EXTRA = r'":\s*"[^"]*\p{L}'
_PHONES = ("contact_number", "cell_number", "director_cell")


def totals_rows(raw: pa.Table, candidates: pa.Array) -> pa.Array:
    """Tell of each row whether it is a totals row; only a row that is true in `candidates` can be one.

    A totals row has nothing but numbers and words such as `TOTAL`, `Totaal` and `Grand total: 20000` in its recognised
    columns. Either it has such a word, or it is the last row of its batch and has a number outside the phone columns,
    and no words in the columns that are not recognised.
    """
    found = np.zeros(raw.num_rows, dtype=np.bool_)
    at = np.flatnonzero(np.asarray(candidates))
    if len(at):
        some = raw.take(pa.array(at))
        last = _is_last_of_batch(raw["batch_id"], raw["source_row"])[at]
        says_so = _any_cell(some, FIELDS, _WORDS)
        counted = _any_cell(some, [name for name in FIELDS if name not in _PHONES], _NUMBER)
        words_beside = _mask(pc.match_substring_regex(some["extra"], _LETTERS_IN_EXTRA))
        found[at] = _nothing_else(some) & (says_so | (last & counted & ~words_beside))
    return pa.array(found)


def _nothing_else(rows: pa.Table) -> npt.NDArray[np.bool_]:
    other = np.zeros(rows.num_rows, dtype=np.bool_)
    for name in FIELDS:
        known = pc.or_(pc.match_substring_regex(rows[name], _NUMBER), pc.match_substring_regex(rows[name], _WORDS))
        other |= _mask(pc.invert(known))
    return ~other


def _any_cell(rows: pa.Table, names: Sequence[str], pattern: str) -> npt.NDArray[np.bool_]:
    found = np.zeros(rows.num_rows, dtype=np.bool_)
    for name in names:
        found |= _mask(pc.match_substring_regex(rows[name], pattern))
    return found


def _is_last_of_batch(batch_id: pa.ChunkedArray, source_row: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    batch, row = codes(batch_id), np.asarray(source_row).astype(np.int64)
    highest = np.zeros(int(batch.max(initial=0)) + 1, dtype=np.int64)
    np.maximum.at(highest, batch, row)
    return np.asarray(highest[batch] == row, dtype=np.bool_)


def _mask(values: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.fill_null(values, False), dtype=np.bool_)
