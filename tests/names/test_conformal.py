"""Plain conformal sets: thresholds by origin, and what the sets then hold."""

from __future__ import annotations

import numpy as np
import pytest

from leadscout_assets.names.conformal import coverage_of, thresholds
from leadscout_assets.names.lexicon import ORIGINS


def drawn(count: int, seed: int):
    """Return probabilities of names, as sharp as `seed` has it, and origins drawn by them."""
    chance = np.random.default_rng(seed)
    shares = chance.dirichlet(np.full(len(ORIGINS), 0.3), size=count)
    truth = (chance.random((count, 1)) > np.cumsum(shares, 1)).sum(1)
    return shares, np.minimum(truth, len(ORIGINS) - 1)


def test_of_names_like_those_it_was_found_on_a_set_holds_as_many_as_asked_for_each_origin():
    least = thresholds(*drawn(20_000, 1), 0.95)
    shares, truth = drawn(20_000, 2)
    found = coverage_of(shares >= least, truth)
    assert found["all"]["share"] == pytest.approx(0.95, abs=0.01)
    assert [one["share"] for one in found["by_origin"].values()] == pytest.approx([0.95] * len(ORIGINS), abs=0.02)
    assert sum(found["sizes"]) == 20_000


def test_the_threshold_is_the_quantile_of_few_names_and_an_origin_without_names_is_in_no_set():
    shares = np.zeros((19, len(ORIGINS)))
    shares[:, 0] = np.arange(1, 20) / 20
    least = thresholds(shares, np.zeros(19, np.int64), 0.95)
    assert least[0] == 1 / 20, "the 19th of 19: ceil(20 x 0.95)"
    assert least[1] > 1
    assert thresholds(shares[:5], np.zeros(5, np.int64), 0.95)[0] == 0, "too few to leave any out"
