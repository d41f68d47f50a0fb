from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

SUITE = """
import os
import pytest

alone = "FIRST_GO" not in os.environ

@pytest.mark.processes
def test_racing():
    assert alone or not {racing}

def test_sharing():
    assert alone or not {sharing}

@pytest.mark.processes
def test_broken():
    assert not {broken}
"""


@pytest.mark.parametrize(
    ("failing", "code", "told"),
    [
        (("racing",), 0, "FLAKY, mend what they do not wait for: test_suite.py::test_racing"),
        (("broken",), 1, "FAILED test_suite.py::test_broken"),
        (("racing", "broken"), 1, "FAILED test_suite.py::test_broken"),
        (("sharing",), 1, "FAILED before, though not by themselves: test_suite.py::test_sharing"),
        (("racing", "sharing"), 1, "FAILED before, though not by themselves: test_suite.py::test_sharing"),
    ],
)
def test_only_what_loses_a_race_beside_others_is_forgiven(tmp_path, monkeypatch, failing, code, told):
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    processes: as ours\n")
    (tmp_path / "test_suite.py").write_text(
        SUITE.format(**{name: name in failing for name in ("racing", "sharing", "broken")})
    )
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    def go(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest", "-p", "no:xdist", *arguments, "test_suite.py"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    monkeypatch.setenv("FIRST_GO", "1")
    assert go().returncode == 1
    monkeypatch.delenv("FIRST_GO")
    second = go("--last-failed", "--last-failed-no-failures", "none", "-p", "tests.second_go")
    assert second.returncode == code, second.stdout
    assert told in second.stdout


def test_where_nothing_is_known_to_have_failed_the_run_stays_failed(tmp_path, monkeypatch):
    (tmp_path / "test_suite.py").write_text("def test_fine():\n    pass\n")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    command = [sys.executable, "-m", "pytest", "--last-failed", "--last-failed-no-failures", "none"]
    ended = subprocess.run(
        [*command, "-p", "tests.second_go"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, ended.stdout
