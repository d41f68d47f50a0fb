"""A sample of a process is of that process, in the units that it says."""

from __future__ import annotations

import subprocess
import sys

from leadscout_assets.resources import sample

TAKEN = 50_000_000
TAKES = f"""
import sys, tempfile
print("began", flush=True)
sys.stdin.readline()
block, file = b"1" * {TAKEN}, tempfile.TemporaryFile()
print("taken", flush=True)
sys.stdin.readline()
"""


def test_memory_and_files_that_a_process_takes_are_seen():
    with subprocess.Popen(
        [sys.executable, "-c", TAKES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        before = sample(process.pid)
        process.stdin.write("\n")
        process.stdout.readline()
        after = sample(process.pid)
        process.stdin.write("\n")
    assert before is not None
    assert after is not None
    assert after.rss_bytes - before.rss_bytes > 0.9 * TAKEN
    assert after.open_files == before.open_files + 1
    assert after.cpu_seconds >= before.cpu_seconds > 0
    assert after.threads >= 1
    assert set(after.to_json()) == {"rss_bytes", "cpu_seconds", "open_files", "threads"}


def test_a_process_of_its_own_needs_no_number():
    own = sample()
    assert own is not None
    assert own.rss_bytes > 0


def test_a_process_that_is_not_there_has_none():
    assert sample(2**22 + 1) is None
