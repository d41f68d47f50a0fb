"""The second count, where it is not held against the first one by the readers' own tests."""

from pathlib import Path

import pytest
import xlsxwriter

from leadscout_assets.errors import UnreadableFile
from leadscout_assets.leads import counting
from leadscout_assets.leads.counting import count_rows
from leadscout_assets.leads.reading import read_lead_list
from tests.leads.workbooks import HEADER_CELLS, parts, sheet, two_rows, write
from tests.scenario import LIMITS


def test_a_list_with_column_names_only_has_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("EntityName,DirectorName\n")
    assert count_rows(path, limits=LIMITS) == 0
    path = write(tmp_path / "list.xlsx", parts(sheet(f'<row r="1">{HEADER_CELLS}</row>')))
    assert count_rows(path, limits=LIMITS) == 0


@pytest.mark.parametrize(
    ("cell", "counted"),
    [
        ('<c r="A3"><v>0</v></c>', 2),
        ('<c r="A3" t="b"><v>0</v></c>', 2),
        ('<c r="A3" t="str"><f>A1</f><v>x</v></c>', 2),
        ('<c r="A3" t="inlineStr"><is><r><t> </t></r><r><t>x</t></r></is></c>', 2),
        ('<c r="A3" t="e"><v>#N/A</v></c>', 1),
        ('<c r="A3" t="str"><f>A1</f><v></v></c>', 1),
        ('<c r="A3"><f>A1</f></c>', 1),
        ('<c r="A3" s="0"/>', 1),
        ('<c r="A3" t="inlineStr"><is><t>\u00a0</t></is></c>', 1),
        ('<c r="A3" t="e"><v>#N/A</v></c><c r="B3" t="inlineStr"><is><t>x</t></is></c>', 2),
        ('<c r="A3" t="inlineStr"><is><t>_x000D_ _x00a0_</t></is></c>', 1),
        ('<c r="A3" t="inlineStr"><is><t>_x000D</t></is></c>', 2),
        ('<c r="A3" t="inlineStr"><is><t>_x0041_</t></is></c>', 2),
        ('<c r="A3" t="str"><f>A1</f><v>_x000D_</v></c>', 2),
    ],
)
def test_a_workbook_row_counts_when_a_cell_is_filled(tmp_path: Path, cell: str, counted: int) -> None:
    path = write(tmp_path / "list.xlsx", parts(two_rows(f'<row r="3">{cell}</row>')))
    assert count_rows(path, limits=LIMITS) == counted
    assert read_lead_list(path, batch_id="b", limits=LIMITS).num_rows == counted


def test_a_line_break_alone_fills_no_cell(tmp_path: Path) -> None:
    # Excel writes its carriage return as `_x000D_`: the readers disagreed, and the batch was refused.
    path = tmp_path / "list.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ("EntityName", "DirectorName"))
        page.write_row(1, 0, ("ACME", "T NKOSI"))
        page.write_string(2, 0, "\r\n")
    assert count_rows(path, limits=LIMITS) == 1
    assert read_lead_list(path, batch_id="b", limits=LIMITS).num_rows == 1


@pytest.mark.parametrize("content", ["", " \n", ";;;\n"])
def test_a_file_without_a_filled_cell_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(content)
    with pytest.raises(UnreadableFile) as caught:
        count_rows(path, limits=LIMITS)
    assert caught.value.code == "empty"


def test_an_empty_sheet_is_refused(tmp_path: Path) -> None:
    # The first to look at a file, so that this is the sentence that a person reads; the list is on another sheet.
    with pytest.raises(UnreadableFile, match="LEADSCOUT_SHEET"):
        count_rows(write(tmp_path / "list.xlsx", parts(sheet())), limits=LIMITS)


def test_a_row_number_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="damaged"):
        count_rows(write(tmp_path / "list.xlsx", parts(sheet('<row r="x"/>'))), limits=LIMITS)


def test_the_second_reader_uses_neither_library_of_the_first() -> None:
    source = Path(counting.__file__).read_text(encoding="utf-8")
    imports = [line for line in source.splitlines() if line.startswith(("import", "from"))]
    assert not any(name in line for line in imports for name in ("pyarrow", "fastexcel", "csv_text", ".xlsx", "grid"))
