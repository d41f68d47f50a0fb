"""The rows of a report as CSV, for batches with more rows than a workbook should hold. Rows come from `sheets`.

Spreadsheet programs take some text for formulas: where free text begins like one, an apostrophe goes before it, which
LeadScout's reader takes off again (OWASP, CSV injection).
"""

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.reports.document import Kind
from leadscout_assets.reports.sheets import Sheet, SheetColumn, Values

FORMULA_START = r"^[=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"
"""What spreadsheet programs take for the start of a formula, full-width forms and line ends among it."""

_CUTS = r"[;\t\r\n][ \"]*[=+\-@\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"
_CUT_FORMULA = re.compile(r"([;\t\r\n][ \"]*)(?=[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])(?![+\-][\d ()./-]*(?:[;\t\r\n]|\Z))")
"""Where a program that expects another separator than the comma (in South Africa, a semicolon) cuts a cell and finds a
formula. A second telephone number, `;+27 82 ...`, is none."""

BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}".encode()
"""Without it, spreadsheet programs read UTF-8 as the code page of the machine."""


def write_csv(path: Path, sheet: Sheet, *, guarded: bool = False) -> None:
    """Write a sheet as UTF-8, comma-separated, with the headings in the first row; null is an empty cell.

    `guarded`: for whatever program may open it. Every cell is quoted, so that none that expects another separator cuts it
    at an address's comma.
    """
    import pyarrow.csv as pacsv

    schema = pa.schema([(str(place), _type(column)) for place, column in enumerate(sheet.columns)])
    headings = pa.table(
        [pa.array([column.heading]) for column in sheet.columns], names=[field.name for field in schema]
    )
    options = pacsv.WriteOptions(include_header=False, quoting_style="all_valid" if guarded else "needed")
    with path.open("wb") as file:
        file.write(BYTE_ORDER_MARK)
        pacsv.write_csv(_harmless_headings(headings), file, options)
        for values in sheet.slices:
            cells = [_cells(column, value) for column, value in zip(sheet.columns, values, strict=True)]
            pacsv.write_csv(pa.table(cells, schema=schema), file, options)


def _type(column: SheetColumn) -> pa.DataType:
    return {Kind.TEXT: pa.string(), Kind.ROW: pa.int64()}.get(column.kind, pa.float64())


def _harmless_headings(headings: pa.Table) -> pa.Table:
    """Headings of columns nobody knows are as delivered, and may look like formulas too."""
    return pa.table([_harmless(heading) for heading in headings.columns], names=headings.column_names)


def _cells(column: SheetColumn, values: Values) -> Values:
    typed = values.cast(_type(column))
    return _harmless(typed) if column.free else typed


def _harmless(text: Values) -> Values:
    cut = pc.match_substring_regex(text, _CUTS)
    if pc.any(cut).as_py():
        # A handful of cells: the engine of columns knows no look-ahead.
        text = pa.array([None if cell is None else _CUT_FORMULA.sub(r"\1'", cell) for cell in text.to_pylist()])
    suspicious = pc.match_substring_regex(text, FORMULA_START)
    if not pc.any(suspicious).as_py():
        return text
    return pc.if_else(suspicious, pc.binary_join_element_wise("'", text, ""), text)
