"""The run record: what it measures, and that it reads back from metadata as it was written."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscout_assets.runs.record import PREFIX, RunRecord, Stopwatch, measured, peak_memory_mb

reals = st.floats(0, 1e9)
counts = st.integers(0, 10**9)
records = st.builds(RunRecord, st.text(), st.text(), counts, counts, counts, reals, reals, reals)


@given(records)
def test_a_record_reads_back_from_its_metadata_among_other_keys(record):
    metadata = record.to_metadata()
    assert all(key.startswith(PREFIX) for key in metadata)
    assert RunRecord.from_metadata({**metadata, "dagster/row_count": 5, "asset": "another"}) == record


def test_metadata_without_one_of_the_keys_is_no_record():
    metadata = Stopwatch(1.0, 1.0).record(asset="leads", run_id="local", batches=1, rows_in=1, rows_out=1).to_metadata()
    for key in metadata:
        with pytest.raises(KeyError, match=key):
            RunRecord.from_metadata({other: value for other, value in metadata.items() if other != key})


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


def test_nothing_is_measured_before_the_block_ends():
    with measured() as watch:
        assert watch.seconds == 0.0


@pytest.mark.skipif(sys.platform != "linux", reason="macOS counts in bytes")
def test_peak_memory_is_the_peak_that_the_kernel_tells_in_kibibytes():
    told = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert told
    assert peak_memory_mb() == pytest.approx(int(told[1]) * 1024 / 1e6, rel=0.02)


def test_peak_memory_is_in_megabytes_and_never_falls():
    before = peak_memory_mb()
    block = bytearray(60_000_000)
    after = peak_memory_mb()
    assert 10 < before <= after < 100_000
    del block
    assert peak_memory_mb() >= after
