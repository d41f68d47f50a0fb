"""Run records added up: each once, by asset, and nothing of assets that are not known."""

from __future__ import annotations

from dataclasses import replace

from leadscout_assets.metrics.families import Sample
from leadscout_assets.metrics.steps import StepTotals, key_of
from leadscout_assets.runs.record import RunRecord
from leadscout_assets.terms import Outcome

RECORD = RunRecord("classifications", "run-1", 2, 100, 98, 2.0, 50.0, 210.0, cpu_seconds=1.5)


def value(samples: list[Sample], family: str, *labels: str) -> float:
    (found,) = [s.value for s in samples if (s.family, s.labels) == (family, labels)]
    return found


def test_totals_are_there_from_the_beginning_and_grow_with_each_record():
    totals = StepTotals(["classifications"])
    assert value(totals.samples(), "steps_total", "classifications", "failed") == 0
    assert value(totals.samples(), "leads_classified_total", "abstained") == 0
    totals.add([replace(RECORD, answered=60, narrowed=30, abstained=8), replace(RECORD, run_id="run-2", answered=1)])
    found = totals.samples()
    assert value(found, "steps_total", "classifications", "succeeded") == 2
    assert value(found, "rows_in_total", "classifications") == 200
    assert value(found, "leads_classified_total", "answered") == 61
    assert value(found, "leads_classified_total", "narrowed") == 30
    assert value(found, "step_cpu_seconds_total", "classifications") == 3.0
    assert value(found, "step_last_peak_memory_bytes", "classifications") == 210_000_000
    (histogram,) = [s for s in found if s.family == "step_seconds"]
    assert (sum(histogram.counts), histogram.value) == (2, 4.0)


def test_a_step_that_failed_counts_as_failed_and_makes_nothing():
    totals = StepTotals(["classifications"])
    totals.add([replace(RECORD, outcome=Outcome.FAILED, retries=1)])
    found = totals.samples()
    assert value(found, "steps_total", "classifications", "failed") == 1
    assert value(found, "step_retries_total", "classifications") == 1
    assert {s.family for s in found}.isdisjoint({"rows_in_total", "step_seconds", "step_last_seconds"})


def test_what_language_models_were_asked_is_there_from_the_beginning_and_adds_up():
    totals = StepTotals(["classifications"])
    assert value(totals.samples(), "model_names_total", "undecided") == 0
    assert value(totals.samples(), "model_call_refusals_total") == 0
    assert "model_call_p95_seconds" not in {s.family for s in totals.samples()}
    asked = replace(
        RECORD, network_calls=3, tokens=900, tokens_out=100, names_asked=60, names_decided=50, cache_hits=10, call_retries=2,
        call_refusals=1, call_p50_seconds=1.5, call_p95_seconds=2.5,
    )  # fmt: skip
    # One whose names all had an answer makes no call, and says nothing of how long one takes.
    totals.add([asked, replace(RECORD, run_id="run-2", names_asked=60, names_decided=50, cache_hits=60)])
    found = totals.samples()
    assert value(found, "model_names_total", "decided") == 100
    assert value(found, "model_names_total", "undecided") == 20
    assert value(found, "model_cache_hits_total") == 70
    assert value(found, "model_call_retries_total") == 2
    assert value(found, "model_call_refusals_total") == 1
    assert value(found, "tokens_out_total", "classifications") == 100
    assert value(found, "model_call_median_seconds") == 1.5
    assert value(found, "model_call_p95_seconds") == 2.5


def test_rejected_rows_count_once_although_both_tables_of_the_step_tell_of_them():
    totals = StepTotals(["leads", "rejected_leads"])
    totals.add([replace(RECORD, asset=asset, rejected=7) for asset in ("leads", "rejected_leads")])
    assert value(totals.samples(), "rows_rejected_total") == 7


def test_an_asset_that_is_not_known_makes_no_series():
    totals = StepTotals(["leads"])
    totals.add([replace(RECORD, asset="somebody elses")])
    assert [s.value for s in totals.samples() if s.family == "steps_total" and s.value] == []


def test_two_attempts_of_a_run_are_two_records_and_two_events_of_one_are_one():
    assert key_of(RECORD) == key_of(replace(RECORD, seconds=2.5))
    assert (
        len({key_of(RECORD), key_of(replace(RECORD, retries=1)), key_of(replace(RECORD, outcome=Outcome.FAILED))}) == 3
    )
