"""XLSX to grid: values by fastexcel as text, then what only the number format of a cell tells.

Which sheet and which cells those are is found in workbook.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.errors import UnreadableFile, is_interruption
from leadscout_assets.leads.column_maps import NO_MAPS, ColumnMaps
from leadscout_assets.leads.columns import require, understand
from leadscout_assets.leads.grid import Grid, any_filled, blank_to_null, with_rows_above
from leadscout_assets.leads.guards import ReadLimits, damaged, open_workbook, read_workbook
from leadscout_assets.leads.number_formats import shown
from leadscout_assets.leads.title_rows import RowAbove, header_among
from leadscout_assets.leads.workbook import Look, check_shared_strings, choose_sheet, empty_sheet, look

_MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d)[ T]00:00:00(?:\.0+)?")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d+)?)")
# A time of day without a date is a part of day 0, which the value reader gives these dates (1900 and 1904 systems).
_DAY_ZERO = ("1899-12-31", "1904-01-01")


def read_xlsx(path: Path, limits: ReadLimits, sheet: str | None, maps: ColumnMaps = NO_MAPS) -> Grid:
    """Read one worksheet: the first visible one or `sheet`; the header is its first row with a filled cell, or below a title.

    Formulas come as their cached value, numbers as plain decimals, dates as `YYYY-MM-DD` or `YYYY-MM-DDTHH:MM:SS`,
    booleans as TRUE or FALSE; error cells such as `#N/A` are blank. Raises `UnreadableFile`.
    """
    _, cells = shown_cells(path, limits, sheet)
    height = len(cells[0]) if cells else 0
    filled = np.flatnonzero(any_filled(cells, height))
    if not len(filled):
        raise empty_sheet()
    place = header_place(cells, filled.tolist())
    headers = [column[int(filled[place])].as_py() for column in cells]
    header = require(understand(headers, maps.of(headers)))
    if len(filled) == place + 1:
        raise UnreadableFile("no_rows", "the list has column names but no rows below them; deliver it again with rows")
    rows = pa.array(filled[place + 1 :])
    grid = Grid(header, [column.take(rows) for column in cells], pc.add(rows, 1).cast(pa.int32()))
    return with_rows_above(grid, [_above(cells, row) for row in filled[:place].tolist()])


def header_place(cells: list[pa.ChunkedArray], filled: list[int]) -> int:
    """Return which of the `filled` rows (from 0) is the header, by its place among them."""
    return header_among([column[row].as_py() for column in cells] for row in filled)


def _above(cells: list[pa.ChunkedArray], row: int) -> RowAbove:
    told = tuple(column[row].as_py() for column in cells)
    return RowAbove(row + 1, row + 1, 1, told, "\t".join(cell for cell in told if cell is not None))


def shown_cells(path: Path, limits: ReadLimits, sheet: str | None) -> tuple[str, list[pa.ChunkedArray]]:
    """Return the name of the worksheet to read, and its columns from A1 on as text; null where a cell is blank.

    Raises `UnreadableFile`.
    """
    data = read_workbook(path, limits)
    workbook = open_workbook(data)
    chosen = choose_sheet(workbook, sheet)
    check_shared_strings(workbook)
    seen = look(workbook, chosen, limits)
    cells = _values(data, chosen.name)
    _check_aligned(cells, seen)
    return chosen.name, [blank_to_null(column) for column in _as_shown(cells, seen)]


def _values(data: bytes, sheet: str) -> list[pa.ChunkedArray]:
    """Return all columns of a sheet from A1 on, as text."""
    import fastexcel

    try:
        loaded = fastexcel.read_excel(data).load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string")
        batch = loaded.to_arrow() if loaded.width else pa.RecordBatch.from_arrays([], names=[])
        first = min((column.absolute_index for column in loaded.available_columns()), default=0)
    except BaseException as error:  # its message may quote a cell, and its panics are no `Exception`
        if isinstance(error, MemoryError) or is_interruption(error):
            raise
        raise damaged() from None
    absent = [pa.chunked_array([pa.nulls(batch.num_rows, pa.string())])] * first
    return absent + [pa.chunked_array([column.cast(pa.string())]) for column in batch.columns]


def _check_aligned(cells: list[pa.ChunkedArray], seen: Look) -> None:
    # Both passes measured the same used range; if not, patched cells would land in other people's rows.
    if cells and (len(cells[0]) > seen.rows or len(cells) > seen.width):
        raise damaged()


def _as_shown(cells: list[pa.ChunkedArray], seen: Look) -> list[pa.ChunkedArray]:
    """Return the columns with booleans, dates and zero-padded numbers as a spreadsheet shows them, nothing lost."""
    padded: dict[int, dict[int, str]] = {}
    for row, column, code in seen.zeros:
        padded.setdefault(column, {})[row] = code
    changed = list(cells)
    for column in range(len(cells)):
        if column in seen.booleans:
            changed[column] = _patched(changed[column], seen.booleans[column], _capitals)
        if column in seen.dates:
            changed[column] = _patched(changed[column], seen.dates[column], _dates)
        if column in seen.no_dates:
            # A telephone number formatted as a date, which a spreadsheet shows as ####: the value reader gives nothing.
            rows = sorted(seen.no_dates[column])
            numbers = [seen.no_dates[column][row] for row in rows]
            changed[column] = _patched(changed[column], rows, partial(_given, numbers=numbers))
        if column in padded:
            # After them: a format of zeros may have a date's letters in the name of a colour.
            codes = [padded[column][row] for row in sorted(padded[column])]
            changed[column] = _patched(changed[column], list(padded[column]), partial(_padded, codes=codes))
    return changed


def _patched(
    column: pa.ChunkedArray, rows: list[int], change: Callable[[pa.ChunkedArray], pa.Array]
) -> pa.ChunkedArray:
    """Return the column with `change` made to the cells of these rows (from 1), which it is handed in their order."""
    places = np.array(rows) - 1
    places = places[places < len(column)]
    mask = np.zeros(len(column), dtype=bool)
    mask[places] = True
    if np.count_nonzero(mask) != len(places):  # a reference that occurs twice
        raise damaged()
    new = change(column.filter(pa.array(mask)))
    patched: pa.ChunkedArray = pc.replace_with_mask(column, pa.array(mask), new)
    return patched


def _capitals(cells: pa.ChunkedArray) -> pa.Array:
    return pc.utf8_upper(cells.combine_chunks())


def _dates(cells: pa.ChunkedArray) -> pa.Array:
    return pa.array([None if value is None else _iso(value) for value in cells.to_pylist()], pa.string())


def _padded(cells: pa.ChunkedArray, codes: list[str]) -> pa.Array:
    # The rows below the last filled cell are not among the cells, hence the shorter of the two.
    pairs = zip(cells.to_pylist(), codes, strict=False)
    return pa.array([None if value is None else shown(value, code) for value, code in pairs], pa.string())


def _given(cells: pa.ChunkedArray, numbers: list[str]) -> pa.Array:
    return pa.array(numbers[: len(cells)], pa.string())


def _iso(value: str) -> str:
    if date := _MIDNIGHT.fullmatch(value):
        return date[1]
    if moment := _MOMENT.fullmatch(value):
        return moment[2] if moment[1] in _DAY_ZERO else f"{moment[1]}T{moment[2]}"
    return value
