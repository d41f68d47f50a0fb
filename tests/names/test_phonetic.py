import numpy as np
import pytest

from leadscout_assets.names.hashing import MAX_LETTERS, slip_hashes, slip_hashes_of_one, whole_hash, whole_hashes
from leadscout_assets.names.phonetic import index_neighbours, sound_keys

KNOWN = ["botha", "dlamini", "khumalo", "naidoo", "ng", "vandermerwe"]


def like(*tokens, known=KNOWN):
    found = index_neighbours(known).neighbours(list(tokens), known)
    return [
        [known[k] for k, asked in zip(found.known, found.asked, strict=True) if asked == at]
        for at in range(len(tokens))
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("naidoo", "naidu"),
        ("khumalo", "kumalo"),
        ("claassen", "klaasen"),
        ("pillay", "pillai"),
        ("ndlovu", "ndhlovu"),
        ("phiri", "piri"),
    ],
)
def test_spellings_that_are_confused_sound_alike(one, other):
    assert len(set(sound_keys([one, other]))) == 1


def test_sounds_of_many_are_those_of_each():
    tokens = ["kumalo", "ee", "botha", "ou", "schutte"]
    assert sound_keys(tokens) == [sound_keys([token])[0] for token in tokens]
    assert sound_keys([]) == []


@pytest.mark.parametrize("typo", ["dlamni", "dlaminni", "dlamiin", "dlameni", "ldamini"])
def test_one_slip_is_forgiven(typo):
    assert like(typo) == [["dlamini"]]


def test_two_slips_are_forgiven_in_long_tokens_and_in_what_sounds_alike():
    assert like("vandrmerwes", "naidu") == [["vandermerwe"], ["naidoo"]]
    assert like("btoah") == [[]]


@pytest.mark.parametrize("token", ["x", "ngo", "qqqqqqq", "dlxmxnx", "a" * (MAX_LETTERS + 1)])
def test_what_is_like_nothing_known_has_no_neighbours(token):
    assert like(token) == [[]]


def test_likeness_does_not_depend_on_what_else_is_asked():
    asked = ["dlamni", "xyz", "naidu", "kumalo"]
    assert like(*asked) == [like(one)[0] for one in asked]


def test_a_hash_without_a_letter_is_the_hash_of_what_is_left():
    found = slip_hashes(["abcd", "xy"])
    assert found.owners.tolist() == [0, 1, 0, 0, 0, 0, 1, 1]
    rest = whole_hashes(["abcd", "xy", "bcd", "acd", "abd", "abc", "y", "x"])
    np.testing.assert_array_equal(found.hashes, rest)


@pytest.mark.parametrize("token", ["a", "botha", "thandiwe" * 5])
def test_a_token_by_itself_has_the_hashes_that_it_has_among_others(token):
    assert [whole_hash(token)] == whole_hashes([token]).tolist()
    assert slip_hashes_of_one(token) == slip_hashes([token]).hashes.tolist()
