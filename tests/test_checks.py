"""Every check passes on a sound batch and fails where its one fact is altered, with a sentence that says what to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leadscout_assets.checks import CHECKS, BatchFacts, Check, Limits, ReportFacts, limits_from
from leadscout_assets.names.outcome import ModelOutcome
from leadscout_assets.settings import Settings

LIMITS = Limits(max_reject_rate=0.1, max_duplicate_rate=0.2, min_classification_coverage=0.5, max_warning_rate=0.75)
TOTALS = {"delivered": 100, "leads": 90, "rejected": 10, "answered": 60, "narrowed": 10, "abstained": 20}
REPORT = ReportFacts(leads=90, rejected=10, totals=TOTALS)
SOUND = BatchFacts(
    batch_id="2026-03-02_list_0123abcd", delivered=100, raw=100, leads=90, rejected=10,
    reasons={"duplicate": 6, "totals_row": 4}, warnings={"no_phone": 40, "no_address": 67}, classifications=90,
    answered=60, narrowed=10, abstained=20, scores=90, report=REPORT,
)  # fmt: skip
BY_NAME = {f"{check.asset}.{check.name}": check for check in CHECKS}


def verdict(name: str, **altered: object):
    return BY_NAME[name].judge(replace(SOUND, **altered), LIMITS)


def test_every_asset_has_its_conservation_check_and_no_check_is_there_twice():
    assets = {"raw_leads", "leads", "rejected_leads", "classifications", "lead_scores", "lead_reports"}
    assert {check.asset for check in CHECKS if check.name == "conservation"} == assets
    assert len(BY_NAME) == len(CHECKS)
    assert {check.name for check in CHECKS} >= {
        "reject_rate", "duplicate_rate", "classification_coverage", "report_totals", "conservation",
    }  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.asset}.{check.name}")
def test_a_sound_batch_passes(check: Check):
    found = check.judge(SOUND, LIMITS)
    assert found.passed, found.sentence
    assert found.sentence


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.asset}.{check.name}")
def test_an_empty_batch_that_is_not_refused_divides_by_nothing(check: Check):
    totals = dict.fromkeys(TOTALS, 0)
    empty = BatchFacts(SOUND.batch_id, delivered=0, report=ReportFacts(0, 0, totals))
    assert check.judge(empty, LIMITS).passed


ALTERED = [
    ("raw_leads.conservation", {"raw": 99}),
    ("raw_leads.conservation", {"raw": 101}),
    ("raw_leads.conservation", {"delivered": 99}),
    ("raw_leads.conservation", {"delivered": None}),
    ("leads.conservation", {"leads": 89}),
    ("leads.conservation", {"rejected": 11}),
    ("leads.conservation", {"delivered": 101}),
    ("leads.conservation", {"delivered": None}),
    ("rejected_leads.conservation", {"rejected": 9}),
    ("rejected_leads.conservation", {"leads": 91}),
    ("leads.reject_rate", {"rejected": 30, "leads": 70}),
    ("leads.reject_rate", {"rejected": 21}),
    ("leads.duplicate_rate", {"reasons": {"duplicate": 21}}),
    ("leads.row_rules", {"warnings": {"no_phone": 68}}),
    ("classifications.conservation", {"classifications": 89}),
    ("classifications.conservation", {"leads": 91}),
    ("classifications.conservation", {"abstained": 19}),
    ("classifications.conservation", {"answered": 61}),
    ("classifications.conservation", {"classifications": 91, "abstained": 21}),
    ("classifications.classification_coverage", {"answered": 30, "narrowed": 14, "abstained": 46}),
    ("classifications.language_model", {"asked": ModelOutcome(9, 5, 0, {"cannot_tell": 1, "provider_down": 3}, 0.001)}),
    ("classifications.classification_purpose", {"purpose_refusal": "the purpose x is refused: why"}),
    ("lead_scores.conservation", {"scores": 89}),
    ("lead_scores.conservation", {"leads": 89}),
    ("lead_reports.conservation", {"report": None}),
    ("lead_reports.conservation", {"report": replace(REPORT, leads=89)}),
    ("lead_reports.conservation", {"report": replace(REPORT, rejected=11)}),
    ("lead_reports.conservation", {"leads": 91}),
    # As many rows as there should be, but not the right ones.
    ("lead_reports.conservation", {"report": replace(REPORT, leads=89, rejected=11)}),
    ("lead_reports.report_totals", {"report": None}),
    *(("lead_reports.report_totals", {"report": replace(REPORT, totals={**TOTALS, name: 1})}) for name in TOTALS),
    *(
        (
            "lead_reports.report_totals",
            {"report": replace(REPORT, totals={n: v for n, v in TOTALS.items() if n != name})},
        )
        for name in TOTALS
    ),
    *(("lead_reports.report_totals", {name: 1}) for name in TOTALS),
    *(
        ("lead_reports.report_totals", {"report": replace(REPORT, altered_files=(kind,))})
        for kind in ("xlsx", "html", "pdf")
    ),
]


@pytest.mark.parametrize(
    ("name", "altered"), ALTERED, ids=[f"{name}-{number}" for number, (name, _) in enumerate(ALTERED)]
)
def test_one_altered_fact_fails_the_check_and_the_sentence_says_what_to_do(name, altered):
    found = verdict(name, **altered)
    assert not found.passed
    assert ":" in found.sentence or ";" in found.sentence or "but" in found.sentence


def test_every_check_can_fail():
    assert {name for name, _ in ALTERED} == set(BY_NAME)


@pytest.mark.parametrize(
    ("name", "at_the_limit"),
    [
        ("leads.reject_rate", {"leads": 84, "rejected": 16, "reasons": {"duplicate": 6, "ragged_row": 10}}),
        ("leads.duplicate_rate", {"reasons": {"duplicate": 20}}),
        ("leads.row_rules", {"leads": 100, "warnings": {"no_phone": 75}}),
        ("classifications.classification_coverage", {"answered": 40, "narrowed": 5, "abstained": 45}),
    ],
)
def test_a_rate_at_its_limit_passes(name, at_the_limit):
    assert verdict(name, **at_the_limit).passed


def test_repetitions_do_not_count_as_rejected_for_cause():
    repeated = {"leads": 50, "rejected": 50, "reasons": {"duplicate": 50}}
    assert verdict("leads.reject_rate", **repeated).passed
    assert not verdict("leads.duplicate_rate", **repeated).passed


def test_titles_and_headers_that_are_no_leads_do_not_count_as_rejected_for_cause():
    titled = {"leads": 2, "rejected": 3, "reasons": {"above_header": 2, "repeated_header": 1}}
    assert verdict("leads.reject_rate", **titled).passed


def test_narrowed_names_count_as_covered():
    assert verdict("classifications.classification_coverage", answered=0, narrowed=90, abstained=0).passed


def test_without_a_purpose_coverage_is_not_asked_for():
    found = verdict("classifications.classification_coverage", answered=0, narrowed=0, abstained=90, without_purpose=90)
    assert found.passed
    assert "LEADSCOUT_CLASSIFICATION_PURPOSE" in found.sentence


@pytest.mark.parametrize(
    "check", [c for c in CHECKS if c.name in ("conservation", "report_totals")], ids=lambda c: f"{c.asset}.{c.name}"
)
def test_a_refused_batch_fails_with_the_reason_of_its_refusal(check):
    refused = BatchFacts(SOUND.batch_id, delivered=None, refusal="save the file without its password")
    found = check.judge(refused, LIMITS)
    assert not found.passed
    assert "password" in found.sentence


def test_figures_are_numbers_that_a_check_was_judged_on():
    assert verdict("leads.conservation").figures == {"rows delivered": 100, "leads + rejected": 100}
    assert verdict("leads.duplicate_rate").figures == {"share": 0.06, "limit": 0.2}
    for check in CHECKS:
        assert all(isinstance(value, int | float) for value in check.judge(SOUND, LIMITS).figures.values())


def test_limits_are_the_settings_of_the_same_names(home: Settings):
    changed = home.model_copy(update={"max_reject_rate": 0.01, "max_warning_rate": 0.02})
    limits = limits_from(changed)
    assert (limits.max_reject_rate, limits.max_warning_rate) == (0.01, 0.02)
    assert (limits.max_duplicate_rate, limits.min_classification_coverage) == (0.2, 0.5)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (None, "no language model is asked"), (ModelOutcome(0, 0, 0, {}, 0.0), "without a language model"),
        (ModelOutcome(3, 2, 0, {"cannot_tell": 1}, 0.1), "1 the model could not tell"),
    ],
)  # fmt: skip
def test_a_model_that_could_not_tell_is_no_fault(asked, told):
    found = verdict("classifications.language_model", asked=asked)
    assert found.passed
    assert told in found.sentence
