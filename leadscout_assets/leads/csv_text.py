"""CSV to grid: header and delimiter, then rows, by pyarrow where each line is one whole row, else exactly.

Encodings are decoding.py's. Row and line numbers are those that a spreadsheet and a text editor show.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.errors import UnreadableFile
from leadscout_assets.leads.column_maps import NO_MAPS, ColumnMaps
from leadscout_assets.leads.columns import Header, require, understand
from leadscout_assets.leads.csv_layout import Layout, RowLines, find_layout, lines_from
from leadscout_assets.leads.decoding import read_text
from leadscout_assets.leads.grid import Grid, any_filled, blank_to_null, with_rows_above
from leadscout_assets.leads.guards import ReadLimits
from leadscout_assets.terms import Defect

_PROTECTED = r"^'([=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}])"
_BLOCK = 1 << 22
_NEWLINE, _RETURN = b"\n\r"
_ROWS_AT_ONCE = 50_000


def read_csv(path: Path, limits: ReadLimits, sheet: str | None, maps: ColumnMaps = NO_MAPS) -> Grid:
    """Read a CSV in any of the usual encodings and delimiters; `sheet` means nothing here.

    A row with more or fewer cells than the header is kept as a defect, unless all it lacks are columns that are not
    recognised, or all it has too many are blank. Raises `UnreadableFile`.
    """
    text = read_text(path, limits)
    layout = find_layout(text, limits)
    header = require(understand(layout.headers, maps.of(layout.headers)))
    grid = whole_line_rows(text, layout, header) or exact_rows(text, layout, header)
    if not len(grid.source_row):
        raise UnreadableFile("no_rows", "the list has column names but no rows below them; deliver it again with rows")
    return with_rows_above(grid, layout.above)


def whole_line_rows(text: bytes, layout: Layout, header: Header) -> Grid | None:
    """Read by pyarrow where every line below the header is one row of the right width, else return None.

    Blank lines, ragged rows and quoted newlines each make fewer rows than there are lines, and nothing makes more:
    as many rows as lines means that row and line numbers simply count up.
    """
    import pyarrow.csv as arrow_csv

    lines = _line_count(text, layout.body)
    names = [str(index) for index in range(header.width)]
    ragged: list[int] = []

    def note(row: arrow_csv.InvalidRow) -> str:
        ragged.append(row.actual_columns)
        return "skip"

    if not lines:
        return None
    try:
        table = arrow_csv.read_csv(
            pa.py_buffer(memoryview(text)[layout.body :]),
            read_options=arrow_csv.ReadOptions(column_names=names, block_size=_BLOCK),
            parse_options=arrow_csv.ParseOptions(
                delimiter=layout.delimiter, newlines_in_values=b'"' in text, invalid_row_handler=note
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=True,
                null_values=[""],
                check_utf8=False,
            ),
        )
    except pa.ArrowInvalid:
        # Such as a cell longer than a block: the exact way copes or says where.
        return None
    if ragged or table.num_rows != lines or _ends_open(text, layout):
        return None
    numbers = pa.array(np.arange(lines, dtype=np.int32))
    source_row = pc.add(numbers, pa.scalar(layout.rows + 1, pa.int32()))
    source_line = pc.add(numbers, pa.scalar(layout.lines + 1, pa.int32()))
    return _without_blank(header, table.columns, source_row, source_line, None, None)


def _ends_open(text: bytes, layout: Layout) -> bool:
    """Return whether the last line has a quote that does not close, which pyarrow takes for the end of the cell."""
    tail = text[-2:]
    end = len(text) - len(tail) + len(tail.rstrip(b"\r\n"))
    start = max(text.rfind(b"\n", layout.body, end), text.rfind(b"\r", layout.body, end), layout.body - 1) + 1
    lines = RowLines(lines_from(text, start))
    try:
        next(csv.reader(lines, delimiter=layout.delimiter), None)
    except csv.Error:
        return True  # a cell too long for csv: the exact way says so
    return lines.cut


@dataclass
class _Chunk:
    """Rows in the making; each list has an element per row."""

    cells: list[list[str] | tuple[None, ...]] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    defects: list[str | None] = field(default_factory=list)
    texts: list[str | None] = field(default_factory=list)


def exact_rows(text: bytes, layout: Layout, header: Header) -> Grid:
    """Read row by row with Python's csv, keeping count of rows and lines; a defect never stops the file."""
    width, needed = header.width, 1 + max(header.fields.values(), default=0)
    tables: list[pa.Table] = []
    chunk = _Chunk()
    for row, line, cells, lines in _records(text, layout):
        defect = None
        if cells is None:
            defect = Defect.UNREADABLE_ROW
        elif len(cells) > width:
            if any(cell.strip() for cell in cells[width:]):
                defect = Defect.TOO_MANY_CELLS
            cells = cells[:width]
        elif len(cells) < width:
            if len(cells) < needed and any(cell.strip() for cell in cells):
                defect = Defect.TOO_FEW_CELLS
            cells = cells + [""] * (width - len(cells))
        chunk.cells.append((None,) * width if defect or cells is None else cells)
        chunk.rows.append(row)
        chunk.lines.append(line)
        chunk.defects.append(defect)
        chunk.texts.append("".join(lines).rstrip("\r\n") if defect else None)
        if len(chunk.rows) == _ROWS_AT_ONCE:
            tables.append(_table(chunk, width))
            chunk = _Chunk()
    tables.append(_table(chunk, width))
    table = pa.concat_tables(tables)
    *cells_, source_row, source_line, defect_, defect_text = table.columns
    return _without_blank(header, cells_, source_row, source_line, defect_, defect_text)


