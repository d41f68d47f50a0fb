"""Live accuracy: from the random sample alone for what was decided, by origin with intervals, small groups kept back."""

from __future__ import annotations

import pytest

from leadscout_assets.names.measuring import wilson
from leadscout_assets.reviews.agreement import OTHERS, agreement
from leadscout_assets.reviews.standing import standing
from leadscout_assets.terms import CANNOT_TELL
from tests.reviews.samples import question, review


def measured(*pairs: tuple[str, str, bool]):
    """What the model answered (a set, joined by spaces), what people say ("" for nothing), whether it was drawn at random."""
    questions = [question(n, "n", *model.split(), sampled=drawn) for n, (model, _, drawn) in enumerate(pairs)]
    reviews = [review(n, n, truth) for n, (_, truth, _) in enumerate(pairs) if truth]
    return agreement(questions, standing(reviews), {one.question_id for one in reviews})


def test_only_the_random_sample_counts_for_what_was_decided():
    found = measured(
        *[("african", "african", True)] * 6, *[("african", "indian", True)] * 2, *[("african", "indian", False)] * 9
    )
    assert (found.answered.reviewed, found.answered.agreed, found.answered.share) == (8, 6, 0.75)
    low, high = wilson(6, 8)
    assert (found.answered.low, found.answered.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_sets_count_where_they_hold_what_people_say_and_abstentions_not_at_all():
    found = measured(
        ("european coloured", "coloured", False), ("european coloured", "african", False), ("", "african", False)
    )
    assert (found.sets.reviewed, found.sets.agreed) == (2, 1)
    assert found.reviewed == 3


def test_open_questions_and_people_who_cannot_tell_are_counted_apart():
    found = measured(("african", "", True), ("african", CANNOT_TELL, True), ("african", "african", True))
    assert (found.asked, found.reviewed, found.could_not_tell, found.answered.reviewed) == (3, 1, 1, 1)


def test_origins_of_fewer_than_five_are_taken_together_with_another():
    sample = [*[("african", "african", True)] * 9, *[("european", "european", True)] * 6, ("chinese", "chinese", True)]
    found = measured(*sample)
    assert [(share.of, share.reviewed) for share in found.origins] == [("african", 9), (OTHERS, 7)]


def test_each_origin_is_that_of_the_model():
    found = measured(*[("african", "indian", True)] * 5, *[("indian", "indian", True)] * 5)
    assert {share.of: share.agreed for share in found.origins} == {"african": 0, "indian": 5}


def test_a_lead_that_was_asked_about_twice_counts_once_with_the_question_that_was_answered():
    first = question(1, "n", "african", sampled=True)
    again = question(1, "n", "indian", sampled=True)
    again = type(again)(**{**vars(again), "question_id": "ffffffffff-1"})
    said = review(1, 1, "indian", question_id="ffffffffff-1")
    found = agreement([first, again], standing([said]), {said.question_id})
    assert (found.asked, found.answered.reviewed, found.answered.agreed) == (1, 1, 1)


def test_before_any_review_there_is_no_share():
    found = measured(("african", "", True))
    assert (found.answered.share, found.answered.low, found.answered.high) == (None, 0, 1)
    assert found.to_json()["origins"] == ()
