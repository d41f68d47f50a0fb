"""What is known of how models fared on the golden set, on either database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from leadscout_assets.database.audit import events
from leadscout_assets.llm.evaluating import Evaluation
from leadscout_assets.llm.measurements import Measurement, measurements, note_measured
from leadscout_assets.llm.schema import BANDS, form
from tests.database.conftest import database as either  # noqa: F401
from tests.database.conftest import migrated_postgres  # noqa: F401  which it begins as

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FORM = form(reveal_religion=False)
BAND = {"right": 8, "all": 10, "share": 0.8, "calibrated": 0.77}
FOUND = Evaluation(
    "local/qwen2.5:7b-instruct", FORM.prompt_hash, FORM.schema_hash, 100, 80, 60, 20, 0.9, dict.fromkeys(BANDS, BAND), 2,
    0.001, 1.5, 2.5, {},
)  # fmt: skip


def test_the_newest_measurement_of_each_model_holds(either):  # noqa: F811
    note_measured(either, FOUND, "0123456789ab", now=NOON, actor="somebody")
    note_measured(either, replace(FOUND, model="local/other"), "0123456789ab", now=NOON)
    later = NOON + timedelta(hours=1)
    note_measured(either, replace(FOUND, right=20), "0123456789ab", now=later)
    assert measurements(either, FORM) == {
        ("local", "qwen2.5:7b-instruct"): Measurement(later, False, 0.25, dict.fromkeys(BANDS, 0.77)),
        ("local", "other"): Measurement(NOON, True, 0.75, dict.fromkeys(BANDS, 0.77)),
    }
    told = [(event.reason, event.detail["passed"]) for event in events(either, action="model.measured")]
    assert told == [(FOUND.model, True), ("local/other", True), (FOUND.model, False)]


def test_a_measurement_is_of_one_prompt_and_one_schema(either):  # noqa: F811
    note_measured(either, FOUND, "0123456789ab", now=NOON)
    assert measurements(either, form(reveal_religion=True)) == {}
    assert measurements(either, replace(FORM, prompt="Guess.")) == {}


@pytest.mark.parametrize(
    ("changes", "passes"),
    [
        ({}, True),
        ({"right": 48}, True),
        ({"right": 47}, False),
        ({"told": 0.49}, False),
        ({"answered": 0, "right": 0}, False),
        ({"undecided": {"no_answer": 5}}, True),
        ({"undecided": {"no_answer": 3, "in_doubt": 3}}, False),
    ],
)
def test_what_passes_is_mostly_right_tells_mostly_and_came_back_nearly_whole(changes, passes):
    assert replace(FOUND, **changes).passes is passes
