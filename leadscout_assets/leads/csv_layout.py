"""How a CSV is laid out: delimiter, header, and its physical lines; shared by both readers.

What stands in the rows below the header is csv_text.py's, and counting.py's for the second count.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from leadscout_assets.errors import UnreadableFile
from leadscout_assets.leads.columns import understand
from leadscout_assets.leads.guards import ReadLimits, check_lines, check_width
from leadscout_assets.leads.title_rows import RowAbove, header_among

DELIMITERS = (",", ";", "\t", "|")
MAX_LINES_IN_ROW = 100
"""Lines. A quote that is still open after so many is a stray one, not a cell: its line alone becomes a defect."""

_SEPARATOR_LINE = "sep="


@dataclass(frozen=True)
class Layout:
    """How a CSV is laid out. Rows and lines start at 1; `rows` and `lines` count up to the header's end.

    `start` is the byte at which the first row begins, and `body` that of the first row below the header; `above` are the
    filled rows between `start` and the header.
    """

    delimiter: str
    headers: tuple[str, ...]
    rows: int
    lines: int
    body: int
    start: int = 0
    above: tuple[RowAbove, ...] = ()


def find_layout(text: bytes, limits: ReadLimits) -> Layout:
    """Find the header and the delimiter under which it is best understood: the first row with a filled cell, or the one
    below a title.

    Raises `UnreadableFile` where no cell is filled, or lines or columns are more than a list may have.
    """
    check_lines(text)
    stream = lines_from(text, 0)
    first = next(stream, "")
    # Excel takes a first line such as `sep=;` as a message to itself and shows no row for it.
    hinted = first.casefold().startswith(_SEPARATOR_LINE)
    told = first[len(_SEPARATOR_LINE) :].strip("\r\n") if hinted else ""
    skipped, start = (1, len(first.encode())) if hinted else (0, 0)
    candidates = (told,) if told in DELIMITERS else DELIMITERS
    layouts = [_layout(text, delimiter, start, skipped, limits.max_columns) for delimiter in candidates]

    if not all(layout.headers for layout in layouts):
        raise UnreadableFile("empty", "the file has no filled cell; deliver it again with the list in it")

    def understood(layout: Layout) -> tuple[int, int]:
        # Of a header that is refused for its width only so much is looked at as one that is not may have.
        return len(understand(layout.headers[: limits.max_columns]).fields), len(layout.headers)

    found = max(layouts, key=understood)
    check_width(len(found.headers), limits)
    return found


def _layout(text: bytes, delimiter: str, start: int, skipped: int, width: int) -> Layout:
    seen: list[Layout] = []
    above: list[RowAbove] = []

    def headings() -> Iterator[Sequence[str]]:
        for layout, row in _filled_rows(text, delimiter, start, skipped):
            seen.append(layout)
            above.append(row)
            yield layout.headers[:width]

    place = header_among(headings())
    if not seen:
        return Layout(delimiter, (), 0, skipped, start, start)
    return replace(seen[place], above=tuple(above[:place]))


def _filled_rows(text: bytes, delimiter: str, start: int, skipped: int) -> Iterator[tuple[Layout, RowAbove]]:
    """Yield each row with a filled cell, as the header and as a row above it; below the first, up to one with a quote that stays open."""
    lines = RowLines(lines_from(text, start))
    reader = csv.reader(lines, delimiter=delimiter)
    rows, line_count, offset, seen = 0, skipped, start, False
    while True:
        lines.begin()
        try:
            cells = next(reader, None)
        except csv.Error:
            cells = list(lines.row)  # a cell too long to be a column's name: no column will be recognised
            lines.cut = True
        if cells is None:
            return
        first = line_count + 1
        rows, line_count = rows + 1, line_count + len(lines.row)
        offset += sum(len(line.encode()) for line in lines.row)
        if lines.cut and seen:
            return  # whose rows such a quote takes in, is not guessed above the header
        if any(cell.strip() for cell in cells):
            seen = True
            told = "".join(lines.row).rstrip("\r\n")
            yield (
                Layout(delimiter, tuple(cells), rows, line_count, offset, start),
                RowAbove(rows, first, len(lines.row), tuple(cells), told),
            )


class RowLines:
    """Lines for csv.reader: it remembers those of the current row, ends a row that is too long, and can go back."""

    def __init__(self, stream: Iterator[str]) -> None:
        self._stream = stream
        self._again: deque[str] = deque()
        self.row: list[str] = []
        self.cut = False

    def begin(self) -> None:
        """Forget the last row: the next line asked for begins another."""
        self.row, self.cut = [], False

    def give_back(self) -> None:
        """Keep the row's first line only; the next row starts with its second."""
        self._again.extendleft(reversed(self.row[1:]))
        del self.row[1:]

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = None
        if len(self.row) < MAX_LINES_IN_ROW:
            line = self._again.popleft() if self._again else next(self._stream, None)
        if line is None:
            # Inside a row this is an open quote; csv would quietly end the cell here.
            self.cut = bool(self.row)
            raise StopIteration
        self.row.append(line)
        return line


def lines_from(text: bytes, start: int) -> Iterator[str]:
    """Yield the physical lines from byte `start` on with their ends: \\n, \\r\\n or \\r, and nothing else ends a line."""
    stream = io.BytesIO(text)
    stream.seek(start)
    return io.TextIOWrapper(stream, encoding="utf-8", newline="")
