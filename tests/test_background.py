"""What is started in the background lives without us, is found again, is never taken for another process, and ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from leadscout_assets import background
from leadscout_assets.background import Job, find, jobs, refused, start, stop
from leadscout_assets.errors import BadInput, EdgeFailed
from leadscout_assets.processes import identity
from leadscout_assets.progress import read_all, tracked

pytestmark = pytest.mark.processes

SLEEPER = "import time; print('here', flush=True); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"


@pytest.fixture
def begin(home):
    """Starts a program in the background; all are ended at the end."""
    begun: list[Job] = []

    def begin(code: str = SLEEPER, operation: str = "run") -> Job:
        job = start(home, operation, [code], command=(sys.executable, "-c"))
        begun.append(job)
        deadline = time.monotonic() + 30
        while job.runs and "here" not in (job.log.read_text() if job.log else ""):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return job

    yield begin
    for job in begun:
        if job.runs:
            os.kill(job.pid, signal.SIGKILL)
    for job in begun:
        try:
            os.waitpid(job.pid, 0)
        except ChildProcessError:
            continue


def test_it_has_a_session_of_its_own_no_input_and_its_output_in_a_log(home, begin):
    job = begin(
        "import os, sys; print(os.getsid(0) == os.getpid(), sys.stdin.read() == '', 'here', flush=True); import time; time.sleep(600)"
    )
    assert job.log is not None
    assert job.log.read_text() == "True True here\n"
    assert job.log.stat().st_mode & 0o077 == 0
    assert psutil.Process(job.pid).terminal() is None


def test_it_is_found_by_each_of_its_names(home, begin):
    job = begin()
    assert [found.name for found in jobs(home)] == [job.name]
    for name in ("run", job.name, str(job.pid)):
        assert find(home, name).pid == job.pid


def test_it_is_seen_before_it_has_said_a_word(home, begin):
    job = begin()
    (seen,) = read_all(home.progress_dir)
    assert (seen.told["pid"], seen.state, seen.told["stage"]) == (job.pid, "running", "about to start")


def test_of_two_of_a_kind_one_must_be_named(home, begin):
    one, two = begin(), begin()
    with pytest.raises(BadInput, match=rf"{one.name}.*{two.name}|{two.name}.*{one.name}"):
        find(home, "run")
    with pytest.raises(BadInput, match="nothing runs under this name"):
        find(home, "backup")


def test_a_stop_ends_it_and_forgets_it(home, begin):
    job = begin()
    assert stop(job) is True
    assert jobs(home) == []
    assert list(home.background_dir.glob("*.json")) == []


def test_one_that_does_not_listen_is_killed(home, begin):
    job = begin(STUBBORN)
    assert stop(job, seconds=0.3) is False
    assert not job.runs


def test_at_once_asks_twice(home, begin):
    twice = (
        "import signal, os\n"
        "asked = []\n"
        "def stop(*_):\n"
        "    asked.append(1)\n"
        "    if len(asked) == 2: os._exit(143)\n"
        "signal.signal(signal.SIGTERM, stop)\n"
        "print('here', flush=True)\n"
        "import time\n"
        "while True: time.sleep(0.05)\n"
    )
    assert stop(begin(twice), at_once=True) is True


def test_a_file_of_a_process_that_is_gone_counts_for_nothing(home, begin):
    job = begin()
    os.kill(job.pid, signal.SIGKILL)
    os.waitpid(job.pid, 0)
    assert jobs(home) == []
    assert list(home.background_dir.glob("*.json")) == []


def test_a_process_that_has_the_id_by_now_is_neither_listed_nor_signalled(home, begin):
    job = begin()
    (path,) = home.background_dir.glob("*.json")
    known = json.loads(path.read_text())
    path.write_text(json.dumps(known | {"process": "an earlier boot:17"}))
    for progress in home.progress_dir.glob("run-*.json"):
        progress.unlink()
    assert jobs(home) == []
    assert stop(Job("run", job.pid, "an earlier boot:17", None)) is True
    assert psutil.Process(job.pid).is_running()


def test_a_damaged_file_is_removed(home):
    home.background_dir.mkdir(parents=True)
    (home.background_dir / "run-1.json").write_text("{")
    assert jobs(home) == []
    assert not (home.background_dir / "run-1.json").exists()


def test_work_in_another_terminal_is_found_by_its_progress(home):
    with tracked(home, "backfill", unit="batches"), tracked(home, "leads", run_id="abc", total=3):
        (job,) = jobs(home)
    assert (job.operation, job.pid, job.process) == ("backfill", os.getpid(), identity(os.getpid()))


def test_only_so_many_logs_stay(home, begin, monkeypatch):
    monkeypatch.setattr(background, "KEPT_LOGS", 2)
    for number in range(4):
        path = home.logs_dir / "background" / f"run-{number}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (number, number))
    begin()
    names = sorted(path.name for path in (home.logs_dir / "background").iterdir())
    assert len(names) == 3
    assert {"run-2.log", "run-3.log"} <= set(names)


def test_what_cannot_be_started_is_said_in_a_sentence(home):
    with pytest.raises(EdgeFailed, match="could not be started"):
        start(home, "run", [], command=("/nowhere/at/all",))


def test_the_command_line_can_be_started_as_a_module():
    told = subprocess.run([*background.COMMAND, "--help"], capture_output=True, text=True, check=True)
    assert "status" in told.stdout


@pytest.mark.parametrize(
    ("ends", "code"), [("sys.exit(2)", 2), ("os.kill(os.getpid(), 9)", 137), ("sys.exit(0)", None)]
)
def test_what_ends_before_it_begins_leaves_no_entry_and_its_code_is_known(home, ends, code):
    job = start(home, "run", [f"import os, sys; {ends}"], command=(sys.executable, "-S", "-c"))
    assert refused(home, job, 30) == code
    assert (read_all(home.progress_dir), jobs(home)) == ([], [])
    assert list(home.background_dir.glob("*.json")) == []


def test_what_has_begun_is_not_waited_for_and_keeps_its_entry(home, begin):
    job = begin()
    told = json.loads((home.progress_dir / f"run-{job.pid}.json").read_text())
    (home.progress_dir / f"run-{job.pid}.json").write_text(json.dumps(told | {"stage": "leads"}))
    began = time.monotonic()
    assert refused(home, job, 30) is None
    assert time.monotonic() - began < 5
    os.kill(job.pid, signal.SIGKILL)
    os.waitid(os.P_PID, job.pid, os.WEXITED | os.WNOWAIT)
    assert refused(home, job, 0) == 137
    assert [seen.told["stage"] for seen in read_all(home.progress_dir)] == ["leads"]


def test_what_says_nothing_is_waited_for_no_longer_than_asked(home, begin):
    job = begin()
    assert refused(home, job, 0.01) is None
    assert [seen.told["pid"] for seen in read_all(home.progress_dir)] == [job.pid]