def lines_of_rows(text: bytes, layout: Layout) -> Iterator[tuple[int, int, int]]:
    """Yield of each row but the header its number, its first physical line and how many lines it has; all count from 1.

    Of blank rows only those below the header are told.
    """
    yield from ((row.row, row.line, row.lines) for row in layout.above)
    for row, line, _, lines in _records(text, layout):
        yield row, line, len(lines)


def _records(text: bytes, layout: Layout) -> Iterator[tuple[int, int, list[str] | None, list[str]]]:
    """Yield row number, first line number, cells and physical lines of each row; cells None where a quote is stray."""
    lines = RowLines(lines_from(text, layout.body))
    reader = csv.reader(lines, delimiter=layout.delimiter)
    row, line = layout.rows, layout.lines + 1
    while True:
        lines.begin()
        try:
            cells = next(reader, None)
        except csv.Error:
            # A cell longer than csv allows (131,072 characters), which is a stray quote's doing.
            cells, lines.cut = [], True
        if not lines.row:
            return
        row += 1
        if lines.cut:
            lines.give_back()
            reader = csv.reader(lines, delimiter=layout.delimiter)
            yield row, line, None, lines.row
        else:
            yield row, line, cells, lines.row
        line += len(lines.row)


def _line_count(text: bytes, start: int) -> int:
    """Return how many lines follow `start`, each ended by \\n, \\r\\n or \\r, the last one also by the end."""
    data = np.frombuffer(text, np.uint8)
    ends = 0
    for at in range(start, len(data), _BLOCK):
        piece = data[at : at + _BLOCK]
        newlines = np.flatnonzero(piece == _NEWLINE) + at
        pairs = np.count_nonzero(data[newlines[newlines > start] - 1] == _RETURN)
        ends += len(newlines) + int(np.count_nonzero(piece == _RETURN)) - int(pairs)
    return ends + (len(text) > start and text[-1:] not in b"\r\n")


def _table(chunk: _Chunk, width: int) -> pa.Table:
    columns = list(zip(*chunk.cells, strict=True)) or [()] * width
    arrays = [pa.array(column, pa.string()) for column in columns]
    arrays += [pa.array(chunk.rows, pa.int32()), pa.array(chunk.lines, pa.int32())]
    arrays += [pa.array(chunk.defects, pa.string()), pa.array(chunk.texts, pa.string())]
    return pa.Table.from_arrays(arrays, names=[str(index) for index in range(len(arrays))])


def _without_blank(
    header: Header,
    cells: list[pa.ChunkedArray],
    source_row: pa.Array | pa.ChunkedArray,
    source_line: pa.Array | pa.ChunkedArray,
    defect: pa.ChunkedArray | None,
    defect_text: pa.ChunkedArray | None,
) -> Grid:
    cells = [blank_to_null(_unprotected(column)) for column in cells]
    keep = any_filled(cells, len(source_row))
    if defect is not None:
        keep = pc.or_(keep, pc.is_valid(defect))
    if pc.all(keep).as_py():
        return Grid(header, cells, source_row, source_line, defect, defect_text)
    return Grid(
        header,
        [column.filter(keep) for column in cells],
        source_row.filter(keep),
        source_line.filter(keep),
        None if defect is None else defect.filter(keep),
        None if defect_text is None else defect_text.filter(keep),
    )


def _unprotected(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return `cells` without the apostrophe that keeps a spreadsheet from taking a cell for a formula."""
    if not pc.any(pc.starts_with(cells, "'")).as_py():
        return cells
    return pc.replace_substring_regex(cells, _PROTECTED, r"\1")
