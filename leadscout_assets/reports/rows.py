"""A worksheet whose rows are written from Arrow columns, a slice at a time. Imported only to write a workbook.

xlsxwriter makes everything else of the workbook; its cell-by-cell writing of 20,000 leads takes ten times as long.
"""

from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

MAX_CELL = 32_767
"""Most characters that a cell of the format can hold."""

SPECIAL = r"[\x00-\x08\x0b-\x1f\x{FFFE}\x{FFFF}]|_x[0-9A-Fa-f]{4}_"
"""Characters that XML cannot carry, and what the format would take for the escape of one."""

Columns = Sequence[pa.Array | pa.ChunkedArray]


class RowsSheet(Worksheet):  # type: ignore[misc]  # xlsxwriter is untyped
    """A worksheet of nothing but rows; `add_worksheet(name, worksheet_class=RowsSheet)` makes one."""

    def write_rows(
        self, header: Columns, header_styles: Sequence[int], slices: Iterable[Columns], styles: Sequence[int], rows: int
    ) -> None:
        """Take a header of one row and `rows` rows in `slices`, with a cell style for each column.

        Slices are drawn when the workbook is closed. Text stays text whatever it begins with; null is no cell.
        """
        self._parts = ((header, header_styles, 1), (slices, styles, rows))
        self._check_dimensions(0, 0)
        self._check_dimensions(rows, len(styles) - 1)

    def _write_sheet_data(self) -> None:
        (header, header_styles, _), (slices, styles, rows) = self._parts
        self._xml_start_tag("sheetData")
        self.fh.write(rows_xml(header, header_styles, 1))
        written = 0
        for columns in slices:
            self.fh.write(rows_xml(columns, styles, written + 2))
            written += len(columns[0])
            if written >= rows:
                break
        self._xml_end_tag("sheetData")


def rows_xml(columns: Columns, styles: Sequence[int], first_row: int) -> str:
    """Return the `<row>` elements of equally long columns; the first is row `first_row`, counted from 1."""
    numbers = pa.array(range(first_row, first_row + len(columns[0])), pa.int32()).cast(pa.string())
    cells = [
        _cells(column, f'<c r="{xl_col_to_name(position)}', numbers, style)
        for position, (column, style) in enumerate(zip(columns, styles, strict=True))
    ]
    start = pc.binary_join_element_wise('<row r="', numbers, '">', "")
    joined = pc.binary_join_element_wise(start, *cells, "</row>", "", null_handling="replace", null_replacement="")
    return "".join(joined.to_pylist())


def _cells(column: pa.Array | pa.ChunkedArray, start: str, numbers: pa.Array, style: int) -> pa.Array:
    """Return the `<c>` element of each value, null where the value is null or an empty text."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if not pa.types.is_string(column.type):
        value = column.cast(pa.string())
        return pc.binary_join_element_wise(start, numbers, f'" s="{style}"><v>', value, "</v></c>", "")
    text = _escape(pc.if_else(pc.equal(column, ""), None, column))
    inside = f'" s="{style}" t="inlineStr"><is><t'
    return pc.binary_join_element_wise(start, numbers, inside, _spacing(text), text, "</t></is></c>", "")


def _spacing(text: pa.Array) -> pa.Array | str:
    """Return the end of the `<t>` tag, which must say where outer white space is to be kept."""
    spaced = pc.match_substring_regex(text, r"^\s|\s$")
    return pc.if_else(spaced, ' xml:space="preserve">', ">") if pc.any(spaced).as_py() else ">"


def _escape(text: pa.Array) -> pa.Array:
    text = pc.utf8_slice_codeunits(text, 0, MAX_CELL)
    if pc.any(pc.match_substring_regex(text, SPECIAL)).as_py():
        plain = (None if value is None else Worksheet._escape_control_characters(value) for value in text.to_pylist())
        text = pa.array(plain, pa.string())
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = pc.replace_substring(text, character, entity)
    return text
