"""The run record: what it measures, and that it reads back from metadata as it was written."""

from __future__ import annotations

import time
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscout_assets.runs.memory import open_files
from leadscout_assets.runs.record import PREFIX, RunRecord, Stopwatch, measured
from leadscout_assets.terms import Outcome

reals = st.floats(0, 1e9)
counts = st.integers(0, 10**9)
old_fields = (st.text(), st.text(), counts, counts, counts, reals, reals, reals)
records = st.builds(
    RunRecord, *old_fields, reals, *[counts] * 9, reals, st.sampled_from(Outcome), st.text(), st.text(), st.booleans(),
)  # fmt: skip


@settings(max_examples=40)
@given(records)
def test_a_record_reads_back_from_its_metadata_among_other_keys(record):
    metadata = record.to_metadata()
    assert all(key.startswith(PREFIX) for key in metadata)
    assert RunRecord.from_metadata({**metadata, "dagster/row_count": 5, "asset": "another"}) == record


@settings(max_examples=40)
@given(st.builds(RunRecord, *old_fields))
def test_a_record_of_an_earlier_version_reads_with_what_was_not_recorded_then_as_its_default(record):
    names = ("asset", "run_id", "batches", "rows_in", "rows_out", "seconds", "rows_per_second", "peak_memory_mb")
    assert RunRecord.from_metadata({PREFIX + name: getattr(record, name) for name in names}) == record


def test_metadata_without_one_of_the_first_keys_is_no_record():
    metadata = Stopwatch(1.0, 1.0).record(asset="leads", run_id="local", batches=1, rows_in=1, rows_out=1).to_metadata()
    for key in ("asset", "run_id", "batches", "rows_in", "rows_out", "seconds", "rows_per_second", "peak_memory_mb"):
        with pytest.raises(KeyError, match=key):
            RunRecord.from_metadata({other: value for other, value in metadata.items() if other != PREFIX + key})


def test_what_has_nothing_to_say_is_not_written():
    record = Stopwatch(1.0, 1.0).record(asset="leads", run_id="local", batches=1, rows_in=1, rows_out=1)
    unsaid = {"tokens", "cost_usd", "network_calls", "retries", "outcome"}
    assert not {PREFIX + name for name in unsaid} & record.to_metadata().keys()


def test_every_field_says_what_it_means():
    assert [field.name for field in fields(RunRecord) if not field.metadata["means"]] == []


@pytest.mark.parametrize(
    ("rows", "batches", "code", "words"),
    [
        (0, 1, "r0b0", "0 to 9 rows, 1 to 9 batches, cold"),
        (9, 9, "r0b0", "0 to 9 rows, 1 to 9 batches, cold"),
        (10, 10, "r1b1", "10 to 99 rows, 10 to 99 batches, cold"),
        (20_000, 365, "r4b2", "10,000 to 99,999 rows, 100 to 999 batches, cold"),
    ],
)
def test_the_size_class_is_the_orders_of_magnitude_of_rows_and_batches(rows, batches, code, words):
    record = Stopwatch(1.0).record(asset="leads", run_id="r", batches=batches, rows_in=rows, rows_out=0)
    assert (record.size_class, record.kind_in_words) == (code, words)
    assert record.to_metadata()[f"{PREFIX}size_class"] == code


def test_rows_per_second_are_rows_in_over_the_seconds_of_work():
    record = Stopwatch(0.5, 100.0).record(asset="leads", run_id="local", batches=2, rows_in=500, rows_out=480)
    assert (record.seconds, record.rows_per_second, record.rows_in, record.rows_out) == (0.5, 1000.0, 500, 480)
    assert record.peak_memory_mb == 100.0


def test_work_too_short_to_measure_has_no_rate():
    assert Stopwatch(0.0, 1.0).record(asset="a", run_id="r", batches=1, rows_in=5, rows_out=5).rows_per_second == 0.0


def test_a_block_is_measured_also_where_it_raises():
    with pytest.raises(ZeroDivisionError), measured() as watch:
        _ = 1 / 0
    assert watch.seconds > 0
    assert watch.peak_memory_mb > 0


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(ZeroDivisionError, Outcome.FAILED), (KeyboardInterrupt, Outcome.CANCELLED), (SystemExit, Outcome.CANCELLED)],
)
def test_it_is_told_how_a_block_ended(error, outcome):
    with pytest.raises(error), measured() as watch:
        raise error
    assert watch.outcome is outcome


def test_nothing_is_measured_before_the_block_ends():
    with measured() as watch:
        assert watch.seconds == 0.0


def test_processor_time_counts_work_and_not_waiting():
    with measured() as waiting:
        time.sleep(0.2)
    with measured() as working:
        until = time.process_time() + 0.1
        while time.process_time() < until:
            pass
    assert waiting.seconds >= 0.2
    assert waiting.cpu_seconds < 0.1 <= working.cpu_seconds


def test_files_that_a_block_leaves_open_or_closes_are_counted(tmp_path):
    with measured() as idle:
        pass
    with measured() as opening:
        held = [(tmp_path / str(n)).open("w") for n in range(5)]
    with measured() as closing:
        for file in held:
            file.close()
    assert idle.open_files > 0
    assert opening.open_files == closing.open_files == idle.open_files + 5
    assert opening.record(asset="a", run_id="r", batches=1, rows_in=1, rows_out=1).open_files == opening.open_files


def test_where_the_system_does_not_list_open_files_there_are_none(tmp_path):
    assert open_files((tmp_path / "none",)) == 0


def test_only_the_first_time_in_a_process_is_cold():
    with measured("a step of this test") as first, measured("a step of this test") as second, measured() as unnamed:
        pass
    assert (first.cold, second.cold, unnamed.cold) == (True, False, True)
