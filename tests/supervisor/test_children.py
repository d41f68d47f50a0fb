import os
import subprocess
import sys
import time

import psutil
import pytest

from leadscout_assets.supervisor.children import Child, belongs_to, end_leftovers
from leadscout_assets.supervisor.instance import MARK
from tests.waiting import until

SLEEPER = "import time; time.sleep(120)"
PARENT = (
    "import subprocess, sys, time; "
    f"child = subprocess.Popen([sys.executable, '-S', '-c', {SLEEPER!r}]); print(child.pid, flush=True); time.sleep(120)"
)
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(120)"


@pytest.fixture
def child(tmp_path):
    made = []

    def make(code, home="nobody's"):
        environment = {**os.environ, MARK: str(home)}
        name = f"sample{len(made) or ''}"
        made.append(Child(name, [sys.executable, "-S", "-c", code], environment, tmp_path, tmp_path / "logs"))
        return made[-1]

    yield make
    for one in made:
        one.kill_group()


def test_a_process_runs_in_its_own_session_and_speaks_to_its_log(child):
    one = child("print('spoken')")
    one.start()
    until(lambda: not one.runs)
    assert one.log_file.read_text() == "spoken\n"
    assert one.log_file.stat().st_mode & 0o777 == 0o600
    two = child(SLEEPER)
    two.start()
    assert os.getsid(two.pid) == two.pid != os.getsid(0)


def test_before_its_first_start_there_is_nothing_to_ask_or_end(child):
    one = child(SLEEPER)
    one.terminate()
    one.kill_group()
    one.rotate_log()
    assert (one.pid, one.exit_code, one.runs, one.workers()) == (None, None, False, set())


def test_a_process_that_keeps_dying_is_started_after_longer_and_longer_pauses(child):
    # Long before the true time of any start, however lately the machine was switched on: none of its lives was long.
    clock = [time.monotonic() - 100_000]
    one = child("raise SystemExit(4)")
    one.start()
    pauses = []
    for _ in range(7):
        until(lambda: not one.runs)
        first = one.pid
        died = clock[0]
        while one.pid == first:
            one.keep_alive(lambda: clock[0])
            clock[0] += 0.5
        pauses.append(round(clock[0] - died - 0.5))
    assert one.exit_code in (4, None)
    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_a_process_that_ran_well_for_long_is_started_soon(child):
    one = child("")
    one.start()
    until(lambda: not one.runs)
    started = time.monotonic()
    one.keep_alive(lambda: started + 100)
    first = one.pid
    one.keep_alive(lambda: started + 100.9)
    assert one.pid == first
    one.keep_alive(lambda: started + 101)
    assert one.pid != first


def test_a_process_that_runs_is_left_alone(child):
    one = child(SLEEPER)
    one.start()
    first = one.pid
    one.keep_alive()
    assert one.pid == first


def test_the_end_of_a_group_is_the_end_of_whatever_it_started_even_after_its_leader(child):
    one = child(PARENT)
    one.start()
    grandchild = psutil.Process(int(until(one.log_file.read_text)))
    psutil.Process(one.pid).kill()
    until(lambda: not one.runs)
    assert grandchild.is_running()
    one.kill_group()
    until(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE)


def test_a_log_that_grew_too_large_is_put_aside_while_the_process_writes_on(child, tmp_path):
    go = tmp_path / "go"
    one = child(
        "import os, time\nprint('first', flush=True)\n"
        f"while not os.path.exists({str(go)!r}): time.sleep(0.01)\nprint('second', flush=True)"
    )
    one.start()
    until(one.log_file.read_text)
    one.rotate_log(largest=100)
    assert one.log_file.read_text() == "first\n"
    one.rotate_log(largest=5)
    go.touch()
    until(lambda: not one.runs)
    assert one.log_file.with_name("sample.log.1").read_text() == "first\n"
    assert one.log_file.read_text() == "second\n"


def test_what_a_killed_platform_left_behind_is_ended_and_nothing_else(child, tmp_path):
    home, other = tmp_path / "home", tmp_path / "home2"
    mine, deaf, stranger = child(PARENT, home), child(DEAF, home), child(SLEEPER, other)
    for one in (mine, deaf, stranger):
        one.start()
    until(deaf.log_file.read_text)
    worker = psutil.Process(int(until(mine.log_file.read_text)))
    assert sorted(end_leftovers(home, patience=1.0)) == sorted([mine.pid, deaf.pid])
    assert not mine.runs
    assert not deaf.runs
    assert stranger.runs
    # A run's worker does not lead a session: it finishes its work.
    assert worker.is_running()
    worker.kill()
    assert end_leftovers(home) == []


def test_only_processes_of_the_home_belong_to_it(child, tmp_path):
    one = child(SLEEPER, tmp_path)
    one.start()
    process = psutil.Process(one.pid)
    # For an instant after its start, the system knows the process but not yet its environment.
    until(lambda: belongs_to(process, tmp_path))
    assert not belongs_to(process, tmp_path / "other")
    one.kill_group()
    assert not belongs_to(process, tmp_path)


def test_workers_are_the_spawned_processes_only(child):
    spawn = (
        "import multiprocessing as m, time\n"
        "if __name__ == '__main__':\n"
        "    p = m.get_context('spawn').Process(target=time.sleep, args=(120,)); p.start()\n"
        "    import subprocess, sys; subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(120)'])\n"
        "    print('ready', p.pid, flush=True); time.sleep(120)\n"
    )
    one = child(spawn)
    one.start()
    pid = int(
        until(
            lambda: one.log_file.is_file() and one.log_file.read_text().endswith("\n") and one.log_file.read_text()
        ).split()[1]
    )
    assert {process.pid for process in one.workers()} == {pid}


def test_the_supervisor_does_not_take_itself_for_a_leftover(tmp_path):
    code = (
        "from pathlib import Path; from leadscout_assets.supervisor.children import end_leftovers; "
        f"print(end_leftovers(Path({str(tmp_path)!r})))"
    )
    environment = {**os.environ, MARK: str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        start_new_session=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
