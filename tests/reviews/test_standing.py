"""Whose word counts, and for whom: newest of each source, a person's own before any reviewer's, a name by two leads."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscout_assets.names.remembered import Answer
from leadscout_assets.reviews.standing import MOST_CERTAIN, Review, remembered, standing
from leadscout_assets.terms import CANNOT_TELL, Origin, ReviewKind
from tests.reviews.samples import lead_id, review

SELF = {"kind": ReviewKind.SELF_DECLARED}


def origins(*reviews: Review) -> dict[int, str | None]:
    found = remembered(reviews, str).verified
    return {int(lead, 16): answer.origin for lead, answer in found.items()}


def names(*reviews: Review) -> dict[str, Answer]:
    return dict(remembered(reviews, str).memory)


def test_a_changed_mind_replaces_what_the_same_reviewer_said():
    assert origins(review(1, 1, "african"), review(2, 1, "indian")) == {1: "indian"}


def test_of_two_reviewers_the_newer_counts():
    assert origins(review(1, 1, "african", "Ann"), review(2, 1, "indian", "Ben")) == {1: "indian"}


def test_a_reviewer_who_cannot_tell_any_more_takes_back_what_they_said_and_nobody_else_s():
    taken_back = review(3, 1, CANNOT_TELL, "Ann")
    assert origins(review(1, 1, "african", "Ann"), taken_back) == {}
    assert origins(review(1, 1, "african", "Ann"), review(2, 1, "indian", "Ben"), taken_back) == {1: "indian"}


def test_a_person_s_own_word_counts_before_any_reviewer_s_however_old():
    own = review(1, 1, "coloured", "desk", **SELF)
    assert origins(own, review(2, 1, "indian", "Ann"), review(3, 1, "indian", "Ben")) == {1: "coloured"}
    assert origins(own, review(2, 1, "european", "another desk", **SELF)) == {1: "european"}


def test_a_person_who_does_not_wish_to_say_is_heard():
    assert origins(review(1, 1, "african"), review(2, 1, CANNOT_TELL, **SELF)) == {1: None}


def test_a_language_comes_with_the_answer():
    assert remembered([review(1, 1, "african", language="isizulu")], str).verified[lead_id(1)].language == "isizulu"


class TestMemory:
    """A name's answer counts for everybody of that name once two leads confirm it and nobody contradicts."""

    def test_two_leads_make_a_memory_and_one_does_not(self):
        assert names(review(1, 1, "african"), review(2, 1, "african", "Ben")) == {}
        assert [a.origin for a in names(review(1, 1, "african"), review(2, 2, "african")).values()] == ["african"]

    def test_a_contradiction_ends_it(self):
        alike = review(1, 1, "african"), review(2, 2, "african")
        assert names(*alike, review(3, 3, "indian")) == {}
        assert names(*alike, review(3, 2, "indian", "Ben"), review(4, 2, "african", "Cas")) == {}

    def test_a_reviewer_who_cannot_tell_and_a_person_who_does_not_say_are_no_contradiction(self):
        alike = review(1, 1, "african"), review(2, 2, "african")
        assert names(*alike, review(3, 3, CANNOT_TELL)) != {}
        assert names(*alike, review(3, 3, CANNOT_TELL, **SELF)) != {}
        assert names(*alike, review(3, 2, CANNOT_TELL, **SELF)) == {}

    def test_a_name_that_is_not_full_never_counts(self):
        assert names(review(1, 1, "african", name=None), review(2, 2, "african", name=None)) == {}

    def test_a_language_counts_where_all_say_the_same(self):
        same = [review(n, n, "african", language="isizulu") for n in (1, 2)]
        assert names(*same)["n"].language == "isizulu"
        assert names(same[0], review(2, 2, "african", language="sepedi"))["n"].language is None
        assert names(same[0], review(2, 2, "african"))["n"].language is None


