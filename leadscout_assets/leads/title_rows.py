"""Which row is the header where something stands above it: a title, a date, who made the list.

Such rows are no part of the list, yet delivered: they are kept as rows, and rejected for standing where they stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from leadscout_assets.contracts import REQUIRED_FIELDS
from leadscout_assets.leads.columns import Header, understand
from leadscout_assets.leads.erased import MARKED, MARKER
from leadscout_assets.leads.marker import MARKER as GENERATED
from leadscout_assets.leads.marker import MARKER_COLUMN as GENERATED_COLUMN

MOST_ABOVE = 10
"""Filled rows above a header. What stands further down is more likely a second list, or a header pasted between rows."""


@dataclass(frozen=True)
class RowAbove:
    """A filled row above the header: its number and first physical line, both from 1, how many lines it has, what it says."""

    row: int
    line: int
    lines: int
    cells: tuple[str | None, ...]
    text: str

    def is_marker(self, header: Header) -> bool:
        """Return whether the row is what an erased one left, so that it is read as the rows below the header are."""
        places = {header.fields[MARKED]: MARKER}
        if GENERATED_COLUMN in header.extra:
            places[header.extra[GENERATED_COLUMN]] = GENERATED
        filled = {at: cell.strip() for at, cell in enumerate(self.cells) if cell and cell.strip()}
        return filled.get(header.fields[MARKED]) == MARKER and filled.items() <= places.items()


def header_among(rows: Iterable[Sequence[str | None]]) -> int:
    """Return the place, from 0, of the header among the first filled rows of a list; no more are taken than needed.

    It is the first of them unless that has none of the required columns, and one of the next has them all.
    """
    coming, needed = iter(rows), set(REQUIRED_FIELDS)
    if understand(next(coming, ())).fields.keys() & needed:
        return 0
    below = enumerate(islice(coming, MOST_ABOVE), start=1)
    return next((place for place, row in below if understand(row).fields.keys() >= needed), 0)
