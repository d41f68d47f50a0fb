"""The second, independent reader: how many rows a delivered file has, for the proof that none was lost.

It shares no row or cell parsing with reading.py: only the guards, the choice of the sheet and the text's encoding.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from leadscout_assets.leads.csv_layout import MAX_LINES_IN_ROW, find_layout, lines_from
from leadscout_assets.leads.decoding import read_text
from leadscout_assets.leads.guards import (
    ReadLimits,
    check_width,
    damaged,
    open_workbook,
    parse_entry,
    read_workbook,
    xml_parser,
)
from leadscout_assets.leads.reading import detect
from leadscout_assets.leads.workbook import SheetPart, choose_sheet, empty_sheet, shared_strings_part

# A row whose quotes have all closed, D being the delimiter. Possessive, so that an open quote is found in one pass.
_FIELD = r'(?:"[^"]*+(?:""[^"]*+)*+"[^D\r\n]*+|[^"D\r\n][^D\r\n]*+|)'
_CLOSED_ROW = rf"{_FIELD}(?:D{_FIELD})*+(?:\r\n|\r|\n)?\Z"
_LONGEST_INDEX = 20
"""Characters; a shared string's number has at most seven digits."""
_SPACES = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
_ESCAPED_SPACES = re.compile(
    rf"(?:[{_SPACES}]|_x(?:{'|'.join(f'{ord(space):04X}' for space in _SPACES)})_)*+", re.IGNORECASE
)
"""White space as workbooks write it: what XML would change, such as a carriage return, as `_x000D_` (ECMA-376 part 1, 22.9.2.19)."""


def count_rows(path: Path, *, limits: ReadLimits, sheet: str | None = None) -> int:
    """Return how many rows but the header have a non-blank cell; the header is the first such row, or one below a title.

    An error cell such as `#N/A` is blank. Raises `UnreadableFile` where the file cannot be read at all.
    """
    filled = _count_xlsx(path, limits, sheet) if detect(path).name == "xlsx" else _count_csv(path, limits)
    return filled - 1


def _count_csv(path: Path, limits: ReadLimits) -> int:
    """Return the rows with a filled cell, the header included."""
    text = read_text(path, limits)
    layout = find_layout(text, limits)
    # Whatever is neither space nor delimiter nor quote is in some cell.
    nothing = _SPACES + layout.delimiter + '"'
    # Where a title stands above the header, all three are rows like any other: which of them is which is not counted.
    start, header = (layout.start, 0) if layout.above else (layout.body, 1)
    return header + sum(
        stray or bool(row.strip(nothing)) or _has_odd_cell(row, layout.delimiter)
        for row, stray in _rows(text, start, layout.delimiter)
    )


def _rows(text: bytes, start: int, delimiter: str) -> Iterator[tuple[str, bool]]:
    """Yield the text of each row, and whether its quote is a stray one: one that does not close in time.

    Of such a row only the first line is taken; the next row begins on the line below.
    """
    lines = lines_from(text, start)
    closed = re.compile(_CLOSED_ROW.replace("D", re.escape(delimiter)))
    waiting: deque[str] = deque()
    while True:
        line = waiting.popleft() if waiting else next(lines, None)
        if line is None:
            return
        taken, row = [line], line if '"' not in line or closed.match(line) else None
        while row is None and len(taken) < MAX_LINES_IN_ROW:
            more = waiting.popleft() if waiting else next(lines, None)
            if more is None:
                break
            taken.append(more)
            if '"' in more and closed.match(joined := "".join(taken)):
                row = None if _has_long_cell(joined, delimiter) else joined
                break
        if row is None:
            waiting.extendleft(reversed(taken[1:]))
        yield line if row is None else row, row is None


def _has_long_cell(row: str, delimiter: str) -> bool:
    """Return whether a cell is longer than csv allows, and so longer than any spreadsheet does: a stray quote's doing."""
    if len(row) <= csv.field_size_limit():
        return False
    try:
        next(csv.reader(io.StringIO(row, newline=""), delimiter=delimiter), None)
    except csv.Error:
        return True
    return False


