"""Small made-up problems: the real weights are learned by `make name-model`."""

import numpy as np
import pytest

from leadscout_assets.names import learning
from leadscout_assets.names.cases import Case
from leadscout_assets.names.engine import load_classifier
from leadscout_assets.names.learning import conformal_reach, fitted, folds, learn, set_floors
from leadscout_assets.names.lexicon import ORIGINS
from leadscout_assets.names.weighing import names_of_weights


def test_weights_are_the_best_that_the_penalty_allows():
    random = np.random.default_rng(0)
    table, truth = random.normal(size=(400, 3, 6)), random.integers(0, 6, 400)
    weight = np.ones(400)

    def loss(values):
        scores = np.einsum("npk,p->nk", table, values)
        shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        return -np.log(shares[np.arange(400), truth]).sum() + learning.PENALTY / 2 * (values**2).sum()

    found = fitted(table, truth, weight)
    assert all(loss(found) <= loss(found + step) for step in 0.05 * np.vstack([np.eye(3), -np.eye(3)]))


def test_sets_reach_as_far_as_the_truth_of_unanswered_names_lies():
    sure = np.tile([0.9, 0.1, 0, 0, 0, 0], (50, 1))
    among_two = np.tile([0.5, 0.4, 0.1, 0, 0, 0], (95, 1))
    third = np.tile([0.45, 0.41, 0.14, 0, 0, 0], (5, 1))
    shares = np.vstack([sure, among_two, third])
    truth = np.array([5] * 50 + [1] * 95 + [2] * 5)
    # The 95 % quantile of 100 unanswered names is among the few whose truth comes third.
    assert conformal_reach(shares, truth, 0.7) == pytest.approx(0.86, abs=0.01)
    assert conformal_reach(shares[:145], truth[:145], 0.7) == learning.MIN_REACH
    assert conformal_reach(shares[:50], truth[:50], 0.7) == learning.MAX_REACH


def test_each_origin_has_the_floor_from_which_sets_hold_it_often_enough():
    random = np.random.default_rng(0)
    third = random.uniform(0.01, 0.3, 200)
    shares = np.stack([0.52 - third / 2, 0.48 - third / 2, third, *np.zeros((3, 200))], axis=1)
    floors = set_floors(shares, np.full(200, 2), 0.7)
    held = shares[:, 2] >= floors[f"floor.{ORIGINS[2]}"]
    assert held.mean() == pytest.approx(learning.SET_COVERAGE_PER_ORIGIN, abs=0.01)
    # Always among the first two, or never seen: nothing to take in.
    assert set_floors(shares, np.zeros(200, int), 0.7)[f"floor.{ORIGINS[0]}"] > 0.9
    assert set_floors(shares[:3], np.full(3, 2), 0.7)[f"floor.{ORIGINS[2]}"] < third[:3].min()
    assert floors[f"floor.{ORIGINS[5]}"] == 1


def test_cases_are_weighed_towards_the_directors():
    truth = np.array([0, 1, 2, 3, 4, 5] * 10)
    weight = learning.prior_weights(truth, towards=1.0)
    assert weight.mean() == pytest.approx(1)
    assert weight[truth == 0].sum() / weight.sum() == pytest.approx(learning.DIRECTORS["african"])
    assert learning.prior_weights(truth, towards=0.0) == pytest.approx(1)
    assert sum(learning.DIRECTORS.values()) == pytest.approx(1)


def test_a_surname_stays_in_one_fold():
    cases = [
        Case(name, "african", "isizulu", "calibrate") for name in ("Sipho Nkosi", "NKOSI, Thandi", "Sipho Dlamini")
    ]
    assert folds(cases)[0] == folds(cases)[1]


def test_a_handful_of_cases_teaches_every_weight():
    words = {
        "african": ("Sipho Nkosi", "Thandi Dlamini", "Brian Mokoena", "Lerato Molefe"),
        "indian": ("Devan Naidoo", "Priya Pillay", "Kamal Singh", "Ashok Patel"),
        "european": ("Johan Botha", "Piet Venter", "John Smith", "Hans Muller"),
    }
    cases = [Case(name, origin, "plain", "calibrate") for origin, names in words.items() for name in names]
    weights = learn(cases, load_classifier().knowledge)
    assert set(weights.values) == set(names_of_weights())
    assert weights.settings["answer_at"] == learning.ANSWER_AT
    assert weights.values["surname.lexicon.own"] > 0
