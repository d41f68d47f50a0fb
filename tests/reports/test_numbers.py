"""The figures of a report, counted by hand on a small batch."""

import json
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from leadscout_assets.contracts import LEADS
from leadscout_assets.reports.numbers import BatchNumbers, CodeCount, Tally, batch_numbers
from leadscout_assets.reports.scores import Band
from tests.reports.samples import PURPOSE, Batch, empty_batch, frame, large_batch, lead_row, small_batch


def numbers_of(batch: Batch, purpose: str | None = PURPOSE) -> BatchNumbers:
    return batch_numbers(batch.delivery, *batch.frames(), purpose=purpose)


def counts(codes: tuple[CodeCount, ...]) -> dict[str, tuple[int, float]]:
    return {c.code: (c.count, round(c.share, 4)) for c in codes}


def test_totals_of_the_small_batch() -> None:
    totals = numbers_of(small_batch()).totals
    assert (totals.delivered, totals.leads, totals.rejected, totals.duplicates) == (6, 4, 2, 1)
    assert (totals.answered, totals.narrowed, totals.abstained) == (2, 1, 1)


def test_a_set_of_one_without_an_origin_is_narrowed_not_abstained() -> None:
    """What is withheld, such as an origin that reveals religion, leaves such an answer."""
    batch = small_batch()
    nothing = pa.nulls(batch.classifications.num_rows, pa.string())
    place = batch.classifications.column_names.index("origin")
    without = batch.classifications.set_column(place, batch.classifications.schema.field("origin"), nothing)
    totals = numbers_of(replace(batch, classifications=without)).totals
    assert (totals.answered, totals.narrowed, totals.abstained) == (0, 3, 1)


def test_reasons_and_warnings_are_counted_with_the_sentence_of_their_rule() -> None:
    numbers = numbers_of(small_batch())
    assert counts(numbers.reasons) == {
        "duplicate": (1, 0.1667),
        "missing_business_name": (1, 0.1667),
        "unusable_director_name": (1, 0.1667),
    }
    assert counts(numbers.warnings) == {"no_address": (2, 0.5), "no_phone": (2, 0.5), "province_unknown": (1, 0.25)}
    assert all(c.sentence for c in (*numbers.reasons, *numbers.warnings))


def test_score_figures_of_the_small_batch() -> None:
    scores = numbers_of(small_batch()).scores
    assert (scores.median, scores.mean, scores.best, scores.worst) == (50.25, 50.125, 90.0, 10.0)
    assert [b.count for b in scores.bands] == [0, 1, 0, 1, 0, 0, 0, 1, 0, 1]
    assert scores.bands[-1] == Band(90.0, 100.0, 1)
    assert [(c.feature, c.mean) for c in scores.contributions] == [("contactability", 30.0), ("completeness", 20.125)]


def test_reach_provinces_and_keywords_of_the_small_batch() -> None:
    numbers = numbers_of(small_batch())
    reach = numbers.reach
    assert (reach.mobile, reach.any_phone, reach.email, reach.neither) == (1, 2, 1, 1)
    assert reach.kinds == (Tally("landline", 1, 0.5), Tally("mobile", 1, 0.5))
    assert numbers.provinces == (Tally("GP", 2, 0.5), Tally("KZN", 1, 0.25), Tally("unknown", 1, 0.25))
    assert numbers.keywords == ()


def test_a_batch_whose_equations_hold_is_reconciled() -> None:
    numbers = numbers_of(small_batch())
    assert numbers.reconciled
    assert [(line.left_rows, line.right_rows) for line in numbers.reconciliation] == [
        (6, 6),
        (6, 6),
        (4, 4),
        (4, 4),
        (4, 4),
    ]


def test_a_lost_lead_breaks_the_equations_that_it_is_missing_from() -> None:
    batch = small_batch()
    lost = batch_numbers(
        batch.delivery,
        batch.raw,
        batch.leads.slice(1),
        batch.rejected,
        batch.classifications,
        batch.scores,
        purpose=None,
    )
    assert [line.holds for line in lost.reconciliation] == [True, False, False, False, False]
    assert not lost.reconciled


def test_a_file_that_the_second_reader_could_not_count_is_not_reconciled() -> None:
    numbers = numbers_of(empty_batch(rows=None))
    assert numbers.reconciliation[0].left_rows is None
    assert not numbers.reconciled


def test_an_empty_batch_has_figures_without_shares() -> None:
    numbers = numbers_of(empty_batch())
    assert numbers.reconciled
    assert numbers.scores.median is None
    assert sum(b.count for b in numbers.scores.bands) == 0
    assert {c.fill_rate for c in numbers.columns} == {None}
    assert (numbers.provinces, numbers.keywords, numbers.reasons) == ((), (), ())


def test_numbers_are_written_as_json_that_can_be_read() -> None:
    read = json.loads(numbers_of(small_batch()).to_json())
    assert read["totals"]["leads"] == 4
    assert read["scores"]["bands"][9] == {"low": 90.0, "high": 100.0, "count": 1}


def test_a_keyword_is_named_once_for_all_its_spellings_and_only_where_enough_leads_share_it() -> None:
    keywords = ["STEEL"] * 4 + ["Steel"] * 2 + ["A PERSON'S NAME"] * 4 + [None]
    leads = frame(LEADS, [lead_row(i, keyword=k) for i, k in enumerate(keywords, 2)])
    batch = empty_batch()
    numbers = batch_numbers(batch.delivery, batch.raw, leads, *batch.frames()[2:], purpose=None)
    assert [(t.value, t.count) for t in numbers.keywords] == [("STEEL", 6)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_parts_add_up_to_their_whole(seed: int) -> None:
    batch = large_batch(300, 11, seed)
    numbers = numbers_of(batch)
    assert sum(b.count for b in numbers.scores.bands) == 300
    assert sum(t.count for t in numbers.provinces) == 300
    assert sum(c.mean for c in numbers.scores.contributions) == pytest.approx(numbers.scores.mean)
    assert numbers.scores.mean == pytest.approx(pc.mean(batch.scores["score"]).as_py())
    assert numbers.totals.rejected == numbers.totals.duplicates == 11


def test_computing_the_numbers_leaves_the_frames_as_they_were() -> None:
    batch, untouched = small_batch(), small_batch()
    numbers_of(batch)
    assert batch.frames() == untouched.frames()


def test_a_batch_cut_from_a_longer_frame_gives_the_same_figures() -> None:
    batch = small_batch()
    padded = [t.slice(0) if t.num_rows == 0 else _padded(t) for t in batch.frames()]
    assert batch_numbers(batch.delivery, *padded, purpose=PURPOSE) == numbers_of(batch)


def _padded(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table.slice(0, 1), table, table.slice(0, 1)]).combine_chunks().slice(1, table.num_rows)
