"""A worksheet whose rows are written from Arrow columns, a slice at a time. Imported only to write a workbook.

xlsxwriter makes everything else of the workbook; its cell-by-cell writing of 20,000 leads takes ten times as long.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

MAX_CELL = 32_767
"""Most characters that a cell of the format can hold, in UTF-16."""

CUT = " ... [cut: {:,} characters in all; see raw_leads]"
"""How a text ends that is longer."""

SPECIAL = r"[\x00-\x08\x0b-\x1f\x{FFFE}\x{FFFF}]|_x[0-9A-Fa-f]{4}_"
"""Characters that XML cannot carry, and what the format would take for the escape of one."""

ENTITIES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))

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
    rows = len(columns[0])
    numbers = pa.array(range(first_row, first_row + rows), pa.int32()).cast(pa.string())
    start = pc.binary_join_element_wise('<row r="', numbers, '">', "")
    cells = _cells([_whole(column) for column in columns], styles, numbers)
    joined = pc.binary_join_element_wise(start, *cells, "</row>", "", null_handling="replace", null_replacement="")
    return "".join(joined.to_pylist())


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _cells(columns: Sequence[pa.Array], styles: Sequence[int], numbers: pa.Array) -> list[pa.Array]:
    """Return the `<c>` elements of each column, null where the value is null or an empty text.

    The columns of a kind are one below the other meanwhile: in a small batch, Arrow's calls cost more than their work.
    """
    cells = dict[int, pa.Array]()
    texts = [place for place, column in enumerate(columns) if pa.types.is_string(column.type)]
    figures = [place for place in range(len(columns)) if place not in set(texts)]
    for places, escaped in ((texts, True), (figures, False)):
        if not places:
            continue
        value = pa.concat_arrays([columns[place].cast(pa.string()) for place in places])
        value = _escape(value) if escaped else value
        inside, end = (_text_tag(value), "</t></is></c>") if escaped else ("><v>", "</v></c>")
        row, column = pa.concat_arrays([numbers] * len(places)), np.repeat(np.arange(len(places)), len(numbers))
        starts = pa.array([f'<c r="{xl_col_to_name(place)}' for place in places]).take(pa.array(column))
        style = pa.array([f'" s="{styles[place]}"' for place in places]).take(pa.array(column))
        found = pc.binary_join_element_wise(starts, row, style, inside, value, end, "")
        cells |= {place: found.slice(at * len(numbers), len(numbers)) for at, place in enumerate(places)}
    return [cells[place] for place in range(len(columns))]


def _text_tag(text: pa.Array) -> pa.Array | str:
    """Return what opens a text, which must say where outer white space is to be kept."""
    tag = ' t="inlineStr"><is><t'
    spaced = pc.less(pc.binary_length(pc.ascii_trim_whitespace(text)), pc.binary_length(text))
    return pc.if_else(spaced, f'{tag} xml:space="preserve">', f"{tag}>") if pc.any(spaced).as_py() else f"{tag}>"


def _escape(text: pa.Array) -> pa.Array:
    text = pc.if_else(pc.equal(text, ""), None, text)
    if (pc.max(pc.utf8_length(text)).as_py() or 0) > MAX_CELL // 2:
        text = pa.array([value and _held(value) for value in text.to_pylist()], pa.string())
    if pc.any(pc.match_substring_regex(text, SPECIAL)).as_py():
        plain = (None if value is None else Worksheet._escape_control_characters(value) for value in text.to_pylist())
        text = pa.array(plain, pa.string())
    for character, entity in ENTITIES:
        text = pc.replace_substring(text, character, entity)
    return text


def _held(text: str) -> str:
    """Return what a cell holds of a text, which says so where that is not all."""
    units = text.encode("utf-16-le")
    if len(units) <= 2 * MAX_CELL:
        return text
    end = CUT.format(len(text))
    return units[: 2 * (MAX_CELL - len(end))].decode("utf-16-le", errors="ignore") + end
