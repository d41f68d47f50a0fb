"""The workbook: delivered text stays text, rows are the leads by rank, and no origin of any one lead is in it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.escape import unescape

from leadscout_assets.contracts import LEADS, REJECTED_LEADS
from leadscout_assets.leads.reading import ReadLimits, read_lead_list
from leadscout_assets.reports import sheets, xlsx
from leadscout_assets.terms import Reason, Warn
from tests.reports.samples import BATCH, Batch, empty_batch, frame, large_batch, lead_row, small_batch
from tests.reports.test_sections import document_of

LIMITS = ReadLimits(
    max_workbook_bytes=10**8,
    max_unpacked_bytes=10**9,
    max_compression_ratio=1_000,
    max_workbook_entries=1_000,
    max_columns=1_000,
    max_csv_bytes=10**8,
)


def write(batch: Batch, path: Path) -> Path:
    document = document_of(batch)
    xlsx.write_workbook(path, document, batch.delivery.delivered_at, *batch.frames()[1:3], batch.scores, with_rows=True)
    return path


def workbook(batch: Batch, folder: Path) -> openpyxl.Workbook:
    return openpyxl.load_workbook(write(batch, folder / "report.xlsx"))


def rows(page: Any) -> list[dict[str, Any]]:
    header, *body = page.iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in body]


def test_leads_stand_by_rank_with_contributions_that_sum_to_the_score(tmp_path: Path) -> None:
    leads = rows(workbook(small_batch(), tmp_path)["Leads"])
    assert [(row["Rank"], row["Score"], row["Row delivered"]) for row in leads] == [
        (1, 90.0, 2),
        (2, 70.0, 4),
        (3, 30.5, 3),
        (4, 10.0, 5),
    ]
    for row in leads:
        assert row["Points: contactability"] + row["Points: completeness"] == pytest.approx(row["Score"])


def test_formulas_and_markup_arrive_as_text(tmp_path: Path) -> None:
    page = workbook(small_batch(), tmp_path)["Leads"]
    cell = next(cell for cell in page["C"] if str(cell.value).startswith("="))
    assert (cell.value, cell.data_type) == ("=cmd|' /C calc'!A0", "s")
    assert "<b>Zulu</b>" in [cell.value for cell in page["I"]]


def test_no_sheet_holds_a_formula_or_a_link(tmp_path: Path) -> None:
    batch = small_batch()
    hostile = replace(batch, delivery=replace(batch.delivery, file_name="=1+1"))
    for page in workbook(hostile, tmp_path):
        assert not [cell for row in page.iter_rows() for cell in row if cell.data_type == "f" or cell.hyperlink]


def test_telephone_numbers_are_text(tmp_path: Path) -> None:
    lead = rows(workbook(small_batch(), tmp_path)["Leads"])[0]
    assert lead["Director's cell"] == "+27821234567"


def test_rejected_rows_stand_as_delivered_with_their_reasons_in_words(tmp_path: Path) -> None:
    first, second = rows(workbook(small_batch(), tmp_path)["Rejected"])
    assert (first["Row delivered"], first["Repeats row"]) == (6, 2)
    assert (first["EntityName"], first["DirectorName"], first["DirectorCell"]) == (
        "KAROO BOLTS",
        "B BOTHA",
        "0821234567",
    )
    assert (second["EntityName"], second["DirectorName"], second["Work column"]) == (None, "4", "=1+1")
    assert second["Why it was rejected"].count(":") == 2


def test_the_rejected_sheet_can_be_delivered_again(tmp_path: Path) -> None:
    file = write(small_batch(), tmp_path / "report.xlsx")
    again = read_lead_list(file, batch_id=BATCH, limits=LIMITS, sheet="Rejected")
    assert again["entity_name"].to_pylist() == ["KAROO BOLTS", None]
    assert again["director_name"].to_pylist() == ["B BOTHA", "4"]
    assert again["director_cell"].to_pylist() == ["0821234567", None]
    assert json.loads(again["extra"][1].as_py())["Work column"] == "=1+1"


def test_no_row_carries_an_origin(tmp_path: Path) -> None:
    book = workbook(large_batch(40, 2), tmp_path)
    text = [str(cell).casefold() for name in ("Leads", "Rejected") for row in book[name].values for cell in row]
    assert not [cell for cell in text if "african" in cell or "european" in cell or "indian" in cell]


def test_the_summary_shows_the_numbers_as_numbers(tmp_path: Path) -> None:
    cells = {row[0]: row[1:4] for row in workbook(large_batch(60, 3), tmp_path)["Summary"].values}
    assert cells["Rows delivered = leads + rejected rows"] == (63, 63, "holds")
    assert cells["Duplicate"][:2] == (3, pytest.approx(3 / 63))


def test_every_column_reason_and_warning_is_explained(tmp_path: Path) -> None:
    book = workbook(small_batch(), tmp_path)
    explained = {row["Word"]: row["What it means"] for row in rows(book["About"])}
    headings = {str(cell.value) for cell in book["Leads"][1]} - {"Kind"}
    assert headings <= set(explained)
    for code in (*Reason, *Warn):
        assert explained[code.replace("_", " ").capitalize()]


@pytest.mark.parametrize("batch", [empty_batch(), empty_batch(None)])
def test_a_batch_without_rows_has_sheets_with_headings_alone(batch: Batch, tmp_path: Path) -> None:
    book = workbook(batch, tmp_path)
    assert book.sheetnames == ["Summary", "Leads", "Rejected", "About"]
    assert [book[name].max_row for name in ("Leads", "Rejected")] == [1, 1]


def test_awkward_text_survives_unchanged(tmp_path: Path) -> None:
    awkward = [
        "<r>bold</r>",
        "a & b < c > \"d\" 'e'",
        "  spaced  ",
        "tab\tline\nend\rbell\x07",
        "_x0041_",
        "名单 🙂",
        "]]>",
    ]
    leads = frame(LEADS, [lead_row(i, keyword=text) for i, text in enumerate(awkward, 2)])
    sample = large_batch(len(awkward), 0)
    book = workbook(replace(sample, leads=leads, rejected=REJECTED_LEADS.empty()), tmp_path)
    # openpyxl leaves the format's escapes of characters that XML cannot carry as they are; spreadsheets undo them.
    assert {unescape(row["Keyword"]) for row in rows(book["Leads"])} == set(awkward)


@pytest.mark.parametrize(
    ("character", "times", "kept"),
    [("x", 32_767, 32_767), ("x", 40_000, 32_716), ("\N{OX}", 16_383, 16_383), ("\N{OX}", 20_000, 16_358)],
)
def test_a_cell_longer_than_the_format_allows_is_cut_and_says_so(tmp_path: Path, character, times, kept) -> None:
    leads = frame(LEADS, [lead_row(2, keyword=character * times)])
    book = workbook(replace(large_batch(1, 0), leads=leads), tmp_path)
    found = rows(book["Leads"])[0]["Keyword"]
    assert len(found.encode("utf-16-le")) <= 2 * 32_767
    assert len(found) - len(found.lstrip(character)) == kept
    assert found.endswith(f" ... [cut: {times:,} characters in all; see raw_leads]") == (kept < times)


def test_more_rows_than_a_sheet_holds_go_on_in_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "SLICE", 4)
    monkeypatch.setattr(xlsx, "MAX_ROWS", 8)
    book = workbook(large_batch(21, 3), tmp_path)
    assert [page.max_row - 1 for page in book if page.title.startswith("Leads")] == [8, 8, 5]
    ranks = [row["Rank"] for name in ("Leads", "Leads 2", "Leads 3") for row in rows(book[name])]
    assert ranks == list(range(1, 22))


def test_headers_are_frozen_and_filtered(tmp_path: Path) -> None:
    book = workbook(small_batch(), tmp_path)
    assert (book["Leads"].freeze_panes, book["Rejected"].freeze_panes) == ("D2", "C2")
    assert book["Leads"].auto_filter.ref == "A1:AB5"


def test_a_keyword_that_looks_like_rich_text_does_not_break_the_summary(tmp_path: Path) -> None:
    leads = frame(LEADS, [lead_row(i, keyword="<r>x</r>") for i in range(2, 8)])
    book = workbook(replace(large_batch(6, 0), leads=leads), tmp_path)
    assert " <r>x</r>" in [row[0] for row in book["Summary"].values]
