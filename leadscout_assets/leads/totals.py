"""Finds the rows that are not leads but sums and counts of the columns above them.

Whether a name is usable is decided elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.contracts import FIELDS
from leadscout_assets.leads.duplicates import codes
from leadscout_assets.terms import Defect

_COUNTED = (
    r"(?:leads?|rows?|records?|entries|entities|compan(?:y|ies)|business(?:es)?|directors?|contacts?|numbers?"
    r"|rye|rekords?|inskrywings|besighede|maatskappye|direkteure?|nommers?)"
)
# `Total` is a brand of fuel too, hence nothing but such words.
_WORDS = (
    r"(?i)^\s*(?:grand[\s\-]*|sub[\s\-]*|groot[\s\-]*|over-?all\s+)?(?:totals?|totaal|totale|sum|som|count|telling)"
    rf"(?:\s+(?:of|van|for|vir)?\s*(?:all\s+)?(?:{_COUNTED}|amount))?"
    rf"[\s:=.\-]*(?:R\s*)?[\d\s.,]*(?:\s{_COUNTED})?\s*$"
)
_NUMBER = r"(?i)^\s*(?:R|ZAR)?\s*[-+]?[\d\s.,]*\d(?:e[-+]?\d+)?\s*%?\s*$"
_COUNT = rf"(?i)^\s*\d[\d\s.,]*\s{_COUNTED}\s*[.:]?\s*$"
_IS_NUMBER, _IS_COUNT, _IS_WORDS = (re.compile(pattern, re.ASCII) for pattern in (_NUMBER, _COUNT, _WORDS))
_TOTALS_ONLY = rf"(?:{_NUMBER})|(?:{_WORDS})|(?:{_COUNT})"
_PHONES = ("contact_number", "cell_number", "director_cell")
_FOOTERS = 5
"""Rows. `Prepared by ...` and the like below the totals take no more,"""
_FOOT = 50
"""and no more rows with the blank ones between them."""
_ROUNDED = 0.01


def totals_rows(raw: pa.Table, candidates: pa.Array) -> pa.Array:
    """Tell of each row whether it is a totals row; only a row that is true in `candidates` can be one.

    A totals row has nothing but numbers, counts (`2 leads`) and words such as `TOTAL`, `Totaal` and `Grand total: 20000`
    in its recognised columns. Either it has such a word, or it closes its batch, has no words in the columns that are
    not recognised, and something in it is more than a number that may stand there by chance: see `_sums_up`.
    """
    found = np.zeros(raw.num_rows, dtype=np.bool_)
    at = np.flatnonzero(np.asarray(candidates))
    if len(at):
        some = raw.take(pa.array(at))
        possible = _nothing_else(some)
        found[at] = possible & _any_cell(some, FIELDS, _WORDS)
        if np.any(possible & ~found[at]):
            for row in at[possible & ~found[at] & _closes(raw, at)].tolist():
                found[row] = _sums_up(raw, row)
    return pa.array(found)


def _nothing_else(rows: pa.Table) -> npt.NDArray[np.bool_]:
    other = np.zeros(rows.num_rows, dtype=np.bool_)
    for name in FIELDS:
        other |= _mask(pc.invert(pc.match_substring_regex(rows[name], _TOTALS_ONLY)))
    return ~other


def _any_cell(rows: pa.Table, names: Sequence[str], pattern: str) -> npt.NDArray[np.bool_]:
    found = np.zeros(rows.num_rows, dtype=np.bool_)
    for name in names:
        found |= _mask(pc.match_substring_regex(rows[name], pattern))
    return found


def _closes(raw: pa.Table, at: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Tell of each row of `at`, the candidates, whether none but a few footers follows it in its batch."""
    batch, row = codes(raw["batch_id"]), np.asarray(raw["source_row"]).astype(np.int64)
    highest = _highest(batch, row)
    near = at[row[at] > highest[batch[at]] - _FOOT]
    footer = _mask(pc.equal(raw["defect"], Defect.TOO_FEW_CELLS)).copy()
    footer[near] = [_is_footer(cells) for cells in raw.select([*FIELDS, "extra"]).take(pa.array(near)).to_pylist()]
    last = _highest(batch, np.where(footer, 0, row))
    below = np.bincount(batch[row > last[batch]], minlength=len(last))
    return np.asarray((last[batch] == row) & (below[batch] <= _FOOTERS), dtype=np.bool_)[at]


def _highest(batch: npt.NDArray[np.int64], row: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    highest = np.zeros(int(batch.max(initial=0)) + 1, dtype=np.int64)
    np.maximum.at(highest, batch, row)
    return highest


def _is_footer(cells: Mapping[str, Any]) -> bool:
    """Tell whether a row has but one cell, which says something and counts nothing."""
    fields = [cell for name, cell in cells.items() if cell is not None and name != "extra"]
    said = fields + list(_extra(cells["extra"]).values())
    return len(said) == 1 and any(map(str.isalpha, said[0])) and not _known(said[0])


def _sums_up(raw: pa.Table, row: int) -> bool:
    """Tell whether what stands in the row that closes its batch are totals.

    So it is where it counts in words, or has a number in a recognised column that is for words; a number in another
    column must be the sum or the count of what stands above it, one in a telephone column the count.
    """
    cells = raw.slice(row, 1).to_pylist()[0]
    fields = {name: cells[name] for name in FIELDS if cells[name] is not None}
    extra = _extra(cells["extra"])
    if any(any(map(str.isalpha, cell)) and not _known(cell) for cell in extra.values()):
        return False
    if fields.keys() - set(_PHONES) or any(_IS_COUNT.match(cell) for cell in (*fields.values(), *extra.values())):
        return True
    above = raw.select([*_PHONES, "extra"]).filter(
        pc.and_(pc.equal(raw["batch_id"], cells["batch_id"]), pc.less(raw["source_row"], cells["source_row"]))
    )
    if any(_amount(cell) == above.num_rows - above[name].null_count for name, cell in fields.items()):
        return True
    others = [_extra(cell) for cell in above["extra"].to_pylist()] if extra else []
    return any(_is_total(cell, [other[name] for other in others if name in other]) for name, cell in extra.items())


def _is_total(cell: str, column: Sequence[str]) -> bool:
    amount = _amount(cell)
    amounts = [_amount(other) or 0.0 for other in column]
    return amount is not None and bool(column) and (amount == len(column) or abs(amount - sum(amounts)) < _ROUNDED)


def _amount(cell: str) -> float | None:
    """Return a number as people write it: `R 1 234,50`, `1,234.50`; None for what is none."""
    text = re.sub(r"[^\d.,eE+\-]", "", cell) if _IS_NUMBER.match(cell) else ""
    if re.fullmatch(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d*)?", text):
        text = text.replace(",", "")
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def _known(cell: str) -> bool:
    return any(pattern.match(cell) for pattern in (_IS_NUMBER, _IS_COUNT, _IS_WORDS))


def _extra(text: str | None) -> dict[str, str]:
    import orjson

    return orjson.loads(text) if text else {}


def _mask(values: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.fill_null(values, False), dtype=np.bool_)
