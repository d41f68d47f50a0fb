"""Peak memory: of the process, and of a block of work although the process's own peak never falls."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from leadscout_assets.runs.memory import peak_memory_mb, watched_memory

linux = pytest.mark.skipif(sys.platform != "linux", reason="macOS counts in bytes and resets nothing")
BIG = 80_000_000


def resettable() -> bool:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


@linux
def test_peak_memory_is_the_peak_that_the_kernel_tells_in_kibibytes():
    told = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert told
    assert peak_memory_mb() == pytest.approx(int(told[1]) * 1024 / 1e6, rel=0.02)


@pytest.mark.parametrize("way", ["reset", "sampled"])
def test_a_block_sees_its_own_peak_and_not_that_of_the_work_before_it(way, tmp_path):
    if way == "reset" and not resettable():
        pytest.skip("this system does not let a process reset its peak")
    # A folder cannot be written to, as a file that may not.
    reset = Path("/proc/self/clear_refs") if way == "reset" else tmp_path
    with watched_memory(reset) as peak:
        block = bytearray(BIG)
        block[::4096] = b"x" * len(block[::4096])
        high = peak()
        del block
    with watched_memory(reset) as peak:
        later = peak()
    assert 10 < later < high - BIG / 1e6 / 2


def test_sampling_ends_with_the_block(tmp_path):
    import threading

    before = set(threading.enumerate())
    with watched_memory(tmp_path) as peak:
        # Those of other tests may end at any moment.
        (sampling,) = set(threading.enumerate()) - before
        assert peak() > 10
    assert not sampling.is_alive()
