"""Workbooks: cells as a person sees them, sheets, and row numbers."""

import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from leadscout_assets.errors import UnreadableFile
from leadscout_assets.leads.counting import count_rows
from leadscout_assets.leads.reading import read_lead_list
from tests.hostile.registry import FILES
from tests.leads.workbooks import HEADER_CELLS, LEAD_CELLS, MAIN, parts, sheet, two_rows, write
from tests.scenario import BATCH_ID, LIMITS, delivered_rows, scenario_csv, scenario_xlsx

HEADER = ("Company", "Director", "Director Cell")


def read(path: Path, name: str | None = None) -> list[dict[str, Any]]:
    """Return the rows of a workbook, and hold the second count equal to the first."""
    rows: list[dict[str, Any]] = read_lead_list(path, batch_id=BATCH_ID, limits=LIMITS, sheet=name).to_pylist()
    assert count_rows(path, limits=LIMITS, sheet=name) == len(rows)
    return rows


def cell_of(path: Path) -> str | None:
    """Return the director's cell of the only row."""
    (row,) = read(path)
    value = row["director_cell"]
    assert value is None or isinstance(value, str)
    return value


def with_cell(path: Path, value: object, number_format: str = "General") -> Path:
    """Write a workbook with one lead whose director's cell is `value`, by xlsxwriter."""
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, HEADER)
        page.write_row(1, 0, ("ACME", "T NKOSI"))
        page.write(1, 2, value, book.add_format({"num_format": number_format}))
    return path


def with_openpyxl_cell(path: Path, value: object, number_format: str = "General") -> Path:
    """Write the same by openpyxl, which keeps strings in a part of their own."""
    book = openpyxl.Workbook()
    page = book.active
    page.append(HEADER)
    page.append(("ACME", "T NKOSI", value))
    page["C2"].number_format = number_format
    book.save(path)
    return path


VALUES = [
    (821234567, "General", "821234567"),
    (821234567, "0000000000", "0821234567"),
    (821234567, "000 000 0000", "082 123 4567"),
    (821234567, "[Red]0000000000", "0821234567"),
    (821234567, "0000000000;[Red]-0000000000", "0821234567"),
    (27821234567, "General", "27821234567"),
    (27821234567, "0.00E+00", "27821234567"),
    (8004055009087, "General", "8004055009087"),
    (123456789012345, "General", "123456789012345"),
    (821234567.0, "0.00", "821234567"),
    (1.5, "General", "1.5"),
    (0.1 + 0.2, "General", "0.3"),
    (1e-7, "General", "0.0000001"),
    (1e20, "General", "100000000000000000000"),
    (-3, "General", "-3"),
    (0, "General", "0"),
    (True, "General", "TRUE"),
    (False, "General", "FALSE"),
    ("true", "General", "true"),
    ("0821234567", "@", "0821234567"),
    ("2024-03-01 00:00:00", "General", "2024-03-01 00:00:00"),
    (datetime.date(2024, 3, 1), "dd/mm/yyyy", "2024-03-01"),
    (datetime.datetime(2024, 3, 1, 12, 30, 15), "d mmm yyyy hh:mm", "2024-03-01T12:30:15"),  # noqa: DTZ001
    (datetime.time(8, 5), "hh:mm", "08:05:00"),
    (821234567, "dd/mm/yyyy", "821234567"),
    (27821234567, "[h]:mm", "27821234567"),
    (11234567.5, "yyyy-mm-dd hh:mm", "11234567.5"),
    (2958465, "yyyy-mm-dd", "9999-12-31"),
    (2958466, "yyyy-mm-dd", "2958466"),
    (" two  spaces ", "General", " two  spaces "),
    ("line\nbreak", "General", "line\nbreak"),
    ("O\u2019DONNELL & <ZOË>", "General", "O\u2019DONNELL & <ZOË>"),
]


@pytest.mark.parametrize(("value", "number_format", "expected"), VALUES)
@pytest.mark.parametrize("writer", [with_cell, with_openpyxl_cell])
def test_a_cell_is_read_as_it_is_meant(
    tmp_path: Path, writer: Any, value: object, number_format: str, expected: str
) -> None:
    assert cell_of(writer(tmp_path / "list.xlsx", value, number_format)) == expected


def test_mixed_columns_keep_each_cell_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        zeros, day = book.add_format({"num_format": "0000000000"}), book.add_format({"num_format": "yyyy/mm/dd"})
        page.write_row(0, 0, HEADER)
        cells = [(821234567, None), (821234567, zeros), ("0821234567", None), (45352, day), (True, None), (1.25, zeros)]
        for row, (value, number_format) in enumerate(cells, 1):
            page.write_row(row, 0, ("ACME", "T NKOSI"))
            page.write(row, 2, value, number_format)
    found = [row["director_cell"] for row in read(path)]
    assert found == ["821234567", "0821234567", "0821234567", "2024-03-01", "TRUE", "1.25"]


