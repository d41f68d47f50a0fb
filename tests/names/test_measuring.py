import numpy as np
import pytest

from leadscout_assets.names.measuring import (
    bootstrap,
    calibration_bins,
    calibration_error,
    calibration_interval,
    f1_by_class,
    macro_f1,
    wilson,
)


def test_wilson_intervals_hold_the_proportion():
    assert wilson(0, 0) == (0, 1)
    low, high = wilson(9, 10)
    assert (round(low, 3), round(high, 3)) == (0.596, 0.982)


def test_f1_counts_answers_of_other_classes_as_wrong():
    truth, answer = np.array([0, 0, 1, 1]), np.array([0, 5, 1, 0])
    assert f1_by_class(truth, answer, (0, 1, 2)) == [0.5, pytest.approx(2 / 3), 0]
    assert macro_f1(truth, answer, (0, 1)) == pytest.approx((0.5 + 2 / 3) / 2)


def test_a_bootstrap_interval_holds_the_mean_and_is_the_same_every_time():
    values = np.arange(100.0)
    low, high = bootstrap(lambda at: float(values[at].mean()), 100)
    assert 40 < low < 49.5 < high < 59
    assert bootstrap(lambda at: float(values[at].mean()), 100) == (low, high)
    assert np.isnan(bootstrap(lambda at: 0.0, 0)).all()


def confidences(shift, n=3000):
    random = np.random.default_rng(1)
    true = random.uniform(0.5, 0.95, n)
    return true + shift, random.random(n) < true


def test_true_confidences_have_hardly_an_error_and_wrong_ones_have_theirs():
    assert calibration_error(*confidences(0.0)) < 0.01
    assert calibration_error(*confidences(0.05)) == pytest.approx(0.05, abs=0.02)
    low, high = calibration_interval(*confidences(0.05))
    assert 0.01 < low < high < 0.08


def test_bins_hold_equally_many_from_the_least_confident_on():
    bins = calibration_bins(*confidences(0.0))
    assert len(bins) == 15
    assert {n for n, _, _ in bins} == {200}
    assert [mean for _, mean, _ in bins] == sorted(mean for _, mean, _ in bins)
