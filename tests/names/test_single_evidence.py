import random

import numpy as np
import pytest

from leadscout_assets.names.engine import load_classifier
from leadscout_assets.names.evidence import centred, likeness
from leadscout_assets.names.hashing import MAX_LETTERS
from leadscout_assets.names.knowledge import FLOOR, spelling
from leadscout_assets.names.single_evidence import likeness_of_one, spelling_of_one
from leadscout_assets.names.statistical import MIN_LETTERS, ROLES

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="module")
def knowledge():
    return load_classifier().knowledge


@pytest.fixture(scope="module")
def tokens(knowledge):
    """Known tokens with one or two slips, letters at random, vowels that sound like nothing, and one beyond any name."""
    chance = random.Random(4)
    slipped = []
    for token in chance.sample(knowledge.tokens, 400):
        for _ in range(chance.randint(1, 2)):
            at = chance.randrange(len(token) + 1)
            token = token[:at] + chance.choice(LETTERS) + token[at + chance.randrange(2) :]
        slipped.append(token)
    drawn = ["".join(chance.choices(LETTERS, k=chance.randint(1, MAX_LETTERS))) for _ in range(200)]
    return [*slipped, *drawn, "aeae", "oooo", "b" * (MAX_LETTERS + 1)]


@pytest.mark.parametrize("role", ROLES)
def test_a_token_by_itself_is_like_what_it_is_like_among_others(knowledge, tokens, role):
    among, near = likeness(tokens, role, knowledge), 0
    for at, token in enumerate(tokens):
        alone = likeness_of_one(token, role, knowledge)
        assert (alone is not None) == (among.sureness[at] > 0), token
        if alone is not None:
            near += 1
            np.testing.assert_allclose(alone.logs, centred(np.log(among.shares[at] + FLOOR)), atol=1e-12, err_msg=token)
            assert alone.language == among.language[at], token
    assert 100 < near < len(tokens) - 100


@pytest.mark.parametrize("role", ROLES)
def test_the_letters_of_a_token_by_itself_say_what_they_say_among_others(knowledge, tokens, role):
    readable = [token for token in tokens if len(token) >= MIN_LETTERS]
    among = spelling(readable, knowledge.letters[role])
    for at, token in enumerate(readable):
        alone = spelling_of_one(token, knowledge.letters[role])
        np.testing.assert_allclose(alone, among[at], atol=1e-12, err_msg=token)


@pytest.mark.parametrize("role", ROLES)
def test_a_token_by_itself_can_be_read_where_it_can_be_among_others(knowledge, tokens, role):
    head = knowledge.letters[role]
    among = head.can_read(tokens).tolist()
    assert [head.can_read_one(token) for token in tokens] == among
    assert {True, False} == set(among)
