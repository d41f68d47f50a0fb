"""What a report is made of before any file format: tiles, sections, tables of unformatted cells, and charts of tables.

What they say is written in `sections`; how they look is each renderer's affair.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from leadscout_assets.reports import wording

Cell = str | int | float | None


class Kind(StrEnum):
    """What a table's column holds, and hence how it is written and aligned."""

    TEXT = "text"
    COUNT = "count"
    SHARE = "share"
    POINTS = "points"
    ROW = "row"


WRITERS: dict[Kind, Callable[[Any], str]] = {
    Kind.TEXT: str,
    Kind.COUNT: wording.count,
    Kind.SHARE: wording.share,
    Kind.POINTS: wording.points,
    Kind.ROW: str,
}
"""How a cell of each kind is written for people."""


@dataclass(frozen=True)
class Column:
    """A table's column."""

    heading: str
    kind: Kind = Kind.TEXT

    def write(self, cell: Cell) -> str:
        """Write a cell of this column for people; nothing is a dash."""
        if cell is None:
            return wording.NOTHING
        if isinstance(cell, str):
            return cell
        return WRITERS[self.kind](cell)


@dataclass(frozen=True)
class Table:
    """Rows of cells, unformatted: counts, shares of 0..1, points. Words first, then figures, then any long words."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Chart:
    """A picture of a table: the columns at `values` against the first. `most` ends the axis, else the largest value.

    `upright` stands for columns of a distribution, else bars lie. `track` is the column that holds each bar's limit.
    """

    title: str
    values: tuple[int, ...]
    most: float | None = None
    upright: bool = False
    track: int | None = None


@dataclass(frozen=True)
class Section:
    """A heading, its paragraphs, and a table that may be charted."""

    heading: str
    paragraphs: tuple[str, ...]
    table: Table | None = None
    chart: Chart | None = None


@dataclass(frozen=True)
class Tile:
    """One of the figures at the top."""

    label: str
    value: str
    detail: str


@dataclass(frozen=True)
class Document:
    """A whole report. `totals` are the counts of rows by name, for a program that reads the report back."""

    title: str
    file_name: str
    facts: tuple[tuple[str, str], ...]
    tiles: tuple[Tile, ...]
    totals: Mapping[str, int]
    holds: bool
    verdict: str
    sections: tuple[Section, ...]
