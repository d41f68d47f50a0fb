"""Finds the rows that are not leads but sums and counts of the columns above them.

Whether a name is usable is decided elsewhere; a row with a usable business or director is never a totals row here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.contracts import FIELDS
from leadscout_assets.leads.duplicates import codes

_WORDS = (
    r"(?i)^\s*(?:grand[\s\-]*|sub[\s\-]*|groot[\s\-]*|over-?all\s+)?(?:totals?|totaal|totale|sum|som|count|telling)"
    r"(?:\s+(?:of|van|for|vir)?\s*(?:all\s+)?(?:leads?|rows?|records?|entries|entities|companies|rye|rekords|amount))?"
    r"[\s:=.\-]*[\d\s.,]*$"
)
_NUMBER = r"^\s*[-+]?[\d\s.,]*\d(?:[eE][-+]?\d+)?\s*%?\s*$"
_LETTERS_IN_EXTRA = r'":\s*"[^"]*\p{L}'
_PHONES = ("contact_number", "cell_number", "director_cell")


def totals_rows(raw: pa.Table, candidates: pa.Array) -> pa.Array:
    """Tell of each row whether it is a totals row. `candidates` has true where neither business nor director is usable.

    A totals row says so in one of its cells (`TOTAL`, `Grand total: 20000`, `Totaal`), or it is the last row of its
    batch and has nothing but numbers, at least one of them outside the phone columns.
    """
    found = np.zeros(raw.num_rows, dtype=np.bool_)
    at = np.flatnonzero(np.asarray(candidates))
    if len(at):
        some = raw.take(pa.array(at))
        last = _is_last_of_batch(raw["batch_id"], raw["source_row"])[at]
        found[at] = _says_total(some) | (last & _only_numbers(some))
    return pa.array(found)


def _says_total(rows: pa.Table) -> npt.NDArray[np.bool_]:
    return _any_cell(rows, FIELDS, _WORDS)


def _only_numbers(rows: pa.Table) -> npt.NDArray[np.bool_]:
    filled = _any_cell(rows, [name for name in FIELDS if name not in _PHONES], _NUMBER)
    other = np.zeros(rows.num_rows, dtype=np.bool_)
    for name in FIELDS:
        text = pc.and_(pc.is_valid(rows[name]), pc.invert(pc.match_substring_regex(rows[name], _NUMBER)))
        other |= _mask(text)
    return filled & ~other & ~_mask(pc.match_substring_regex(rows["extra"], _LETTERS_IN_EXTRA))


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
