import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscout_assets.names.engine import judge, load_classifier
from leadscout_assets.names.normalising import split_name
from leadscout_assets.names.single import SingleNames

WORDS = st.sampled_from(
    "Thandi Sipho Johan Ayesha Brian Nkosi Dlamini Botha Naidoo Adams Zhang Wei Mokoena Khumaloo Xqzrt van der Merwe J "
    "Vanstaden Zulu-Botha Mkhabathwayo O'Neill Jean-Pierre Naledi Chen Kavitha".split()
)


@pytest.fixture(scope="module")
def singles():
    return SingleNames(load_classifier())


@settings(max_examples=300, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=4).map(" ".join))
def test_a_single_name_is_judged_as_in_a_frame(singles, name):
    parts = split_name(name)
    surname, given_names = parts.surname or "", parts.given_names or ""
    one, place = singles.judge(surname, given_names), np.zeros(1, np.int64)
    many = judge([surname], [given_names], place, place, singles.classifier)
    np.testing.assert_allclose(one.scores, many.scores[0], atol=1e-8)
    assert (one.state, one.turned) == (many.state[0], many.turned[0])
    assert one.language == many.surnames.language[many.surname_at[0]]
