"""A signal ends a command's work well; a second one, or too long a wait, ends it at once, and its file says so."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from leadscout_assets.cli.long_work import SIGNALS, long_work
from leadscout_assets.errors import Stopped

AT_WORK = """
import signal, sys, time
from leadscout_assets.cli import long_work as module
from leadscout_assets.settings import current_settings
module.GRACE_SECONDS = {grace}
with module.long_work(current_settings(), "run", total=10) as work:
    work.progress.advance(3)
    if {deaf}:
        # As Dagster does while it executes a run: the main thread learns of no signal.
        for number in module.SIGNALS:
            signal.signal(number, lambda *_: print("asked", flush=True))
    print("here", flush=True)
    while True:
        time.sleep(600)
"""


@pytest.fixture
def at_work(home):
    """Starts a process in the middle of its work; a `deaf` one takes no signal."""
    begun: list[subprocess.Popen[str]] = []

    def at_work(*, deaf: bool, grace: float = 60.0) -> subprocess.Popen[str]:
        code = AT_WORK.format(deaf=deaf, grace=grace)
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        begun.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        return process

    yield at_work
    for process in begun:
        process.kill()
        process.wait()
        process.stdout.close()


def state(home, process) -> str:
    return json.loads((home.progress_dir / f"run-{process.pid}.json").read_text())["state"]


@pytest.mark.processes
class TestInAProcess:
    def test_the_first_signal_unwinds_the_work(self, home, at_work):
        process = at_work(deaf=False)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 1  # the exception, which nobody catches here
        assert state(home, process) == "cancelled"

    def test_the_second_ends_it_at_once(self, home, at_work):
        process = at_work(deaf=True)
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "asked\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM
        assert state(home, process) == "cancelled"

    def test_without_a_second_it_ends_when_the_grace_is_over(self, home, at_work):
        process = at_work(deaf=True, grace=0.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM
        assert state(home, process) == "cancelled"


def test_a_signal_raises_stopped_with_its_number_and_the_handlers_come_back(home):
    before = [signal.getsignal(number) for number in SIGNALS]
    with pytest.raises(Stopped) as stopped, long_work(home, "run"):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(30)
    assert stopped.value.number == signal.SIGTERM
    assert [signal.getsignal(number) for number in SIGNALS] == before
    assert signal.set_wakeup_fd(-1) == -1


def test_an_interruption_by_a_library_is_told_as_the_signal_that_it_was(home):
    with pytest.raises(Stopped) as stopped, long_work(home, "run") as work:
        work.signal = signal.SIGHUP
        raise KeyboardInterrupt
    assert stopped.value.number == signal.SIGHUP


def test_between_two_pieces_of_work_a_signal_that_somebody_took_is_not_lost(home):
    with long_work(home, "run") as work:
        work.go_on()
    with pytest.raises(Stopped), long_work(home, "run") as work:
        # Dagster has handlers of its own while it executes a run.
        before = signal.signal(signal.SIGTERM, lambda *_: None)
        os.kill(os.getpid(), signal.SIGTERM)
        signal.signal(signal.SIGTERM, before)
        deadline = time.monotonic() + 10
        while work.signal is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        work.go_on()


def test_what_nohup_has_ignored_stays_ignored(home):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with long_work(home, "run"):
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_outside_the_main_thread_signals_are_left_alone(home):
    before, seen = signal.getsignal(signal.SIGTERM), []

    def work() -> None:
        with long_work(home, "run"):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_an_error_is_passed_on_as_it_is(home):
    with pytest.raises(ZeroDivisionError), long_work(home, "run", written=False):
        raise ZeroDivisionError
    assert not home.progress_dir.exists()
