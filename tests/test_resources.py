"""A sample of a process is of that process, in the units that it says."""

from __future__ import annotations

import os
import tempfile

import numpy as np

from leadscout_assets.resources import sample


def test_memory_and_files_that_a_process_takes_are_seen():
    before = sample()
    assert before is not None
    block = np.ones(20_000_000, dtype=np.uint8)
    with tempfile.TemporaryFile():
        after = sample(os.getpid())
    assert after is not None
    assert after.rss_bytes - before.rss_bytes > block.nbytes // 2
    assert after.open_files == before.open_files + 1
    assert after.cpu_seconds >= before.cpu_seconds > 0
    assert after.threads >= 1
    assert set(after.to_json()) == {"rss_bytes", "cpu_seconds", "open_files", "threads"}


def test_a_process_that_is_not_there_has_none():
    assert sample(2**22 + 1) is None
