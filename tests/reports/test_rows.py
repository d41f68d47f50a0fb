"""Rows written from columns: whatever a cell holds, it is well-formed and comes back unchanged."""

from xml.etree import ElementTree

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape

from leadscout_assets.reports.rows import rows_xml

CELLS = (
    st.none() | st.text(max_size=12) | st.sampled_from(["=1+1", "<r>x</r>", " x ", "_x0041_", "\r\n", "\x00", "\uffff"])
)


def parse(xml: str) -> list[dict[str, str]]:
    """Read rows back as cells by reference."""
    rows = ElementTree.fromstring(f"<sheetData>{xml}</sheetData>")
    return [{c.attrib["r"]: "".join(c.itertext()) for c in row} for row in rows]


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5))
def test_any_text_comes_back_unchanged_and_blank_cells_are_left_out(cells: list[tuple[str | None, str | None]]) -> None:
    columns = [pa.array(column, pa.string()) for column in zip(*cells, strict=True)]
    wanted = [
        {f"{letter}{row}": text for letter, text in zip("AB", pair, strict=True) if text}
        for row, pair in enumerate(cells, 7)
    ]
    read = [{at: unescape(text) for at, text in row.items()} for row in parse(rows_xml(columns, [1, 2], 7))]
    assert read == wanted


def test_numbers_are_numbers_and_nothing_is_no_cell() -> None:
    xml = rows_xml([pa.array([1, None], pa.int32()), pa.chunked_array([[0.25], [1e-7]])], [3, 4], 2)
    assert xml == (
        '<row r="2"><c r="A2" s="3"><v>1</v></c><c r="B2" s="4"><v>0.25</v></c></row>'
        '<row r="3"><c r="B3" s="4"><v>1e-7</v></c></row>'
    )


def test_columns_beyond_the_alphabet_have_two_letters() -> None:
    columns = [pa.array([1])] * 28
    assert list(parse(rows_xml(columns, [0] * 28, 1))[0])[-2:] == ["AA1", "AB1"]


def test_each_cell_stands_where_its_column_does_whatever_the_columns_hold() -> None:
    nothing = pa.nulls(2, pa.string())
    columns = [pa.array([7, 8]), pa.array(["a ", "b"]), nothing, pa.array([0.5, None]), pa.array(["c", "&"])]
    assert parse(rows_xml(columns, [1, 2, 3, 4, 5], 1)) == [
        {"A1": "7", "B1": "a ", "D1": "0.5", "E1": "c"},
        {"A2": "8", "B2": "b", "E2": "&"},
    ]
    assert rows_xml([nothing[:0], pa.array([], pa.int64())], [1, 2], 1) == ""
