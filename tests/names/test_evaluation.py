from pathlib import Path

import numpy as np
import pytest

from leadscout_assets.defs.evaluation_page import evaluation_page
from leadscout_assets.names.baseline import fallen, load_baseline
from leadscout_assets.names.card import BEGIN, END, write_card
from leadscout_assets.names.cases import TEST, read_cases
from leadscout_assets.names.engine import load_classifier
from leadscout_assets.names.evaluation import african_with_english_given, judged, report

# Minutes on a slow machine that has other work as well.
pytestmark = pytest.mark.timeout(900)

CASES = Path(__file__).parent / "cases.csv"


@pytest.fixture(scope="module")
def cases():
    return [case for case in read_cases(CASES) if case.part == TEST]


@pytest.fixture(scope="module")
def figures(cases):
    return report(cases, load_classifier())


def test_no_figure_has_fallen_below_the_frozen_baseline(figures):
    assert fallen(figures, load_baseline()) == []


def test_the_baseline_is_that_of_the_shipped_model(figures):
    baseline = load_baseline()
    assert (baseline.model_version, baseline.cases) == (figures["model_version"], figures["cases"])


def test_every_interval_holds_its_figure(figures):
    intervals = [value for value in figures.values() if isinstance(value, dict) and "low" in value]
    assert len(intervals) >= 12
    for one in intervals:
        assert 0 <= one["low"] <= one["high"] <= 1
    assert figures["answered"]["low"] < figures["answered"]["value"] < figures["answered"]["high"]


def test_every_way_of_writing_and_every_group_is_measured(figures, cases):
    assert {f"{case.origin}/{case.group}" for case in cases} == set(figures["by_group"])
    assert figures["variants"]["capitals"]["loss_points"] == 0
    assert sum(n for n, _, _ in figures["reliability"]) == len(cases)
    assert sum(sum(line.values()) for line in figures["confusion"].values()) == len(cases)


def test_religion_is_folded_unless_revealed(cases):
    folded, revealed = (judged(cases, load_classifier(), reveal_religion=reveal) for reveal in (False, True))
    assert not (folded.truth == 4).any()
    assert (revealed.truth == 4).any()
    np.testing.assert_array_equal(folded.shares[:, 4], 0)


def test_african_names_with_english_given_names_are_told_apart(cases):
    chosen = african_with_english_given(cases, load_classifier())
    assert 100 < chosen.sum() < sum(case.origin == "african" for case in cases)
    assert all(case.origin == "african" for case, one in zip(cases, chosen, strict=True) if one)


def test_the_model_card_shows_the_figures_of_the_shipped_model(figures, tmp_path):
    card = tmp_path / "card.md"
    card.write_text(f"before\n{BEGIN}\nstale figures\n{END}\nafter\n")
    write_card(card, figures)
    written = card.read_text()
    assert written.startswith(f"before\n{BEGIN}\n")
    assert written.endswith(f"\n{END}\nafter\n")
    assert "stale figures" not in written
    assert figures["model_version"] in (Path(__file__).parents[2] / "docs" / "model-card.md").read_text()


def test_the_page_of_the_evaluation_has_its_charts(figures):
    page = evaluation_page(figures)
    assert page.count("data:image/svg+xml;base64,") == 3
    assert "| african |" in page
