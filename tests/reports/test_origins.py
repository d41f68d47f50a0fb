"""No group below the limit may be named, nor be worked out from the totals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscout_assets.contracts import CLASSIFICATIONS
from leadscout_assets.reports.origins import MIN_GROUP, OriginGroup, origin_numbers, suppress
from leadscout_assets.terms import Origin
from tests.reports.samples import answer_row, frame

GROUPS = st.dictionaries(st.sampled_from([(str(o),) for o in Origin]), st.integers(0, 12))


@given(GROUPS)
def test_no_small_group_is_named_and_no_lead_is_lost(groups: dict[tuple[str, ...], int]) -> None:
    named, hidden = suppress(groups)
    assert all(n >= MIN_GROUP for n in named.values())
    assert sum(named.values()) + hidden == sum(groups.values())
    assert all(groups[g] == n for g, n in named.items())


@given(GROUPS)
def test_what_is_hidden_cannot_be_worked_out_from_the_total(groups: dict[tuple[str, ...], int]) -> None:
    named, hidden = suppress(groups)
    unnamed = [n for g, n in groups.items() if g not in named and n > 0]
    if unnamed and named:
        assert len(unnamed) >= 2
        assert hidden >= MIN_GROUP
        assert hidden != len(unnamed) * (MIN_GROUP - 1)


@pytest.mark.parametrize(
    ("groups", "named", "hidden"),
    [
        ({"a": 300, "b": 100, "c": 20, "d": 3}, {"a", "b"}, 23),  # a single hidden group would be the remainder
        ({"a": 300, "b": 20, "c": 4, "d": 4}, {"a"}, 28),  # eight in two groups of at most four: four each
        ({"a": 300, "b": 20, "c": 4, "d": 3}, {"a", "b"}, 7),
        ({"a": 300, "b": 20, "c": 1, "d": 1}, {"a"}, 22),  # all hidden together are still below the limit
        ({"a": 4}, set(), 4),
        ({"a": 5, "b": 0}, {"a"}, 0),
        ({}, set(), 0),
    ],
)
def test_suppression_on_cases_counted_by_hand(groups: dict[str, int], named: set[str], hidden: int) -> None:
    result, rest = suppress({(g,): n for g, n in groups.items()})
    assert ({g for (g,) in result}, rest) == (named, hidden)


def test_answers_and_sets_are_counted_apart_and_sets_whatever_their_order() -> None:
    african, european, coloured = Origin.AFRICAN, Origin.EUROPEAN, Origin.COLOURED
    rows = [
        *(answer_row(i, african) for i in range(2, 8)),
        *(answer_row(i, coloured, european) for i in range(8, 11)),
        *(answer_row(i, european, coloured) for i in range(11, 13)),
        *(answer_row(i) for i in range(13, 22)),
    ]
    numbers = origin_numbers(frame(CLASSIFICATIONS, rows), purpose="a test")
    assert numbers.answered == (OriginGroup(("african",), 6, 0.3),)
    assert numbers.narrowed == (OriginGroup(("european", "coloured"), 5, 0.25),)
    assert (numbers.other_answered, numbers.other_narrowed) == (0, 0)
    assert dict(numbers.methods) == {"lexicon": 11, "abstained": 9}


def test_without_a_purpose_there_is_nothing_to_aggregate() -> None:
    rows = [answer_row(i, Origin.AFRICAN) for i in range(2, 30)]
    numbers = origin_numbers(frame(CLASSIFICATIONS, rows), purpose=None)
    assert (numbers.answered, numbers.narrowed, numbers.other_answered, numbers.other_narrowed) == ((), (), 0, 0)
