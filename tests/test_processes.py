"""A process is told from another that has its id, and from none."""

from __future__ import annotations

import os
import subprocess
import sys

from leadscout_assets import processes
from leadscout_assets.processes import identity, is_alive


def test_a_living_process_has_one_identity():
    assert identity(os.getpid()) == identity(os.getpid())
    assert identity(os.getpid()) != identity(os.getppid())
    assert is_alive(os.getpid(), identity(os.getpid()))


def test_an_id_that_is_another_ones_by_now_is_not_the_process():
    assert not is_alive(os.getpid(), "another boot:1")
    assert is_alive(os.getpid(), None)


def test_one_that_has_ended_is_none_also_before_it_is_waited_for():
    with subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE) as process:
        known = identity(process.pid)
        assert process.stdout is not None
        process.stdout.read()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert identity(process.pid) is None
        assert not is_alive(process.pid, known)
    assert identity(process.pid) is None


def test_a_name_with_brackets_is_read_right(tmp_path):
    program = tmp_path / "odd) 1 Z (name"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([str(program), "600"]) as process:
        found = identity(process.pid)
        process.kill()
    assert found is not None
    assert found.count(":") == 1
    assert found.split(":")[1].isdigit()


def test_elsewhere_than_on_linux_the_time_of_its_start_tells(monkeypatch):
    monkeypatch.setattr(processes.sys, "platform", "darwin")
    assert identity(os.getpid()) == identity(os.getpid())
    assert float(identity(os.getpid()) or 0) > 0
    assert identity(2**22 + 1) is None