def _has_odd_cell(row: str, delimiter: str) -> bool:
    """Return whether a row of nothing but spaces, delimiters and quotes has one of the latter two within a cell."""
    if '"' not in row:
        return False
    cells = next(csv.reader(io.StringIO(row, newline=""), delimiter=delimiter), [])
    return any(cell.strip() for cell in cells)


def _count_xlsx(path: Path, limits: ReadLimits, sheet: str | None) -> int:
    """Return the rows with a filled cell, the header included."""
    workbook = open_workbook(read_workbook(path, limits))
    filled = _filled_rows(workbook, choose_sheet(workbook, sheet), _blank_strings(workbook), limits)
    if not filled:
        raise empty_sheet()
    return filled


def _blank_strings(workbook: zipfile.ZipFile) -> frozenset[str]:
    """Return the indexes, as text, of the shared strings that are blank; pronunciation marks do not count."""
    part = shared_strings_part(workbook)
    blank: set[str] = set()
    index, filled, in_text, aside = -1, False, False, False

    def start(name: str, _attributes: dict[str, str]) -> None:
        nonlocal index, filled, in_text, aside
        local = name.rpartition(" ")[2]
        in_text = local == "t"
        if local == "si":
            index, filled = index + 1, False
        elif local == "rPh":
            aside = True

    def text(characters: str) -> None:
        nonlocal filled
        if not filled and in_text and not aside:
            filled = not _is_blank(characters)

    def end(name: str) -> None:
        nonlocal in_text, aside
        local = name.rpartition(" ")[2]
        in_text = False
        if local == "rPh":
            aside = False
        elif local == "si" and not filled:
            blank.add(str(index))

    if part is not None:
        parser = xml_parser()
        parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
        parse_entry(workbook, part, parser)
    return frozenset(blank)


def _is_blank(characters: str) -> bool:
    return characters.isspace() or ("_x" in characters and _ESCAPED_SPACES.fullmatch(characters) is not None)


def _filled_rows(workbook: zipfile.ZipFile, sheet: SheetPart, blank_strings: frozenset[str], limits: ReadLimits) -> int:
    rows: set[int] = set()
    row, width, kind, index = 0, 0, "n", ""
    filled = in_value = row_is_filled = False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal row, width, kind, index, filled, in_value, row_is_filled
        local = name.rpartition(" ")[2]
        if local in ("v", "is"):
            width += 1
            if width > limits.max_columns:
                check_width(width, limits)
        if local == "c":
            kind = attributes.get("t", "n")
        elif local == "row":
            row, width, row_is_filled = int(attributes.get("r", row + 1)), 0, False
            # A filled row has nothing more to tell: until the next one, the parser need not speak of text and ends.
            parser.CharacterDataHandler, parser.EndElementHandler = text, end
        elif local in ("v", "t") and not row_is_filled:
            in_value, index, filled = kind != "e", "", False

    def text(characters: str) -> None:
        nonlocal index, filled
        if not in_value:
            return
        if kind == "s":
            index = (index + characters).lstrip()[:_LONGEST_INDEX]
        elif not filled:
            # The results of formulas hold no escapes: the reader of values gives them as they stand.
            filled = not (characters.isspace() if kind == "str" else _is_blank(characters))

    def end(_name: str) -> None:
        nonlocal in_value, row_is_filled
        if in_value:
            in_value = False
            row_is_filled = index.rstrip() not in blank_strings if kind == "s" else filled
            if row_is_filled:
                rows.add(row)
                parser.CharacterDataHandler = parser.EndElementHandler = None

    parser = xml_parser()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    try:
        parse_entry(workbook, sheet.part, parser)
    except ValueError:
        raise damaged() from None  # a row number that is not one
    return len(rows)
