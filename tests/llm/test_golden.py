"""The golden set as it is shipped."""

from __future__ import annotations

from leadscout_assets.llm.golden import golden_set
from leadscout_assets.llm.questions import cleaned, is_name
from leadscout_assets.llm.schema import CANNOT_TELL
from leadscout_assets.names.cases import find_cases, read_cases
from leadscout_assets.terms import Origin

CASES = golden_set().cases


def test_it_is_small_and_each_name_is_sent():
    assert 60 <= len(CASES) <= 120
    assert [name for name in CASES if cleaned(name) != name or not is_name(name)] == []


def test_only_what_may_be_answered_is_right_and_each_origin_is_that_does_not_reveal_religion():
    known = {*map(str, Origin), CANNOT_TELL}
    assert [name for name, right in CASES.items() if not right or right - known] == []
    single = {origin for right in CASES.values() if len(right) == 1 for origin in right}
    assert single == known - {Origin.CAPE_MALAY.value}


def test_names_that_nobody_can_tell_and_what_is_no_name_are_in_it():
    assert sum(len(right) > 1 and CANNOT_TELL in right for right in CASES.values()) >= 15
    assert sum(right == {CANNOT_TELL} for right in CASES.values()) >= 10


def test_no_name_of_it_is_one_of_the_labelled_cases():
    path = find_cases()
    assert path is not None
    known = {case.name.casefold() for case in read_cases(path)}
    assert [name for name in CASES if name.casefold() in known] == []


def test_a_model_that_always_answers_the_same_is_far_from_passing():
    for origin in (*map(str, Origin), CANNOT_TELL):
        clear = [right for right in CASES.values() if CANNOT_TELL not in right]
        assert sum(origin in right for right in CASES.values()) / len(CASES) < 0.5
        assert sum(origin in right for right in clear) / len(clear) < 0.4
