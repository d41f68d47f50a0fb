import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

from leadscout_assets.errors import BadSetting, EdgeFailed
from leadscout_assets.settings import Settings
from leadscout_assets.supervisor import running_pid, up
from leadscout_assets.supervisor.children import belongs_to

ROOT = Path(__file__).parents[2]
PATIENCE = 150.0
"""Seconds; a loaded machine has needed forty for a start."""

SCRIPT = """
import sys
from leadscout_assets.errors import LeadScoutError
from leadscout_assets.logs import setup_logging
from leadscout_assets.settings import read_settings
from leadscout_assets.supervisor import up
setup_logging(read_settings())
try:
    sys.exit(up(read_settings(), on_ready=lambda url: print("READY", flush=True), module=sys.argv[1]))
except LeadScoutError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""

LAUNCH = """mutation($params: ExecutionParams!) {
  launchRun(executionParams: $params) { __typename ... on LaunchRunSuccess { run { runId } } }
}"""
RUNS = "{ runsOrError { ... on Runs { results { runId parentRunId status stepStats { stepKey status } } } } }"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Terminal:
    """What a person does: start the platform in a terminal, look at its UI, press keys, pull plugs."""

    def __init__(self, folder):
        self.home, self.hold, self.port = folder / "home", folder / "hold", free_port()
        self.exporter_port = free_port()
        self.screen = folder / "screen"
        own = {
            "LEADSCOUT_HOME": str(self.home),
            "LEADSCOUT_PORT": str(self.port),
            "LEADSCOUT_EXPORTER_PORT": str(self.exporter_port),
            "HOLD_FILE": str(self.hold),
            # The processes run in the instance's folder, where `tests` is not to be found.
            "PYTHONPATH": str(ROOT),
        }
        self.environment = {**os.environ, **own}
        self.command = [sys.executable, "-c", SCRIPT, "tests.supervisor.held_definitions"]
        self.platform = None

    def start(self):
        with self.screen.open("w") as output:
            self.platform = subprocess.Popen(
                self.command, env=self.environment, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT
            )
        self.until(lambda: "READY" in self.screen.read_text() or self.platform.poll() is not None)
        assert self.platform.poll() is None, self.screen.read_text()

    def ask(self, query, **variables):
        body = json.dumps({"query": query, "variables": variables}).encode()
        url = f"http://127.0.0.1:{self.port}/graphql"
        request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["data"]

    def exporter_answers(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.exporter_port}/health", timeout=60) as answer:
                return answer.status == 200
        except OSError:
            return False

    def launch_and_hold(self):
        self.hold.touch()
        selector = {"repositoryLocationName": "leadscout", "repositoryName": "__repository__", "jobName": "both"}
        launched = self.ask(LAUNCH, params={"selector": selector, "runConfigData": {}})["launchRun"]
        run_id = launched["run"]["runId"]
        self.until(lambda: "second" in [step["stepKey"] for step in self.run(run_id)["stepStats"]])
        return run_id

    def run(self, run_id):
        return next(run for run in self.runs() if run["runId"] == run_id)

    def runs(self):
        return self.ask(RUNS)["runsOrError"]["results"]

    def retry_of(self, run_id):
        return next((run for run in self.runs() if run["parentRunId"] == run_id), None)

    def processes(self):
        return [process for process in psutil.process_iter() if belongs_to(process, self.home)]

    def pull_the_plug(self):
        self.platform.kill()
        self.platform.wait()
        for process in self.processes():
            process.kill()

    def until(self, condition):
        deadline = time.monotonic() + PATIENCE
        while not (value := condition()):
            assert time.monotonic() < deadline, self.screen.read_text()
            time.sleep(0.1)
        return value


@pytest.fixture
def terminal(tmp_path):
    made = Terminal(tmp_path)
    yield made
    made.hold.unlink(missing_ok=True)
    if made.platform is not None and made.platform.poll() is None:
        made.pull_the_plug()


# With the real definitions, five kills and a stop in mid-run are among the tests of tests/e2e.
@pytest.mark.soak
@pytest.mark.processes
@pytest.mark.timeout(900)
def test_a_run_outlives_the_death_of_everything_and_a_stop_leaves_nothing_behind(terminal):
    terminal.start()
    second = subprocess.run(terminal.command, env=terminal.environment, capture_output=True, text=True, check=False)
    assert second.returncode != 0
    assert f"AlreadyRunning: the platform already runs on {terminal.home}, as process {terminal.platform.pid};" in (
        second.stderr
    )

    terminal.until(terminal.exporter_answers)
    killed = terminal.launch_and_hold()
    terminal.pull_the_plug()
    terminal.hold.unlink()
    terminal.start()
    assert terminal.run(killed)["status"] == "FAILURE"
    retry = terminal.until(lambda: terminal.retry_of(killed))
    terminal.until(lambda: terminal.run(retry["runId"])["status"] == "SUCCESS")

    code_server = next(process for process in terminal.processes() if "grpc" in process.cmdline())
    code_server.kill()
    terminal.until(lambda: terminal.screen.read_text().count("process=code-server") == 3)

    def launches():
        try:
            return terminal.launch_and_hold()
        except (OSError, KeyError):
            return None

    stopped = terminal.until(launches)
    terminal.platform.send_signal(signal.SIGTERM)
    assert terminal.platform.wait(PATIENCE) == 0
    assert terminal.processes() == []
    assert not terminal.exporter_answers()
    assert running_pid(terminal.home) is None

    from leadscout_assets.defs.orphans import open_instance

    with open_instance(terminal.home / "dagster") as instance:
        run = instance.get_run_by_id(stopped)
    assert (run.status.value, run.tags["dagster/will_retry"]) == ("FAILURE", "true")


@pytest.mark.processes
def test_definitions_that_cannot_be_loaded_end_the_start_and_the_log_is_named(tmp_path):
    settings = Settings(home=tmp_path, port=free_port())
    with pytest.raises(EdgeFailed, match=r"the code-server ended with code 1 while starting.*code-server\.log"):
        up(settings, module="tests.supervisor.no_such_module")
    assert "no_such_module" in (tmp_path / "logs" / "code-server.log").read_text()
    assert [process for process in psutil.process_iter() if belongs_to(process, tmp_path)] == []
    assert running_pid(tmp_path) is None


def test_a_taken_port_is_told_before_anything_is_started(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(BadSetting, match="LEADSCOUT_PORT"):
            up(Settings(home=tmp_path, port=taken.getsockname()[1]))
    started = {"code-server", "webserver", "daemon"}
    assert not {path.stem for path in (tmp_path / "logs").glob("*.log")} & started
    assert running_pid(tmp_path) is None
