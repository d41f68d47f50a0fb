"""The code location as a service: it serves, it fails what its predecessor left, it ends when asked or when its server does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import psutil
import pytest

from leadscout_assets.errors import AlreadyRunning, EdgeFailed
from leadscout_assets.settings import Settings
from leadscout_assets.supervisor import code_location, prepare_instance, running_pid
from leadscout_assets.supervisor.children import belongs_to
from leadscout_assets.supervisor.code_location import serve_code_location
from leadscout_assets.supervisor.instance import Address
from leadscout_assets.supervisor.lock import hold_home
from tests.e2e.terminal import free_port
from tests.waiting import until

pytestmark = pytest.mark.processes


def left_behind(home):
    return [process for process in psutil.process_iter() if process.pid != os.getpid() and belongs_to(process, home)]


@pytest.mark.timeout(600)
def test_it_fails_the_runs_of_its_predecessor_serves_and_ends_well_when_it_is_asked_to(tmp_path, monkeypatch):
    from dagster import DagsterRunStatus
    from dagster._core.test_utils import create_run_for_test

    from leadscout_assets.defs.orphans import open_instance

    settings, port = Settings(home=tmp_path / "home", log_format="json"), free_port()
    with open_instance(prepare_instance(settings).folder) as instance:
        states = (DagsterRunStatus.STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.CANCELING)
        runs = [create_run_for_test(instance, status=state).run_id for state in states]
    monkeypatch.setattr(code_location, "LOOK_SECONDS", 0.1)

    def stop_once_it_serves():
        until(Address(port=port).answers, "it serves")
        served.append(running_pid(settings.home))
        os.kill(os.getpid(), signal.SIGTERM)

    served: list[int | None] = []
    threading.Thread(target=stop_once_it_serves, daemon=True).start()
    assert serve_code_location(settings, "127.0.0.1", port) == 0
    assert served == [os.getpid()]
    assert left_behind(settings.home) == []
    with open_instance(prepare_instance(settings).folder) as instance:
        statuses = [instance.get_run_by_id(run).status for run in runs]
    assert statuses == [DagsterRunStatus.FAILURE, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]


@pytest.mark.timeout(600)
def test_it_ends_with_its_code_server_so_that_whoever_watches_it_starts_it_again(tmp_path):
    settings = Settings(home=tmp_path / "home")
    with pytest.raises(EdgeFailed, match="the code server ended with code 1"):
        serve_code_location(settings, "127.0.0.1", free_port(), module="tests.supervisor.no_such_module")
    assert left_behind(settings.home) == []
    assert running_pid(settings.home) is None


def test_a_second_one_on_the_same_home_is_refused(tmp_path):
    settings = Settings(home=tmp_path / "home")
    holder = "import sys, time; from pathlib import Path; from leadscout_assets.supervisor.lock import hold_home\n"
    holder += "with hold_home(Path(sys.argv[1])): print('held', flush=True); time.sleep(120)"
    with subprocess.Popen([sys.executable, "-c", holder, str(settings.home)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(AlreadyRunning, match=f"process {other.pid}"):
            serve_code_location(settings, "127.0.0.1", free_port())
        other.kill()
    with hold_home(settings.home):
        assert running_pid(settings.home) == os.getpid()