def test_a_row_with_nothing_but_a_number_formatted_as_a_date_is_a_row(tmp_path: Path) -> None:
    # The value reader gave nothing for it, the second reader counted it: the whole batch was refused.
    path = tmp_path / "list.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page, day = book.add_worksheet(), book.add_format({"num_format": "yyyy/mm/dd"})
        page.write_row(0, 0, HEADER)
        page.write_row(1, 0, ("ACME", "T NKOSI", "0821234567"))
        for row, number in ((4, 821234568), (2, 821234569)):
            page.write(row, 2, number, day)
        page.write(6, 2, None, day)
    assert [row["director_cell"] for row in read(path)] == ["0821234567", "821234569", "821234568"]


def test_a_date_above_all_numbers_keeps_its_text(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    path.write_bytes(next(file for file in FILES if file.name == "the date 1e999").content())
    assert "1e999" in {value for row in read(path) for value in row.values()}


def test_formulas_give_their_cached_value(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, (*HEADER, "Sum", "Fault"))
        page.write_formula(1, 0, '="AC"&"ME"', None, "ACME")
        page.write_string(1, 1, "T NKOSI")
        page.write_formula(1, 3, "=1+1", None, 2)
        page.write_formula(1, 4, "=NA()", None, "#N/A")
    (row,) = read(path)
    assert (row["entity_name"], row["extra"]) == ("ACME", '{"Sum": "2"}')


def test_dates_of_the_1904_system_are_right(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.epoch = datetime.datetime(1904, 1, 1)  # noqa: DTZ001
    book.active.append(HEADER)
    book.active.append(("ACME", "T NKOSI", datetime.date(2024, 3, 1)))
    book.save(tmp_path / "list.xlsx")
    assert cell_of(tmp_path / "list.xlsx") == "2024-03-01"


def test_row_numbers_are_those_that_a_person_sees(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        page.write_row(2, 1, HEADER)
        page.write_row(3, 1, ("A", "B"))
        page.write_row(4, 1, ("\u00a0", " "))
        page.write_row(6, 1, ("C", "D"))
        page.write_string(7, 7, "aside")
    rows = read(path)
    assert [row["source_row"] for row in rows] == [4, 7, 8]
    assert rows[2]["extra"] == '{"H": "aside"}'
    assert {row["source_line"] for row in rows} == {None}


def test_the_first_visible_sheet_is_read_or_the_one_named(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for name in ("Old", "Leads", "More"):
            page = book.add_worksheet(name)
            page.write_row(0, 0, HEADER)
            page.write_row(1, 0, (name, "T NKOSI"))
        book.worksheets()[1].activate()
        book.worksheets()[1].set_first_sheet()
        book.worksheets()[0].hide()
    assert read(path)[0]["entity_name"] == "Leads"
    assert read(path, "More")[0]["entity_name"] == "More"
    assert read(path, " more ")[0]["entity_name"] == "More"
    assert read(path, "Old")[0]["entity_name"] == "Old"
    with pytest.raises(UnreadableFile, match="LEADSCOUT_SHEET"):
        read(path, "Nowhere")


def test_a_workbook_without_a_visible_sheet_is_refused(tmp_path: Path) -> None:
    contents = parts(two_rows())
    contents["xl/workbook.xml"] = contents["xl/workbook.xml"].replace("<sheet ", '<sheet state="hidden" ')
    with pytest.raises(UnreadableFile, match="unhide"):
        read(write(tmp_path / "list.xlsx", contents))


def test_a_chart_sheet_is_no_list(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    with xlsxwriter.Workbook(path) as book:
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": "=Leads!$A$1:$A$2"})
        book.add_chartsheet("Chart").set_chart(chart)
        page = book.add_worksheet("Leads")
        page.write_row(0, 0, HEADER)
        page.write_row(1, 0, ("ACME", "T NKOSI"))
    assert read(path)[0]["entity_name"] == "ACME"


@pytest.mark.parametrize(("rows", "code"), [((), "empty"), ((("", " "),), "empty"), ((HEADER,), "no_rows")])
def test_a_sheet_without_rows_is_refused(tmp_path: Path, rows: tuple[tuple[str, ...], ...], code: str) -> None:
    path = tmp_path / "list.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        for number, cells in enumerate(rows):
            page.write_row(number, 0, cells)
    with pytest.raises(UnreadableFile) as caught:
        read_lead_list(path, batch_id=BATCH_ID, limits=LIMITS)
    assert caught.value.code == code


def test_the_scenario_is_the_same_in_both_formats(tmp_path: Path) -> None:
    path = scenario_xlsx(tmp_path / "list.xlsx")
    from_xlsx = read_lead_list(path, batch_id=BATCH_ID, limits=LIMITS)
    from_csv = read_lead_list(scenario_csv(tmp_path / "list.csv"), batch_id=BATCH_ID, limits=LIMITS)
    assert from_xlsx.drop_columns(["source_line"]).equals(from_csv.drop_columns(["source_line"]))
    assert count_rows(path, limits=LIMITS) == delivered_rows()


def test_sheets_with_a_namespace_prefix_and_without_references_are_read(tmp_path: Path) -> None:
    prefixed = (
        f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData>'
        + "".join(
            f'<x:row><x:c t="str"><x:v>{one}</x:v></x:c><x:c t="str"><x:v>{two}</x:v></x:c><x:c t="b"><x:v>1</x:v></x:c></x:row>'
            for one, two in (("Company", "Director"), ("ACME", "T NKOSI"))
        )
        + "</x:sheetData></x:worksheet>"
    )
    (row,) = read(write(tmp_path / "list.xlsx", parts(prefixed)))
    assert (row["entity_name"], row["extra"]) == ("ACME", '{"TRUE": "TRUE"}')


def test_pronunciation_marks_do_not_count_as_text(tmp_path: Path) -> None:
    strings = f'<sst xmlns="{MAIN}"><si><t> </t><rPh sb="0" eb="1"><t>x</t></rPh></si><si><r><t>A</t></r><r><t>B</t></r></si></sst>'
    more = '<row r="3"><c r="A3" t="s"><v>0</v></c></row><row r="4"><c r="A4" t="s"><v>1</v></c></row>'
    rows = read(write(tmp_path / "list.xlsx", parts(two_rows(more), sharedStrings=strings)))
    assert [(row["source_row"], row["entity_name"]) for row in rows] == [(2, "ACME"), (4, "AB")]


@pytest.mark.parametrize(
    "part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "_rels/.rels"]
)
@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_damaged_part_is_refused_and_nothing_of_it_is_shown(tmp_path: Path, part: str, damage: str) -> None:
    contents = parts(two_rows())
    text = contents.pop(part)
    if damage == "cut":
        contents[part] = text[: len(text) // 2]
    path = write(tmp_path / "list.xlsx", contents)
    with pytest.raises(UnreadableFile) as caught:
        read_lead_list(path, batch_id=BATCH_ID, limits=LIMITS)
    assert caught.value.code in ("damaged", "no_sheet", "archive")
    assert caught.value.__cause__ is None
    assert "NKOSI" not in str(caught.value)


@pytest.mark.parametrize(
    "cell",
    [
        '<c r="A3" t="s"><v>99</v></c>',
        '<c r="A3" t="s"><v>NKOSI</v></c>',
        '<c r="A3"><v>1</v></c><c r="A3" t="b"><v>1</v></c><c r="A3" t="b"><v>0</v></c>',
    ],
)
def test_cells_that_cannot_be_are_refused(tmp_path: Path, cell: str) -> None:
    path = write(tmp_path / "list.xlsx", parts(two_rows(f'<row r="3">{cell}</row>')))
    with pytest.raises(UnreadableFile, match="damaged"):
        read_lead_list(path, batch_id=BATCH_ID, limits=LIMITS)


def test_two_sheets_of_one_name_are_refused(tmp_path: Path) -> None:
    contents = parts(two_rows())
    twice = contents["xl/workbook.xml"]
    entry = twice[twice.index("<sheet ") : twice.index("</sheets>")]
    contents["xl/workbook.xml"] = twice.replace(entry, entry * 2)
    with pytest.raises(UnreadableFile, match="damaged"):
        read(write(tmp_path / "list.xlsx", contents))


def test_styles_of_cells_that_are_no_numbers_change_nothing(tmp_path: Path) -> None:
    styles = (
        f'<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="164" formatCode="0000000000"/></numFmts>'
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="14"/></cellXfs></styleSheet>'
    )
    header = HEADER_CELLS + '<c r="C1" t="inlineStr"><is><t>Director Cell</t></is></c>'
    cells = LEAD_CELLS + '<c r="C2" s="1" t="inlineStr"><is><t>12</t></is></c><c r="D2" s="2" t="str"><v>45352</v></c>'
    text = sheet(f'<row r="1">{header}</row>', f'<row r="2">{cells}</row>')
    (row,) = read(write(tmp_path / "list.xlsx", parts(text, styles=styles)))
    assert (row["director_cell"], row["extra"]) == ("12", '{"D": "45352"}')


class Panic(BaseException):
    """As libraries in Rust panic: no `Exception`."""


@pytest.mark.parametrize(("fault", "expected"), [(Panic, UnreadableFile), (KeyboardInterrupt, KeyboardInterrupt)])
def test_a_panic_of_the_value_reader_is_a_refusal_and_an_interruption_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: type[BaseException], expected: type[BaseException]
) -> None:
    def panic(*_: object) -> None:
        raise fault("MOKOENA")

    monkeypatch.setattr("fastexcel.read_excel", panic)
    with pytest.raises(expected) as raised:
        read_lead_list(scenario_xlsx(tmp_path / "list.xlsx"), batch_id=BATCH_ID, limits=LIMITS)
    assert fault is KeyboardInterrupt or "MOKOENA" not in str(raised.value)
