"""Run records as rows: nothing is lost on the way, and a run counts once however many batches it held."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings

from leadscout_assets.runs.history import RUN_PERFORMANCE, Event, to_entries, to_frame
from leadscout_assets.runs.record import RunRecord
from leadscout_assets.terms import Outcome
from tests.runs.test_record import records

NOON = datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC)


def record(asset: str = "leads", run: str = "one", **more) -> RunRecord:
    return RunRecord(asset, run, 1, 5, 5, 1.0, 5.0, 90.0, **more)


def test_the_table_has_a_column_for_each_field_of_the_record_that_says_what_it_means():
    means = {column.name: column.means for column in RUN_PERFORMANCE.columns}
    assert {field.name: field.metadata["means"] for field in fields(RunRecord)}.items() <= means.items()


@settings(max_examples=30)
@given(records)
def test_a_record_comes_back_from_the_table_as_it_was(found):
    frame = RUN_PERFORMANCE.fit(to_frame([Event(7, NOON, found, "2026-03-02_list_0123abcd", 3)]))
    (entry,) = to_entries(frame)
    assert (entry.record, entry.at, entry.incident) == (found, NOON, False)


def test_a_run_over_many_batches_counts_once():
    events = [Event(n, NOON + timedelta(seconds=n), record(), f"2026-03-02_list_0000000{n}") for n in range(1, 5)]
    assert len(to_entries(to_frame(events))) == 1


def test_of_a_step_that_was_tried_again_the_last_attempt_counts():
    failed = Event(1, NOON, record(outcome=Outcome.FAILED))
    done = Event(2, NOON + timedelta(seconds=5), record(retries=1))
    for given_events in ([failed, done], [done, failed]):
        (entry,) = to_entries(to_frame(given_events))
        assert (entry.record.outcome, entry.record.retries) == (Outcome.SUCCEEDED, 1)


def test_runs_come_oldest_first_and_incidents_are_marked():
    events = [Event(n, NOON + timedelta(hours=n), record(run=f"run {n}")) for n in (3, 1, 2)]
    found = to_entries(to_frame(events), incidents=["run 2"])
    assert [(e.record.run_id, e.incident) for e in found] == [("run 1", False), ("run 2", True), ("run 3", False)]


def test_no_rows_are_no_runs():
    assert to_entries(RUN_PERFORMANCE.empty()) == []
