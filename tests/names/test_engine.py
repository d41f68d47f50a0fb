import numpy as np
import pytest

from leadscout_assets.names.deciding import decide, folded, probabilities_of
from leadscout_assets.names.engine import judge, load_classifier, turned_round
from leadscout_assets.names.evidence import LEXICON, UNKNOWN
from leadscout_assets.names.learning import design
from leadscout_assets.names.lexicon import ORIGINS
from leadscout_assets.names.normalising import split_name
from leadscout_assets.names.weighing import Weights, names_of_weights, read_weights

NAMES = [
    "Brian Nkosi",
    "Nkosi Brian",
    "Zhang Wei",
    "Johan van der Xyzberg",
    "Sipho Dlamni",
    "Fatima Adams",
    "B Zulu",
    "Thandi Zulu-Botha",
]
SETTINGS = {"answer_at": 0.75, "set_reach": 0.9}


@pytest.fixture(scope="module")
def classifier():
    return load_classifier()


def judged(classifier, *names):
    parts = [split_name(name) for name in names]
    places = np.arange(len(names))
    return judge([p.surname or "" for p in parts], [p.given_names or "" for p in parts], places, places, classifier)


def best(classifier, *names):
    return [ORIGINS[at] for at in judged(classifier, *names).scores.argmax(1)]


def test_scores_are_the_weights_times_what_learning_sees(classifier):
    values = np.array([classifier.weights.values[name] for name in names_of_weights()])
    table = design(NAMES, classifier.knowledge)
    np.testing.assert_allclose(np.einsum("npk,p->nk", table, values), judged(classifier, *NAMES).scores, atol=1e-6)


def test_a_name_is_judged_alike_whatever_stands_beside_it(classifier):
    together = judged(classifier, *NAMES).scores
    for at, name in enumerate(NAMES):
        np.testing.assert_allclose(judged(classifier, name).scores[0], together[at], atol=1e-9)


@pytest.mark.parametrize("name", ["Nkosi Brian", "Mokoena Elizabeth Grace", "Naidoo Devan"])
def test_surname_first_without_any_sign_is_read_the_other_way_round(classifier, name):
    assert judged(classifier, name).turned.tolist() == [True]


@pytest.mark.parametrize("name", ["Brian Nkosi", "Thomas Daniel", "Sipho Xq", "Nkosi", "Pieter van der Merwe"])
def test_a_name_that_reads_well_stays_as_written(classifier, name):
    assert judged(classifier, name).turned.tolist() == [False]


def test_turning_round_takes_the_first_word_for_the_surname():
    assert turned_round("Grace", "Mokoena Elizabeth") == ("Mokoena", "Elizabeth Grace")


def test_the_particle_of_a_surname_that_nobody_listed_counts(classifier):
    with_particle, without = (judged(classifier, name).scores[0] for name in ("J van der Quprak", "J Quprak"))
    assert (with_particle - without).argmax() == ORIGINS.index("european")


def test_a_glued_particle_is_read_as_one(classifier):
    assert best(classifier, "Johan Vandermerwe", "Hendrik Vanstaden") == ["european", "european"]


def test_the_given_name_decides_where_the_surname_says_nothing(classifier):
    assert best(classifier, "Thandiwe Marali", "Priyanka Marali") == ["african", "indian"]


def test_the_state_is_that_of_the_surname(classifier):
    assert judged(classifier, "Qwx Dlamini", "Sipho Xq").state.tolist() == [LEXICON, UNKNOWN]


def test_folding_moves_probability_and_loses_none():
    shares = np.array([[0.1, 0.2, 0.1, 0.2, 0.3, 0.1]])
    found = folded(shares)
    assert found[0, ORIGINS.index("coloured")] == pytest.approx(0.5)
    assert found[0, ORIGINS.index("cape_malay")] == 0
    assert found.sum() == pytest.approx(1)
    np.testing.assert_array_equal(shares[0, 4], 0.3)


def decided(*shares, state=LEXICON):
    return decide(np.array(shares), np.full(len(shares), state, np.int8), SETTINGS)


def test_one_origin_is_answered_from_the_threshold_on_else_the_smallest_set_that_reaches_far_enough():
    found = decided(
        [0.75, 0.25, 0, 0, 0, 0],
        [0.74, 0.26, 0, 0, 0, 0],
        [0.5, 0.39, 0.02, 0.09, 0, 0],
        [0.25, 0.25, 0.2, 0.1, 0.1, 0.1],
    )
    assert found.outcome.tolist() == [0, 1, 1, 2]
    assert found.members.sum(1).tolist() == [1, 2, 3, 0]
    np.testing.assert_allclose(found.confidence, [0.75, 1, 0.98, np.nan])


def test_an_origin_above_its_floor_is_taken_into_a_set_though_the_first_two_reach_far_enough():
    shares = np.array([[0.5, 0.4, 0.06, 0.04, 0, 0], [0.74, 0.2, 0.06, 0, 0, 0], [0.8, 0.1, 0.1, 0, 0, 0]])
    floors = {f"floor.{ORIGINS[3]}": 0.03, f"floor.{ORIGINS[2]}": 0.06, f"floor.{ORIGINS[5]}": 0.0}
    found = decide(shares, np.full(3, LEXICON, np.int8), SETTINGS | floors)
    # One more at most, the most probable of them, and never beside an answer.
    assert found.members.astype(int).tolist() == [[1, 1, 1, 0, 0, 0], [1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]]
    np.testing.assert_allclose(found.confidence, [0.96, 1, 0.8])
    with_fourth = decide(shares[:1], np.full(1, LEXICON, np.int8), SETTINGS | {f"floor.{ORIGINS[3]}": 0.03})
    assert with_fourth.members[0].nonzero()[0].tolist() == [0, 1, 3]


def test_without_a_readable_surname_nothing_is_answered():
    assert decided([1.0, 0, 0, 0, 0, 0], state=UNKNOWN).outcome.tolist() == [2]


def test_probabilities_are_folded_unless_asked_otherwise():
    scores = np.log(np.array([[0.1, 0.2, 0.1, 0.2, 0.3, 0.1]]))
    assert probabilities_of(scores, reveal_religion=True)[0, 4] == pytest.approx(0.3)
    assert probabilities_of(scores, reveal_religion=False)[0, 3] == pytest.approx(0.5)
    assert probabilities_of(np.zeros((0, 6)), reveal_religion=False).shape == (0, 6)


def test_weights_survive_their_file_and_are_all_named(classifier):
    again = read_weights(classifier.weights.to_json())
    assert again == classifier.weights
    assert set(again.values) == set(names_of_weights())


def test_the_version_changes_with_weights_and_settings(classifier):
    weights = classifier.weights
    others = [
        Weights({**weights.values, "particle": weights.particle + 0.5}, weights.settings),
        Weights(weights.values, {**weights.settings, "answer_at": 0.5}),
    ]
    versions = {type(classifier)(classifier.knowledge, one).version for one in [weights, *others]}
    assert len(versions) == 3


@pytest.mark.parametrize(
    ("name", "origin"), [("Sipho", "african"), ("Thandi", "african"), ("Kavitha", "indian"), ("Nkosi", "african")]
)
def test_a_single_word_is_judged_as_the_part_of_a_name_that_it_is_known_as(classifier, name, origin):
    assert best(classifier, name) == [origin]
    assert judged(classifier, name).turned.tolist() == [name != "Nkosi"]
