"""How a CSV is laid out: delimiter, header, and its physical lines; shared by both readers.

What stands in the rows below the header is csv_text.py's, and counting.py's for the second count.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from leadscout_assets.errors import UnreadableFile
from leadscout_assets.leads.columns import understand
from leadscout_assets.leads.guards import ReadLimits, check_lines, check_width

DELIMITERS = (",", ";", "\t", "|")
MAX_LINES_IN_ROW = 100
"""Lines. A quote that is still open after so many is a stray one, not a cell: its line alone becomes a defect."""

_SEPARATOR_LINE = "sep="


@dataclass(frozen=True)
class Layout:
    """How a CSV is laid out. Rows and lines start at 1; `rows` and `lines` count up to the header's end.

    `body` is the byte at which the first row below the header begins.
    """

    delimiter: str
    headers: tuple[str, ...]
    rows: int
    lines: int
    body: int


def find_layout(text: bytes, limits: ReadLimits) -> Layout:
    """Find the header, the first row with a filled cell, and the delimiter under which it is best understood.

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
    layouts = [_layout(text, delimiter, start, skipped) for delimiter in candidates]

    if not all(layout.headers for layout in layouts):
        raise UnreadableFile("empty", "the file has no filled cell; deliver it again with the list in it")

    def understood(layout: Layout) -> tuple[int, int]:
        # Of a header that is refused for its width only so much is looked at as one that is not may have.
        return len(understand(layout.headers[: limits.max_columns]).fields), len(layout.headers)

    found = max(layouts, key=understood)
    check_width(len(found.headers), limits)
    return found


def _layout(text: bytes, delimiter: str, start: int, skipped: int) -> Layout:
    lines = RowLines(lines_from(text, start))
    reader = csv.reader(lines, delimiter=delimiter)
    rows, line_count, offset = 0, skipped, start
    while True:
        lines.begin()
        try:
            cells = next(reader, None)
        except csv.Error:
            cells = list(lines.row)  # a cell too long to be a column's name: no column will be recognised
        if cells is None:
            return Layout(delimiter, (), rows, line_count, offset)
        rows, line_count = rows + 1, line_count + len(lines.row)
        offset += sum(len(line.encode()) for line in lines.row)
        if any(cell.strip() for cell in cells):
            return Layout(delimiter, tuple(cells), rows, line_count, offset)


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
