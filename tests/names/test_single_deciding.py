import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscout_assets.names.calibrating import shares_of
from leadscout_assets.names.deciding import decide
from leadscout_assets.names.engine import load_classifier
from leadscout_assets.names.evidence import LEXICON, UNKNOWN
from leadscout_assets.names.single_deciding import decide_one

LOOSE = {"answer_at": 0.9, "set_reach": 0.8, "floor.indian": 0.05, "floor.chinese": 0.0}


@pytest.mark.parametrize("reveal", [False, True])
@pytest.mark.parametrize("chosen", [LOOSE, None])
@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(-300, 300), min_size=6, max_size=6, unique=True), st.sampled_from([LEXICON, UNKNOWN]))
def test_one_name_is_decided_as_in_a_frame(chosen, reveal, hundredths, state):
    scores, given_settings = np.array(hundredths) / 50, chosen or load_classifier().weights.settings
    shares = shares_of(scores[None], given_settings, reveal_religion=reveal)
    many = decide(shares, np.array([state], np.int8), given_settings)
    one = decide_one(scores.tolist(), state, given_settings, reveal_religion=reveal)
    np.testing.assert_allclose(one.shares, shares[0], atol=1e-12)
    assert (one.outcome, one.best) == (many.outcome[0], many.best[0])
    assert sorted(one.members) == many.members[0].nonzero()[0].tolist()
    assert one.confidence == pytest.approx(many.confidence[0]) if one.members else one.confidence is None


def test_scores_that_leave_nothing_to_the_others_are_decided_too():
    scores = [800.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    one = decide_one(scores, LEXICON, LOOSE, reveal_religion=False)
    assert one.shares == pytest.approx(shares_of(np.array([scores]), LOOSE, reveal_religion=False)[0])
    assert one.members == (0,)
