import random

import numpy as np
import pytest

from leadscout_assets.names.engine import load_classifier
from leadscout_assets.names.lexicon import ORIGINS, parse_lexicon
from leadscout_assets.names.statistical import n_grams, n_grams_of_one, train_ngrams


@pytest.fixture(scope="module")
def letters():
    return load_classifier().knowledge.letters


def test_letters_tell_the_origin_of_names_that_nobody_listed(letters):
    shares = letters["surname"].log_shares(["mkhabathwayo", "vandenplasburg", "govindalingamsamy"])
    assert [ORIGINS[at] for at in shares.argmax(1)] == ["african", "european", "indian"]
    np.testing.assert_allclose(np.exp(shares).sum(1), 1)


@pytest.mark.parametrize("token", ["nkosi", "ab", "vandermerwe", "zz"])
def test_a_token_by_itself_has_the_n_grams_that_it_has_among_others(token):
    codes, owners, counts = n_grams([token, "qqx"])
    alone = n_grams_of_one(token)
    assert (alone, len(alone)) == (codes[owners == 0].tolist(), counts[0])


def test_what_is_spelled_as_no_name_is_cannot_be_read(letters):
    names = ["mkhabathwayo", "vandenplasburg", "brzeczyszczykiewicz", "hrdlicka", "ntlhabo", "xhanti"]
    keys = ["qwrtp", "xqz", "zzz", "zxcvb", "sdfsdf", "dfgh", "ab"]
    for head in letters.values():
        assert head.can_read([*names, *keys]).tolist() == [True] * len(names) + [False] * len(keys)


def test_few_names_cannot_be_read_and_most_consonants_cannot_be():
    """Names of the other role alone, which a head was not made from; and what lies under fingers."""
    knowledge, chance = load_classifier().knowledge, random.Random(3)
    keys = ["".join(chance.choices("bcdfghjklmnpqrstvwxz", k=chance.randint(3, 7))) for _ in range(1_000)]
    for role, head in knowledge.letters.items():
        names = [token for token in knowledge.tokens if len(token) > 2 and not knowledge.knows(token, role)]
        assert (~head.can_read(names)).mean() < 0.001
        assert (~head.can_read(keys)).mean() > 0.85


def test_prediction_of_a_token_does_not_depend_on_its_neighbours(letters):
    together, alone = (
        letters["given"].log_shares(["mkhabathwayo", "vandenplas"]),
        letters["given"].log_shares(["vandenplas"]),
    )
    np.testing.assert_allclose(together[1:], alone)
    assert letters["given"].log_shares([]).shape == (0, len(ORIGINS))


def test_n_grams_do_not_cross_from_one_token_into_the_next():
    both, owners, counts = n_grams(["ab", "cde"])
    one, _, _ = n_grams(["ab"])
    other, _, _ = n_grams(["cde"])
    assert sorted(both[owners == 0]) == sorted(one)
    assert sorted(both[owners == 1]) == sorted(other)
    assert counts.tolist() == [len(one), len(other)]


def test_hidden_elements_teach_nothing():
    text = "[surname isizulu african=1]\nNkosi, Nkosana, Zulu\n[surname english european=1]\nSmith, Smithers"
    lexicon = parse_lexicon({"a": text})
    tokens = lexicon.tokens("surname")
    seen = train_ngrams(lexicon, "surname", np.array([not token.startswith("smith") for token in tokens]))
    assert ORIGINS[seen.log_shares(["nkosi"]).argmax()] == "european"
