"""A report read back from the disk holds what was written, and says so where it does not."""

import zipfile
from dataclasses import asdict
from pathlib import Path

import pytest

from leadscout_assets.reports import reading_back
from leadscout_assets.reports.numbers import batch_numbers
from leadscout_assets.reports.reading_back import read_back
from tests.reports.samples import PURPOSE, Batch, empty_batch, large_batch, small_batch
from tests.reports.test_writing import write


@pytest.mark.parametrize("batch", [small_batch(), empty_batch(), large_batch(300, 7)])
def test_rows_and_totals_of_the_workbook_are_those_of_the_batch(batch: Batch, tmp_path: Path) -> None:
    facts = read_back(tmp_path, write(batch, tmp_path).to_pylist())
    assert (facts.leads, facts.rejected) == (batch.leads.num_rows, batch.rejected.num_rows)
    assert facts.totals == asdict(batch_numbers(batch.delivery, *batch.frames(), purpose=PURPOSE).totals)
    assert facts.altered_files == ()


def test_a_file_that_was_altered_or_is_missing_is_named(tmp_path: Path) -> None:
    files = write(small_batch(), tmp_path).to_pylist()
    by_kind = {file["kind"]: tmp_path / file["path"] for file in files}
    by_kind["html"].write_text("other", encoding="utf-8")
    by_kind["xlsx"].unlink()
    facts = read_back(tmp_path, files)
    assert facts.altered_files == ("html", "xlsx")
    assert (facts.leads, facts.totals) == (0, {})


def _counted(tmp_path: Path, sheet: bytes) -> int:
    with zipfile.ZipFile(tmp_path / "book.xlsx", "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("sheet", sheet)
    with zipfile.ZipFile(tmp_path / "book.xlsx") as book:
        return reading_back._count_rows(book, "sheet")


@pytest.mark.parametrize("chunk", range(1, 24))
def test_a_tag_cut_by_the_end_of_a_piece_is_counted_once(chunk: int, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(reading_back, "CHUNK", chunk)
    sheet = b'<sheetData><row r="1"><c/></row><row r="2"/><rowBreaks/><r>&lt;row </r><row r="3"></row></sheetData>'
    assert _counted(tmp_path, sheet) == 3


def test_a_sheet_of_several_pieces_is_counted_whole(tmp_path: Path) -> None:
    assert _counted(tmp_path, b'<row r="1"><c t="s"><v>123456</v></c></row>' * 60_000) == 60_000


def test_continued_sheets_are_added_up_and_others_left_out() -> None:
    rows = {"Summary": 30, "Leads": 101, "Leads 2": 51, "Rejected": 4, "Rejected 2": 3, "Leads of others": 9}
    assert reading_back._below_header(rows, "Leads") == 150
    assert reading_back._below_header(rows, "Rejected") == 5


def test_a_report_of_which_nothing_is_recorded_is_missing_whole(tmp_path: Path) -> None:
    assert read_back(tmp_path, []).altered_files == ("html", "pdf", "xlsx")
