import csv
import math
from collections import Counter
from pathlib import Path

import pytest

from leadscout_assets.names.calibration import Calibration, Cell, read_calibration
from leadscout_assets.names.cascade import Classifier, load_classifier
from leadscout_assets.names.evaluation import CALIBRATE, TEST, measure, read_cases, report, wilson

CASES = Path(__file__).parent / "cases.csv"


@pytest.fixture(scope="module")
def cases():
    return read_cases(CASES)


def test_the_cases_cover_every_origin_in_both_halves(cases):
    least = {"african": 250, "european": 130, "indian": 110, "coloured": 60, "cape_malay": 40, "chinese": 30}
    counts = Counter(case.origin for case in cases)
    assert all(counts[origin] >= n for origin, n in least.items())
    assert len({case.name for case in cases}) == len(cases)
    for origin, n in counts.items():
        assert sum(case.origin == origin and case.part == TEST for case in cases) == n // 2


def test_the_shipped_confidences_are_what_the_calibration_half_gives(cases):
    classifier = load_classifier()
    measured = measure([case for case in cases if case.part == CALIBRATE], classifier.models)
    assert measured == classifier.calibration, (
        "rebuild: python -m leadscout_assets.names.evaluation tests/names/cases.csv --write"
    )


def test_the_test_half_is_answered_about_as_well_as_the_confidences_say(cases):
    held_out = [case for case in cases if case.part == TEST]
    figures = report(held_out, load_classifier(), reveal_religion=False)
    everything = figures["all"]["all"]
    assert everything["n"] == len(held_out)
    assert everything["accuracy"] >= 0.95
    assert everything["answered"] / everything["n"] >= 0.80
    assert 0 < figures["surnames_not_in_lexicon"] < 1


@pytest.mark.parametrize(
    ("n", "right", "confidence"), [(10, 10, 11 / 12), (10, 5, 0.5), (10, 2, 0.2), (100, 97, 97 / 100)]
)
def test_confidence_never_says_more_than_was_measured(n, right, confidence):
    cell = Cell(False, "answered", "lexicon", n, right)
    assert cell.confidence == pytest.approx(min(confidence, (right + 1) / (n + 2)))
    assert cell.confidence <= right / n


def test_a_method_measured_on_too_few_cases_has_no_confidence_and_does_not_answer():
    assert math.isnan(Cell(False, "answered", "lexicon", 4, 4).confidence)
    nothing = Classifier(load_classifier().models, Calibration(()))
    assert report(read_cases(CASES)[:20], nothing, reveal_religion=False)["all"]["all"]["abstained"] == 20


def test_calibration_survives_its_file():
    calibration = load_classifier().calibration
    assert read_calibration(calibration.to_csv()) == calibration


def test_the_version_changes_with_the_calibration():
    classifier = load_classifier()
    assert classifier.version != Classifier(classifier.models, Calibration(())).version


def test_wilson_intervals_hold_the_proportion():
    assert wilson(0, 0) == (0, 1)
    low, high = wilson(9, 10)
    assert (round(low, 3), round(high, 3)) == (0.596, 0.982)


def test_cases_are_plain_csv_below_their_comments():
    with CASES.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(line for line in lines if not line.startswith("#")))
    assert rows[0] == ["name", "origin", "group", "part"]
    assert {len(row) for row in rows} == {4}
