"""Rows as CSV where a workbook would be too big: the same rows, harmless in a spreadsheet, and read back as delivered."""

from __future__ import annotations

import csv
from dataclasses import asdict, replace
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest

from leadscout_assets.leads.guards import ReadLimits
from leadscout_assets.leads.reading import read_lead_list
from leadscout_assets.reports.csv import write_csv
from leadscout_assets.reports.document import Kind
from leadscout_assets.reports.numbers import batch_numbers
from leadscout_assets.reports.reading_back import read_back
from leadscout_assets.reports.sheets import Sheet, SheetColumn, leads_sheet
from leadscout_assets.terms import ALWAYS_REPORTED, ReportKind
from tests.hostile.opened import live_in_csv
from tests.reports.samples import BATCH, PURPOSE, Batch, large_batch, small_batch
from tests.reports.test_writing import write

HOSTILE = ["=1+1", "+27", "-x", "@SUM(A1)", "\t=1", "\r=1", 'say "no"', "one\ntwo", "a,b", "plain", "'quoted", None]


def cells(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def column(values: list[str | None], tmp_path: Path, *, free: bool) -> list[str]:
    columns = (SheetColumn("Row", Kind.ROW), SheetColumn("Text", free=free))
    slices = iter([[pa.array(range(len(values))), pa.array(values, pa.string())]])
    write_csv(tmp_path / "rows.csv", Sheet("Rows", columns, len(values), slices))
    return [row[1] for row in cells(tmp_path / "rows.csv")][1:]


def test_free_text_that_begins_like_a_formula_gets_an_apostrophe_and_nothing_else_changes(tmp_path):
    harmless = [
        "'=1+1",
        "'+27",
        "'-x",
        "'@SUM(A1)",
        "'\t'=1",
        "'\r'=1",
        'say "no"',
        "one\ntwo",
        "a,b",
        "plain",
        "'quoted",
        "",
    ]
    assert column(HOSTILE, tmp_path, free=True) == harmless


@pytest.mark.parametrize("guarded", [False, True])
def test_no_cut_of_a_cell_is_a_formula_whatever_separator_a_program_expects(tmp_path, guarded):
    texts = [
        "ACME;=cmd|' /C calc'!A0;X",
        'ACME; "=1+1',
        "ACME\t@SUM(A1)",
        "ACME\n=1+1",
        "\n=1+1",
        "\uff1d1+1",
        "A;\uff0b1;=2",
    ]
    columns = (SheetColumn("Row", Kind.ROW), SheetColumn("a;=1", free=True), SheetColumn("Other", free=True))
    slices = iter([[pa.array(range(len(texts))), pa.array(texts), pa.array(texts[::-1])]])
    write_csv(tmp_path / "rows.csv", Sheet("Rows", columns, len(texts), slices), guarded=guarded)
    assert live_in_csv(tmp_path / "rows.csv") == []
    assert cells(tmp_path / "rows.csv")[1][1] == "ACME;'=cmd|' /C calc'!A0;X"


def test_a_second_telephone_number_in_a_cell_stays_as_it_is(tmp_path):
    texts = ["082 123 4567;+27 82 123 4568", "011 234 5678; -1", "one\ntwo"]
    assert column(texts, tmp_path, free=True) == texts


def test_text_that_a_contract_holds_to_a_pattern_stays_as_it_is(tmp_path):
    assert column(["+27821234567"], tmp_path, free=False) == ["+27821234567"]


def test_a_heading_that_begins_like_a_formula_is_harmless_too(tmp_path):
    write_csv(tmp_path / "rows.csv", Sheet("Rows", (SheetColumn("=1+1"),), 0, iter([])))
    assert cells(tmp_path / "rows.csv") == [["'=1+1"]]


def test_which_columns_of_leads_are_free_text():
    free = {c.heading for c in leads_sheet(small_batch().leads, small_batch().scores).columns if c.free}
    assert {"Business", "Trading as", "Keyword", "Director's surname", "Address", "City", "E-mail"} <= free
    assert not {"Director's cell", "Other numbers", "Postal code", "Lead", "Rank", "Score", "Province"} & free


class TestReport:
    def test_up_to_the_limit_all_rows_stand_in_the_workbook(self, tmp_path):
        batch = large_batch(40, 2)
        files = write(batch, tmp_path, most=batch.leads.num_rows + batch.rejected.num_rows)
        assert files["kind"].to_pylist() == list(ALWAYS_REPORTED)

    def test_above_it_they_stand_in_two_files_and_the_workbook_says_so(self, tmp_path):
        batch = large_batch(40, 2)
        paths = written(batch, tmp_path)
        book = openpyxl.load_workbook(paths[ReportKind.XLSX])
        assert book.sheetnames == ["Summary", "About"]
        said = f"too many for a workbook: in {BATCH}.leads.csv and {BATCH}.rejected.csv, beside it"
        assert said in [row[1].value for row in book["Summary"].iter_rows()]
        assert said.replace("_", "_") in paths[ReportKind.HTML].read_text(encoding="utf-8")

    def test_the_files_hold_the_rows_of_the_sheets(self, tmp_path):
        batch = large_batch(40, 2)
        (tmp_path / "sheets").mkdir()
        book = openpyxl.load_workbook(tmp_path / "sheets" / write(batch, tmp_path / "sheets")["path"][0].as_py())
        paths = written(batch, tmp_path / "files")
        for kind, sheet in ((ReportKind.LEADS_CSV, "Leads"), (ReportKind.REJECTED_CSV, "Rejected")):
            shown = [
                ["" if cell is None else str(cell) for cell in row] for row in book[sheet].iter_rows(values_only=True)
            ]
            assert [as_numbers(row) for row in cells(paths[kind])] == [as_numbers(row) for row in shown]

    def test_it_is_read_back_with_the_rows_and_totals_of_the_batch(self, tmp_path):
        batch = large_batch(300, 7)
        facts = read_back(tmp_path, write(batch, tmp_path, most=10).to_pylist())
        assert (facts.leads, facts.rejected) == (batch.leads.num_rows, batch.rejected.num_rows)
        assert facts.totals == asdict(batch_numbers(batch.delivery, *batch.frames(), purpose=PURPOSE).totals)
        assert facts.altered_files == ()

    def test_a_file_of_rows_that_is_altered_or_was_never_recorded_is_named(self, tmp_path):
        files = write(large_batch(30, 3), tmp_path, most=10).to_pylist()
        kept = [file for file in files if file["kind"] != ReportKind.REJECTED_CSV]
        path = tmp_path / next(file["path"] for file in files if file["kind"] == ReportKind.LEADS_CSV)
        path.write_text("Rank\n1\n", encoding="utf-8")
        facts = read_back(tmp_path, kept)
        assert set(facts.altered_files) == {ReportKind.LEADS_CSV, ReportKind.REJECTED_CSV}
        assert facts.leads == 0

    def test_a_report_written_again_below_the_limit_leaves_no_old_rows_beside_it(self, tmp_path):
        batch = large_batch(30, 3)
        write(batch, tmp_path, most=10)
        write(batch, tmp_path, most=1_000)
        assert sorted(p.name for p in (tmp_path / BATCH).iterdir()) == sorted(f"{BATCH}.{k}" for k in ALWAYS_REPORTED)

    def test_the_rejected_rows_can_be_delivered_again(self, tmp_path):
        batch = small_batch()
        path = written(replace(batch), tmp_path)[ReportKind.REJECTED_CSV]
        limits = ReadLimits(10**8, 10**9, 1_000, 1_000, 1_000, 10**8)
        again = read_lead_list(path, batch_id=BATCH, limits=limits, sheet=None)
        assert again.num_rows == batch.rejected.num_rows


def written(batch: Batch, folder: Path) -> dict[str, Path]:
    rows = write(batch, folder, most=1).to_pylist()
    assert {row["kind"] for row in rows} == set(ReportKind)
    return {row["kind"]: folder / row["path"] for row in rows}


def as_numbers(row: list[str]) -> list[str | float]:
    """Numbers as numbers: 8 and 8.0 are the same cell."""
    return [float(cell) if cell.replace(".", "", 1).isdigit() else cell.removeprefix("'") for cell in row]


@pytest.mark.parametrize("kind", [ReportKind.LEADS_CSV, ReportKind.REJECTED_CSV])
def test_the_same_batch_gives_the_same_bytes(kind, tmp_path):
    first, second = (written(large_batch(50, 4), tmp_path / name)[kind].read_bytes() for name in "ab")
    assert first == second
