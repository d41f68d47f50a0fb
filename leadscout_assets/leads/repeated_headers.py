"""Finds the rows that are no leads but the list's header once more, as it is left in where lists are pasted together.

What a heading means is columns.py's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.contracts import FIELDS, REQUIRED_FIELDS
from leadscout_assets.leads.column_maps import folded
from leadscout_assets.leads.columns import SYNONYMS, field_of

FEWEST = 2
"""Headings that a row must have: a single one may be a business called so."""

SHARE = 0.75
"""Of a row's filled cells, 0..1. Not all of them: a column may have been named by hand, or renamed in one of the lists."""

_NUMBERED = re.compile(r" \(\d+\)$")
_WORD = re.compile(r"[^\W\d_]+")


def repeated_headers(raw: pa.Table, candidates: pa.Array) -> pa.Array:
    """Tell of each row whether it repeats the header; only a row that is true in `candidates` can be one.

    Its filled cells are nearly all headings, each of the very column that it stands in, in whatever known spelling.
    """
    found = np.zeros(raw.num_rows, dtype=np.bool_)
    at = np.flatnonzero(np.asarray(candidates) & _may_be(raw))
    if len(at):
        rows = raw.select([*FIELDS, "extra"]).take(pa.array(at)).to_pylist()
        found[at] = [_is_header(list(_cells(row))) for row in rows]
    return pa.array(found)


def _may_be(raw: pa.Table) -> npt.NDArray[np.bool_]:
    """Return whether a required cell has nothing but words that its headings are made of, which of leads hardly any has."""
    may = np.zeros(raw.num_rows, dtype=np.bool_)
    for name in REQUIRED_FIELDS:
        may |= np.asarray(pc.fill_null(pc.match_substring_regex(raw[name], _made_of_words_of(name)), False))
    return may


@cache
def _made_of_words_of(field: str) -> str:
    # Its own name's words without a space, too, and an s to any. The longest first, so that nothing is tried twice.
    words = {word for name in (field.replace("_", " "), *SYNONYMS[field]) for word in _WORD.findall(name.lower())}
    told = "|".join(sorted(words | {"s", "of", "or", "the", "no", "number"}, key=lambda word: (-len(word), word)))
    return rf"(?i)^[^\pL]*(?:{told})(?:[^\pL]|{told})*$"


def _cells(row: dict[str, str | None]) -> Iterator[bool]:
    """Yield of each filled cell whether it is its column's heading."""
    for field in FIELDS:
        if (cell := row[field]) is not None:
            yield field_of(cell) == field
    for heading, cell in json.loads(row["extra"] or "{}").items():
        yield folded(cell) in (folded(heading), folded(_NUMBERED.sub("", heading)))


def _is_header(told: list[bool]) -> bool:
    return sum(told) >= FEWEST and sum(told) >= SHARE * len(told)
