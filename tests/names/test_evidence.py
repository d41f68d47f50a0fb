import numpy as np
import pytest

from leadscout_assets.names.engine import load_classifier
from leadscout_assets.names.evidence import (
    LETTERS,
    LEXICON,
    MISPLACED,
    NEAR,
    SOURCES,
    UNKNOWN,
    likeness,
    token_evidence,
)
from leadscout_assets.names.lexicon import ORIGINS

OWN, OTHER, LIKE, SPELLED = range(len(SOURCES))


@pytest.fixture(scope="module")
def knowledge():
    return load_classifier().knowledge


def test_each_token_is_as_well_known_as_its_best_source(knowledge):
    tokens = ["dlamini", "thandiwe", "dlamnii", "mkhabathwqyo", "xq"]
    found = token_evidence(tokens, "surname", knowledge)
    assert found.state.tolist() == [LEXICON, MISPLACED, NEAR, LETTERS, UNKNOWN]
    assert not found.logs[4].any()


def test_every_source_that_has_something_to_say_is_heard(knowledge):
    found = token_evidence(["thomas", "dlamnii"], "surname", knowledge)
    heard = found.logs.any(axis=2)
    assert heard[0, OWN]
    assert heard[0, OTHER]
    assert heard[0, SPELLED]
    assert not heard[0, LIKE]
    assert heard[1].tolist() == [False, False, True, True]
    assert ORIGINS[found.logs[1, LIKE].argmax()] == "african"


def test_a_far_neighbour_says_less_than_a_near_one(knowledge):
    near, far = likeness(["vandermerwer", "vandrmerwes"], "surname", knowledge).sureness
    assert 0 < far < near < 1


def test_evidence_of_a_token_does_not_depend_on_the_others(knowledge):
    tokens = ["dlamnii", "botha", "mkhabathwqyo", "naidu"]
    together = token_evidence(tokens, "given", knowledge)
    for at, token in enumerate(tokens):
        alone = token_evidence([token], "given", knowledge)
        assert alone.state[0] == together.state[at]
        np.testing.assert_allclose(alone.logs[0], together.logs[at])
    assert token_evidence([], "given", knowledge).logs.shape == (0, len(SOURCES), len(ORIGINS))
