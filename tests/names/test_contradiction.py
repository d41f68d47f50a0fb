import numpy as np
import pyarrow as pa
import pytest

from leadscout_assets.names.cascade import classify_names
from leadscout_assets.names.contradiction import SETTINGS, claims_of, contradicts, denials_of, mixed
from leadscout_assets.names.engine import load_classifier
from leadscout_assets.names.explaining import explain
from leadscout_assets.names.lexicon import ORIGINS
from leadscout_assets.names.normalising import split_names

AFRICAN, EUROPEAN, CHINESE = (np.eye(len(ORIGINS))[ORIGINS.index(one)] for one in ("african", "european", "chinese"))


def classified(*names):
    parts = split_names(pa.array(names))
    return classify_names(parts["given_names"], parts["surname"], load_classifier()).to_pylist()


@pytest.mark.parametrize(
    ("name", "origins"),
    [
        ("Naledi Chen", {"african", "chinese"}),
        ("Lerato Naidoo", {"african", "indian"}),
        ("Xolani Jacobs", {"african", "coloured"}),
        ("Palesa Mary du Plessis", {"african", "european"}),
        ("Priya Dlamini", {"african", "indian"}),
        ("Hodan Ali Yusuf", {"african", "indian"}),
    ],
)
def test_given_names_of_one_community_beside_a_surname_of_another_get_the_set_of_both(name, origins):
    (row,) = classified(name)
    assert row["origin"] is None
    assert origins <= set(row["origin_set"])
    assert row["evidence"].endswith("; parts:contradict")
    assert explain(name, load_classifier()).contradicted


@pytest.mark.parametrize(
    "name",
    [
        "Grace Naidoo",
        "Blessing Adams",
        "Kevin Wong",
        "Brian Nkosi",
        "Fatima Jacobs",
        "Rajesh Thomas",
        "Sipho Zulu-Botha",
        "Sipho Qwelmar",
        "Sipho",
    ],
)
def test_names_that_anybody_may_have_and_surnames_that_say_no_other_contradict_nothing(name):
    assert "contradict" not in classified(name)[0]["evidence"]


def test_one_given_name_that_agrees_with_the_surname_is_enough():
    claimed, denied = claims_of(np.stack([AFRICAN, CHINESE]), SETTINGS), denials_of(np.stack([CHINESE]), SETTINGS)
    assert contradicts(claimed[[0]], denied[[0]]).tolist() == [True]
    assert contradicts(claimed[[0]] | claimed[[1]], denied[[0]]).tolist() == [False]


def test_given_names_of_the_largest_languages_claim_nothing():
    assert claims_of(np.stack([EUROPEAN]), SETTINGS).tolist() == [0, 0]


def test_both_parts_count_alike():
    scores = np.log(np.array([[0.1, 0.1, 0.1, 0.1, 0.1, 0.5]]))
    claimed = claims_of(np.stack([AFRICAN]), SETTINGS)[:1]
    shares = np.exp(mixed(scores, 50 * AFRICAN[None], claimed))[0]
    assert shares.sum() == pytest.approx(1)
    assert shares[ORIGINS.index("african")] == pytest.approx(0.5)
    assert shares[ORIGINS.index("chinese")] == pytest.approx(0.5 * 0.5 / 0.9)


def test_without_settings_nothing_contradicts_as_when_weights_are_learned():
    assert not claims_of(np.stack([AFRICAN]), {}).any()
    assert not denials_of(np.stack([AFRICAN]), {}).any()
