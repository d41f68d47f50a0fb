"""Baselines: the middle and spread of the newest runs, and nothing where there are too few."""

import pytest

from leadscout_assets.runs.baselines import Baseline, baseline_of


def test_the_centre_is_the_median_and_the_scale_comes_of_the_median_deviation():
    found = baseline_of([8, 9, 10, 11, 12] * 3)
    assert (found.runs, found.centre, found.mad) == (15, 10, 1)
    assert found.scale == pytest.approx(1.4826)
    assert found.z(10 + 2 * 1.4826) == pytest.approx(2)
    assert found.ratio(15) == 1.5


def test_one_wild_run_moves_nothing():
    assert baseline_of([10] * 10 + [9, 11, 500]).centre == 10


def test_a_very_even_history_keeps_a_floor_of_five_percent():
    assert baseline_of([20.0] * 10).scale == 1.0


@pytest.mark.parametrize("runs", [0, 1, 9])
def test_fewer_than_ten_runs_are_no_baseline(runs):
    assert baseline_of([1.0] * runs) is None


def test_only_the_thirty_newest_count():
    found = baseline_of([1.0] * 100 + [5.0] * 30)
    assert (found.runs, found.centre) == (30, 5.0)


def test_nothing_divides_by_nothing():
    empty = Baseline(10, 0.0, 0.0)
    assert (empty.z(1.0), empty.ratio(1.0)) == (0.0, 1.0)
