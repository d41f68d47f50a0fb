"""What the report says: sections, verdicts and what it must keep quiet about."""

from dataclasses import replace

import pytest

from leadscout_assets.reports.document import Document, Section
from leadscout_assets.reports.numbers import batch_numbers
from leadscout_assets.reports.sections import SECTIONS, build_document
from tests.reports.samples import PURPOSE, Batch, empty_batch, large_batch, small_batch


def document_of(batch: Batch, purpose: str | None = PURPOSE) -> Document:
    return build_document(batch_numbers(batch.delivery, *batch.frames(), purpose=purpose), rows_apart=False)


def section(document: Document, heading: str) -> Section:
    return next(s for s in document.sections if s.heading == heading)


def test_the_tiles_show_the_totals() -> None:
    tiles = [(t.label, t.value, t.detail) for t in document_of(large_batch(1_980, 20)).tiles]
    assert tiles[:3] == [
        ("Rows delivered", "2,000", "below the header"),
        ("Leads", "1,980", "99.0% of the rows"),
        ("Rejected", "20", "20 of them duplicates"),
    ]


@pytest.mark.parametrize(
    ("batch", "holds", "verdict"),
    [
        (small_batch(), True, "accounted for"),
        (empty_batch(), True, "no rows"),
        (empty_batch(rows=None), False, "refused"),
        (empty_batch(rows=9), False, "refused"),
        (replace(small_batch(), classifications=empty_batch().classifications), False, "2 of 5 equations fail"),
    ],
)
def test_the_verdict_says_whether_every_row_is_accounted_for(batch: Batch, holds: bool, verdict: str) -> None:
    document = document_of(batch)
    assert document.holds is holds
    assert verdict in document.verdict


@pytest.mark.parametrize(
    "batch", [empty_batch(), empty_batch(None), small_batch(), large_batch(1, 0), large_batch(60, 0)]
)
def test_every_section_stands_for_batches_of_any_size(batch: Batch) -> None:
    document = document_of(batch)
    assert len(document.sections) == len(SECTIONS)
    for each in document.sections:
        assert each.paragraphs
        if each.table:
            assert {len(row) for row in each.table.rows} <= {len(each.table.columns)}
        if each.chart:
            assert each.table is not None


def test_a_small_origin_group_is_not_named() -> None:
    origins = section(document_of(small_batch()), "Name origin")
    assert origins.table is not None
    assert [row[:2] for row in origins.table.rows] == [
        ("Others, not named", 2),
        ("Other sets, not named", 1),
        ("No answer", 1),
    ]
    assert PURPOSE in origins.paragraphs[0]


def test_without_a_purpose_the_report_says_that_nothing_was_inferred() -> None:
    origins = section(document_of(small_batch(), purpose=None), "Name origin")
    assert origins.paragraphs == ("No purpose was recorded, so nothing was inferred about any name.",)
    assert origins.table is None


def test_rejections_say_what_they_mean() -> None:
    reasons = section(document_of(small_batch()), "Why rows were rejected")
    assert reasons.table is not None
    assert [row[0] for row in reasons.table.rows] == ["Duplicate", "Missing business name", "Unusable director name"]
    assert all(row[3] for row in reasons.table.rows)
