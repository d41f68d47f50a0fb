import fcntl
import os

import pytest

from leadscout_assets.errors import AlreadyRunning, EdgeFailed
from leadscout_assets.supervisor import lock
from leadscout_assets.supervisor.lock import PID_FILE, hold_home, running_pid


def test_a_second_platform_on_the_same_home_is_refused_and_told_the_pid_of_the_first(tmp_path):
    with hold_home(tmp_path), pytest.raises(AlreadyRunning, match=rf"process {os.getpid()};"), hold_home(tmp_path):
        pass


def test_platforms_on_different_homes_do_not_meet(tmp_path):
    with hold_home(tmp_path / "one"), hold_home(tmp_path / "two"):
        assert running_pid(tmp_path / "one") == running_pid(tmp_path / "two") == os.getpid()


def test_a_pid_file_that_a_killed_platform_left_behind_is_harmless(tmp_path):
    (tmp_path / PID_FILE).write_text(f"{os.getpid()}\n")
    assert running_pid(tmp_path) is None
    with hold_home(tmp_path):
        assert running_pid(tmp_path) == os.getpid()


def test_after_the_platform_has_ended_the_home_is_free(tmp_path):
    with hold_home(tmp_path):
        pass
    assert running_pid(tmp_path) is None
    with hold_home(tmp_path):
        pass


def test_a_longer_stale_pid_does_not_shine_through_the_new_one(tmp_path):
    (tmp_path / PID_FILE).write_text("12345678901234\n")
    with hold_home(tmp_path):
        assert (tmp_path / PID_FILE).read_text() == f"{os.getpid()}\n"


def test_a_home_that_does_not_exist_is_not_running(tmp_path):
    assert running_pid(tmp_path / "nowhere") is None


def asking(home):
    """Hold the lock as `running_pid` does while it asks."""
    descriptor = os.open(home / PID_FILE, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def test_two_who_ask_after_a_platform_was_killed_do_not_take_each_other_for_it(tmp_path):
    (tmp_path / PID_FILE).write_text("12345\n")
    other = asking(tmp_path)
    assert running_pid(tmp_path) is None
    os.close(other)


def test_a_platform_that_starts_while_somebody_asks_waits_for_the_answer(tmp_path, monkeypatch):
    (tmp_path / PID_FILE).write_text("12345\n")
    other = asking(tmp_path)
    monkeypatch.setattr(lock.time, "sleep", lambda _: os.close(other))
    with hold_home(tmp_path):
        assert (tmp_path / PID_FILE).read_text() == f"{os.getpid()}\n"


def test_who_asks_while_a_platform_starts_waits_for_its_name(tmp_path, monkeypatch):
    with hold_home(tmp_path):
        (tmp_path / PID_FILE).write_text("")
        monkeypatch.setattr(lock.time, "sleep", lambda _: (tmp_path / PID_FILE).write_text("77\n"))
        assert running_pid(tmp_path) == 77


def test_who_may_only_read_the_home_may_ask(tmp_path):
    with hold_home(tmp_path):
        (tmp_path / PID_FILE).chmod(0o444)
        assert running_pid(tmp_path) == os.getpid()


def test_a_home_that_cannot_be_written_is_a_fault_that_names_the_setting(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EdgeFailed, match="LEADSCOUT_HOME"), hold_home(tmp_path / "file"):
        pass
    (tmp_path / PID_FILE).mkdir()
    with pytest.raises(EdgeFailed, match="LEADSCOUT_HOME"), hold_home(tmp_path):
        pass