class TestConfidence:
    """As sure as people were measured to agree, towards 19 in 20 while little is measured."""

    def test_nothing_measured_is_19_in_20_and_a_person_s_own_word_99_in_100(self):
        verified = remembered([review(1, 1, "african"), review(2, 2, "african", **SELF)], str).verified
        assert [verified[lead_id(n)].confidence for n in (1, 2)] == [0.95, 0.99]

    def test_reviewers_who_agree_become_surer_and_who_do_not_less(self):
        agreed = [review(2 * n + r, n, "african", f"R{r}") for n in range(200) for r in (0, 1)]
        split = [review(2 * n + r, n, ("african", "indian")[r], f"R{r}") for n in range(20) for r in (0, 1)]
        of = [remembered(said, str).verified[lead_id(1)].confidence for said in (agreed, split)]
        assert of == [MOST_CERTAIN, pytest.approx(19 / 40)]

    def test_a_person_s_own_word_is_what_reviewers_are_measured_against(self):
        wrong = [r for n in range(20) for r in (review(n, n, "african"), review(100 + n, n, "indian", **SELF))]
        found = remembered([*wrong, review(300, 99, "african")], str).verified
        assert found[lead_id(99)].confidence == pytest.approx(19 / 40)
        assert found[lead_id(1)].confidence == MOST_CERTAIN

    def test_a_memory_is_never_surer_than_a_review_of_the_lead(self):
        found = remembered([review(n, n, "african") for n in range(1, 500)], str)
        assert found.memory["n"].confidence < found.verified[lead_id(1)].confidence
        apart = [review(500 + n, 500 + n, ("african", "indian")[n % 2], name=f"m{n // 2}") for n in range(100)]
        assert remembered([review(1, 1, "african"), review(2, 2, "african"), *apart], str).memory["n"].confidence < 0.5


said = st.builds(
    lambda number, lead, origin, reviewer, kind, name: (lead, origin, reviewer, kind, name),
    st.none(),
    st.integers(0, 3),
    st.sampled_from([*Origin, CANNOT_TELL]),
    st.sampled_from(["Ann", "Ben"]),
    st.sampled_from(ReviewKind),
    st.sampled_from(["m", "n"]),
)


@given(st.lists(said, max_size=12), st.randoms())
@settings(max_examples=50)
def test_precedence_holds_whatever_was_said_in_whatever_order_it_is_read(history, dice):
    reviews = [
        review(n, lead, origin, who, name=f"{name}{lead}"[:1], kind=kind)
        for n, (lead, origin, who, kind, name) in enumerate(history)
    ]
    mixed = list(reviews)
    dice.shuffle(mixed)
    found, again = remembered(reviews, str), remembered(mixed, str)
    assert (found.verified, found.memory) == (again.verified, again.memory)
    for lead, answer in found.verified.items():
        own = [one for one in reviews if one.lead_id == lead and one.kind is ReviewKind.SELF_DECLARED]
        if own:
            assert (answer.origin or CANNOT_TELL) == own[-1].origin
        else:
            assert answer.origin in {one.origin for one in reviews if one.lead_id == lead}
        assert answer.confidence <= MOST_CERTAIN
    for name, answer in found.memory.items():
        agree = [one for one in standing(reviews).counts.values() if one.name_hash == name]
        assert len([one for one in agree if one.origin == answer.origin]) >= 2


@given(st.lists(said, max_size=8))
@settings(max_examples=30)
def test_saying_the_newest_thing_once_more_changes_no_answer(history):
    reviews = [
        review(n, lead, origin, who, name=name, kind=kind) for n, (lead, origin, who, kind, name) in enumerate(history)
    ]
    for last in list(standing(reviews).counts.values()):
        again = [
            *reviews,
            review(100, int(last.lead_id, 16), last.origin, last.reviewer, name=last.name_hash, kind=last.kind),
        ]
        assert remembered(again, str).verified == remembered(reviews, str).verified
