"""A delivered file without some of its rows: a marker stands in the place of each, so that every row keeps its number.

Of a CSV every other row stays byte for byte. A workbook is written anew with the one sheet that is read, as shown, since
values of a row lie in many parts of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import AnyStr

import numpy as np

from leadscout_assets.errors import EdgeFailed
from leadscout_assets.leads.column_maps import NO_MAPS, ColumnMaps
from leadscout_assets.leads.columns import Header, understand
from leadscout_assets.leads.csv_layout import find_layout
from leadscout_assets.leads.csv_text import lines_of_rows
from leadscout_assets.leads.decoding import encoding_of, read_text
from leadscout_assets.leads.erased import MARKED, MARKER, without
from leadscout_assets.leads.guards import ReadLimits
from leadscout_assets.leads.marker import MARKER as GENERATED
from leadscout_assets.leads.marker import MARKER_COLUMN, carry_mark
from leadscout_assets.leads.reading import detect, read_lead_list
from leadscout_assets.leads.xlsx import header_place, shown_cells

BATCH = "2000-01-01_list_00000000"
"""Stands for any batch while a file is compared with what it was."""

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_LINE_OF_BYTES = re.compile(_LINE.pattern.encode())
_WIDE = ("utf-16", "utf-32")


def rewrite(
    source: Path,
    target: Path,
    rows: Collection[int],
    limits: ReadLimits,
    sheet: str | None,
    maps: ColumnMaps = NO_MAPS,
) -> None:
    """Write `source` to `target` with a marker in place of each of `rows`, numbered as `source_row` is.

    `maps` has columns that a person named. Both are read afterwards and compared: raises `EdgeFailed` where any other row would have changed, and
    `UnreadableFile` where `source` cannot be read.
    """
    before = read_lead_list(source, batch_id=BATCH, limits=limits, sheet=sheet, maps=maps)
    generated = set(before.filter(carry_mark(before["extra"]))["source_row"].to_pylist())
    if detect(source).name == "xlsx":
        _write_workbook(source, target, rows, generated, limits, sheet, maps)
    else:
        target.write_bytes(_csv_without(source, rows, generated, limits, maps))
    wanted = without(before, np.isin(np.asarray(before["source_row"]), sorted(rows)))
    after = read_lead_list(target, batch_id=BATCH, limits=limits, sheet=sheet, maps=maps)
    # The lines of the rows below move up where an erased row had several.
    told = [name for name in wanted.column_names if name != "source_line"]
    if not after.select(told).equals(wanted.select(told)):
        target.unlink()
        raise EdgeFailed("a delivered file cannot be rewritten without changing other rows of it; nothing was changed")


def _csv_without(
    source: Path, rows: Collection[int], generated: Collection[int], limits: ReadLimits, maps: ColumnMaps
) -> bytes:
    text, data = read_text(source, limits), source.read_bytes()
    layout = find_layout(text, limits)
    header = understand(layout.headers, maps.of(layout.headers))
    wanted = set(rows)
    spans = {
        first: (count, _marker_line(header, layout.delimiter, marked=row in generated))
        for row, first, count in lines_of_rows(text, layout)
        if row in wanted
    }
    encoding, mark = encoding_of(data)
    if encoding.startswith(_WIDE):
        lines = _LINE.findall(data[len(mark) :].decode(encoding))
        return mark + "".join(_replaced(lines, spans, str, "\r\n")).encode(encoding)
    exact = _LINE_OF_BYTES.findall(data[len(mark) :])
    return mark + b"".join(_replaced(exact, spans, str.encode, b"\r\n"))


def _replaced(
    lines: Sequence[AnyStr], spans: Mapping[int, tuple[int, str]], written: Callable[[str], AnyStr], ends: AnyStr
) -> list[AnyStr]:
    """Put its marker for each span of lines, given by its first line (from 1) with its length, with its last line's end."""
    kept: list[AnyStr] = []
    number = 1
    while number <= len(lines):
        if number in spans:
            count, marker = spans[number]
            last = lines[number + count - 2]
            kept.append(written(marker) + last[len(last.rstrip(ends)) :])
            number += count
        else:
            kept.append(lines[number - 1])
            number += 1
    return kept


def _marker_line(header: Header, delimiter: str, *, marked: bool) -> str:
    cells = [""] * header.width
    cells[header.fields[MARKED]] = MARKER
    if marked:
        cells[header.extra[MARKER_COLUMN]] = GENERATED
    return delimiter.join(cells)


def _write_workbook(
    source: Path,
    target: Path,
    rows: Collection[int],
    generated: Collection[int],
    limits: ReadLimits,
    sheet: str | None,
    maps: ColumnMaps,
) -> None:
    import xlsxwriter

    name, columns = shown_cells(source, limits, sheet)
    cells = [column.to_pylist() for column in columns]
    filled = [row for row in range(len(cells[0])) if any(column[row] is not None for column in cells)]
    first = filled[header_place(columns, filled)]
    headers = [column[first] for column in cells]
    header = understand(headers, maps.of(headers))
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(target), options) as workbook:
        page, wanted = workbook.add_worksheet(name), set(rows)
        for row in range(len(cells[0])):
            if row + 1 in wanted:
                page.write_string(row, header.fields[MARKED], MARKER)
                if row + 1 in generated:
                    page.write_string(row, header.extra[MARKER_COLUMN], GENERATED)
                continue
            for place, column in enumerate(cells):
                if column[row] is not None:
                    page.write_string(row, place, column[row])
