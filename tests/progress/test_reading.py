"""A reader tells work under way from work whose process is gone, silent or idle, whatever the clocks do."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from leadscout_assets.progress import Progress, read_all, tracked
from leadscout_assets.progress.files import TYPES
from leadscout_assets.progress.reading import IDLE_SECONDS, SILENT_SECONDS, judged
from tests.progress.schema import SCHEMA

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


def told(**altered) -> dict:
    return {
        "operation": "run",
        "stage": "leads",
        "state": "running",
        "total": 10,
        "pid": 77,
        "host": socket.gethostname(),
        "run_id": None,
        "process": "boot:1",
        "timestamp": NOW.isoformat(),
        "beat": 1000.0,
        "idle_seconds": 0.0,
    } | altered


def judge(found, *, alive=True, clock=1001.0, now=NOW):
    return judged(found, alive=lambda *_: alive, clock=lambda: clock, now=lambda: now)


def test_work_under_way_is_running():
    assert judge(told()).state == "running"


@pytest.mark.parametrize("state", ["succeeded", "failed", "cancelled"])
def test_what_has_ended_is_not_judged(state):
    assert judge(told(state=state), alive=False, clock=9e9).state == state


def test_a_process_that_is_gone_is_said_so():
    seen = judge(told(), alive=False)
    assert (seen.state, seen.remark) == ("stalled", "its process is gone: it was killed")


def test_a_process_that_ended_before_its_first_stage_is_not_called_killed():
    assert "before it began" in judge(told(stage="about to start"), alive=False).remark


def test_a_silent_process_is_stalled():
    seen = judge(told(), clock=1000.0 + SILENT_SECONDS + 1)
    assert (seen.state, seen.remark) == ("stalled", "its process says nothing for 21 s")


def test_a_process_that_moves_nothing_for_long_is_stalled_but_not_where_nothing_is_counted():
    assert judge(told(idle_seconds=IDLE_SECONDS)).state == "stalled"
    assert judge(told(idle_seconds=IDLE_SECONDS, total=None)).state == "running"


@pytest.mark.parametrize("days", [-400, 400])
def test_a_clock_that_was_set_stalls_nothing_on_the_same_machine(days):
    assert judge(told(), now=NOW + timedelta(days=days)).state == "running"


def test_another_machine_is_known_by_its_heartbeat_alone():
    elsewhere = told(host="another machine", beat=5.0)
    assert judge(elsewhere, alive=False).state == "running"
    assert judge(elsewhere, alive=False, now=NOW + timedelta(minutes=1)).state == "stalled"


def test_files_that_are_none_of_ours_are_passed_over(home):
    with tracked(home, "run"):
        pass
    (home.progress_dir / "run-1.json").write_text("{")
    (home.progress_dir / "run-2.json").write_text("[]")
    (home.progress_dir / "notes.txt").write_text("by hand")
    # Each of these ended `status`, and every command that works, with a `KeyError`.
    (home.progress_dir / "run-3.json").write_text('{"operation": "run"}')
    (home.progress_dir / "run-4.json").write_text(json.dumps(Progress("run").to_json() | {"pid": "7"}))
    with tracked(home, "generate"):
        pass
    assert [seen.told["operation"] for seen in read_all(home.progress_dir)] == ["run", "generate"]
    together = json.loads((home.progress_dir / "batch-status.json").read_bytes())
    assert [one["operation"] for one in together["operations"]] == ["generate", "run"]


def test_the_keys_that_are_looked_for_are_those_of_the_schema():
    assert set(TYPES) == set(SCHEMA["required"])


def test_a_folder_that_is_not_there_holds_nothing(home):
    assert read_all(home.progress_dir) == []


@pytest.mark.processes
def test_a_killed_and_a_halted_process_are_recognised(home):
    code = (
        "import time\n"
        "from leadscout_assets.progress import tracked\n"
        "from leadscout_assets.settings import current_settings\n"
        "with tracked(current_settings(), 'run', total=10) as progress:\n"
        "    progress.stage('leads')\n"
        "    print('there', flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"there\n"
        (seen,) = read_all(home.progress_dir)
        assert seen.state == "running"
        os.kill(process.pid, signal.SIGSTOP)
        (path,) = home.progress_dir.glob("run-*.json")
        later = time.monotonic() + SILENT_SECONDS + 5
        assert "says nothing" in judged(json.loads(path.read_bytes()), clock=lambda: later).remark
        process.kill()
        process.wait()
        (seen,) = read_all(home.progress_dir)
        assert (seen.state, seen.remark) == ("stalled", "its process is gone: it was killed")
