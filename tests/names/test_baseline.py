from dataclasses import replace

import pytest

from leadscout_assets.names.baseline import LESS_IS_BETTER, MORE_IS_BETTER, fallen, frozen, load_baseline, read_baseline

REPORT = {
    "model_version": "0123456789ab",
    "cases": 3000,
    **{metric: {"value": 0.9} for metric in MORE_IS_BETTER},
    **{metric: {"value": 0.02} for metric in LESS_IS_BETTER},
}


def worse(metric, value):
    return {**REPORT, metric: {"value": value}}


def test_the_same_figures_are_no_fall():
    assert fallen(REPORT, frozen(REPORT)) == []
    assert fallen(worse("sure_error", 0.0205), frozen(REPORT)) == []


@pytest.mark.parametrize(("metric", "value"), [("answered", 0.85), ("sure_error", 0.03)])
def test_a_fall_is_named_with_both_figures_in_either_direction(metric, value):
    (sentence,) = fallen(worse(metric, value), frozen(REPORT))
    assert sentence.startswith(f"{metric} is {value:.4f}")


@pytest.mark.parametrize(("metric", "value"), [("answered", 0.95), ("sure_error", 0.01)])
def test_a_gain_is_no_fall(metric, value):
    assert fallen(worse(metric, value), frozen(REPORT)) == []


def test_only_a_reason_in_words_accepts_a_fall():
    before = frozen(REPORT)
    assert fallen(worse("sure", 0.5), replace(before, accepted={"sure": " "}))
    assert not fallen(worse("sure", 0.5), replace(before, accepted={"sure": "a lexicon of names that are harder"}))


def test_the_baseline_survives_its_file():
    assert read_baseline(load_baseline().to_json()) == load_baseline()
