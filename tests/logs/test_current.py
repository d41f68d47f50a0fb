"""What is being done now: one file, taken over by whichever run or command begins."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from leadscout_assets.logs import operation
from tests.logs.lines import CANARY, log_to_files


def told(logs) -> list[dict]:
    path = logs / "progress" / "current-operation.log"
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_operation_is_there_while_it_runs_whatever_the_level(tmp_path):
    logs = log_to_files(tmp_path / "home", log_level="CRITICAL")
    with operation("leads", run_id="r1", batch_id="b"):
        (running,) = told(logs)
    assert (running["operation"], running["state"], running["run_id"], running["batch_id"]) == (
        "leads", "running", "r1", "b",
    )  # fmt: skip
    done = told(logs)[-1]
    assert (done["state"], done["success"], done["process_id"]) == ("succeeded", True, os.getpid())


def test_a_failed_one_says_so_and_names_nobody(tmp_path):
    logs = log_to_files(tmp_path / "home")
    with pytest.raises(ValueError, match="Quagga"), operation("leads", run_id="r1", director_name=CANARY):
        raise ValueError(CANARY)
    assert (told(logs)[-1]["state"], told(logs)[-1]["error"]) == ("failed", "ValueError")
    assert CANARY not in str(told(logs))


def test_the_next_run_takes_the_file_over_and_the_steps_of_one_run_share_it(tmp_path):
    logs = log_to_files(tmp_path / "home")
    for run, step in (("r1", "raw_leads"), ("r1", "leads"), ("r2", "raw_leads")):
        with operation(step, run_id=run):
            pass
        if step == "leads":
            assert len(told(logs)) == 4
    assert [(line["run_id"], line["state"]) for line in told(logs)] == [("r2", "running"), ("r2", "succeeded")]


def test_what_happens_every_few_seconds_leaves_no_trace(tmp_path):
    logs = log_to_files(tmp_path / "home")
    with operation("inbox_tick", level="debug"):
        pass
    assert not (logs / "progress").exists()


def test_without_files_there_is_none(tmp_path, lines):
    with operation("leads"):
        pass
    assert lines.json


def test_a_file_that_cannot_be_written_stops_nothing(tmp_path):
    logs = log_to_files(tmp_path / "home")
    logs.mkdir()
    (logs / "progress").write_text("a file where the folder should be")
    with operation("leads"):
        pass


def test_another_process_takes_it_over_and_a_reader_never_sees_half_a_line(tmp_path):
    logs = log_to_files(tmp_path / "home")
    code = (
        "import sys, io; from pathlib import Path; from leadscout_assets.logs import operation, setup_logging\n"
        "from leadscout_assets.settings import read_settings\n"
        "setup_logging(read_settings(home=Path(sys.argv[1])), io.StringIO(), files=True)\n"
        "for run in range(300):\n"
        "    with operation('leads', run_id=f'other-{run}'): pass\n"
    )
    with operation("raw_leads", run_id="r1"):
        other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "home")])
        looks = 0
        while other.poll() is None:
            assert told(logs)
            looks += 1
        assert other.returncode == 0
    assert looks > 10
    assert {line["run_id"] for line in told(logs)} == {"other-299", "r1"}
