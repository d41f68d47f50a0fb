import numpy as np
import pytest

from leadscout_assets.names import calibrating
from leadscout_assets.names.calibrating import curves, put_right, shares_of
from leadscout_assets.names.deciding import folded, probabilities_of
from leadscout_assets.names.lexicon import ORIGINS

AFRICAN, EUROPEAN, INDIAN, COLOURED, CAPE_MALAY, CHINESE = map(
    ORIGINS.index, ("african", "european", "indian", "coloured", "cape_malay", "chinese")
)


def one(**shares):
    found = np.zeros((1, len(ORIGINS)))
    for origin, share in shares.items():
        found[0, ORIGINS.index(origin)] = share
    return found


def boasting(cases, random):
    """Return shares that say 0.95 of two origins, of which one is right as often as that and the other in 70 of 100."""
    best = random.choice([AFRICAN, EUROPEAN], cases)
    shares = np.full((cases, len(ORIGINS)), 0.0)
    shares[:, COLOURED] = 0.05
    shares[np.arange(cases), best] = 0.95
    right = random.random(cases) < np.where(best == AFRICAN, 0.95, 0.70)
    return shares, np.where(right, best, COLOURED)


def test_without_curves_nothing_changes():
    shares = np.array([[0.5, 0.3, 0.1, 0.1, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]])
    np.testing.assert_allclose(put_right(shares, {}), shares)


def test_an_origin_that_boasts_is_put_right_and_the_others_are_left(monkeypatch):
    monkeypatch.setattr(calibrating, "CAUTION", 1.0)
    shares, truth = boasting(4_000, np.random.default_rng(0))
    found = put_right(shares, curves(shares, truth))
    best = shares.argmax(1)
    assert found[best == EUROPEAN, EUROPEAN] == pytest.approx(0.70, abs=0.03)
    assert found[best == AFRICAN, AFRICAN] == pytest.approx(0.95, abs=0.02)
    assert found.sum(1) == pytest.approx(1)


def test_caution_takes_a_little_off_every_confidence():
    shares, truth = boasting(4_000, np.random.default_rng(0))
    found = put_right(shares, curves(shares, truth))
    assert 0.90 < found[truth == AFRICAN, AFRICAN].mean() < 0.94


def test_few_cases_move_an_origin_little():
    shares, truth = boasting(4_000, np.random.default_rng(0))
    truth[:] = shares.argmax(1)
    few = one(indian=0.9, coloured=0.1)
    found = curves(np.vstack([shares, few]), np.append(truth, COLOURED))
    assert abs(found["offset.indian"] - found["offset.chinese"]) < 1


def test_the_most_probable_origin_stays_it_however_little_it_is_worth():
    found = put_right(one(european=0.5, coloured=0.4, african=0.1), {"offset.european": -5.0})
    assert found[0, EUROPEAN] == pytest.approx(found[0, COLOURED])
    assert found.argmax() == EUROPEAN
    assert found.sum() == pytest.approx(1)


def test_what_the_others_have_stays_in_proportion():
    found = put_right(one(european=0.8, coloured=0.15, african=0.05), {"offset.european": -0.5})
    assert found[0, EUROPEAN] < 0.8
    assert found[0, COLOURED] / found[0, AFRICAN] == pytest.approx(3)


def test_revealed_or_folded_a_name_is_equally_sure():
    scores = np.random.default_rng(0).normal(0, 2, (200, len(ORIGINS)))
    settings = {"offset.coloured": -0.4, "slope.european": 0.8, "offset.indian": 0.2}
    revealed, plain = (shares_of(scores, settings, reveal_religion=on) for on in (True, False))
    np.testing.assert_allclose(folded(revealed), plain, atol=1e-9)
    before = probabilities_of(scores, reveal_religion=True)
    np.testing.assert_allclose(
        revealed[:, CAPE_MALAY] / revealed[:, COLOURED], before[:, CAPE_MALAY] / before[:, COLOURED]
    )
    assert shares_of(np.zeros((0, len(ORIGINS))), settings, reveal_religion=False).shape == (0, len(ORIGINS))
