"""Rows to take away: the leads by rank, origins only where they were given, religion only where it may be shown."""

from __future__ import annotations

import pyarrow as pa
import pytest

from leadscout_assets.contracts import CLASSIFICATIONS
from leadscout_assets.reports import sheets
from leadscout_assets.reports.lead_rows import ORIGIN_COLUMNS, caution_sheet, lead_rows
from leadscout_assets.reports.sheets import Sheet
from leadscout_assets.terms import Origin
from tests.reports.samples import answer_row, frame, small_batch


def rows(sheet: Sheet) -> list[dict[str, object]]:
    headings = [column.heading for column in sheet.columns]
    return [
        dict(zip(headings, row, strict=True))
        for values in sheet.slices
        for row in zip(*(value.to_pylist() for value in values), strict=True)
    ]


def laid_out(answers: pa.Table | None, *, reveal: bool = False) -> list[dict[str, object]]:
    batch = small_batch()
    return rows(lead_rows(batch.leads, batch.scores, answers, reveal_religion=reveal))


def test_without_answers_no_column_tells_an_origin():
    found = laid_out(None)
    assert [row["Rank"] for row in found] == [1, 2, 3, 4]
    assert not {column.heading for column in ORIGIN_COLUMNS} & set(found[0])


@pytest.mark.parametrize("at_once", [10_000, 1])
def test_each_lead_has_the_answer_on_its_own_director(monkeypatch, at_once):
    monkeypatch.setattr(sheets, "SLICE", at_once)
    found = {row["Row delivered"]: row for row in laid_out(small_batch().classifications)}
    assert {row: found[row]["Name origin"] for row in found} == {
        2: "European",
        3: "African",
        4: "Coloured or European",
        5: None,
    }
    assert [found[2]["Confidence"], found[5]["Confidence"]] == [0.9, None]
    assert [found[2]["How it was decided"], found[5]["How it was decided"]] == ["Lexicon", "Abstained"]


def test_religion_that_was_revealed_once_is_folded_where_it_may_not_be_shown_any_more():
    answers = [
        answer_row(2, Origin.CAPE_MALAY) | {"language": "arabic"},
        answer_row(3, Origin.INDIAN, Origin.CAPE_MALAY) | {"language": "urdu"},
        answer_row(4, Origin.COLOURED, Origin.CAPE_MALAY) | {"language": "isizulu"},
        answer_row(5),
    ]
    hidden, shown = (
        {
            row["Row delivered"]: (row["Name origin"], row["Language"])
            for row in laid_out(frame(CLASSIFICATIONS, answers), reveal=reveal)
        }
        for reveal in (False, True)
    )
    assert hidden == {
        2: ("Coloured", None),
        3: ("Indian or Coloured", "other indian"),
        4: ("Coloured", "isizulu"),
        5: (None, None),
    }
    assert shown[2] == ("Cape Malay", "arabic")
    assert shown[3] == ("Indian or Cape Malay", "urdu")


def test_what_must_be_known_first_names_batch_and_purpose():
    told = {row["Word"]: row["What it means"] for row in rows(caution_sheet("b", "a study"))}
    assert (told["Batch"], told["Purpose"]) == ("b", "a study")
    assert "s71" in told["What it may not do"]
