"""The platform in the background: up, followed, a run of it stopped, and down, from shells without a terminal."""

from __future__ import annotations

import json
import os
import re
import time

import psutil
import pytest

from leadscout_assets.leads.synthetic import write_delivery
from tests.e2e.terminal import STOPS_WITHIN, Terminal
from tests.waiting import until

pytestmark = [pytest.mark.processes, pytest.mark.soak, pytest.mark.timeout(900)]


@pytest.fixture
def terminal(tmp_path):
    terminal = Terminal(tmp_path)
    yield terminal
    # The supervisor first: it would start again what is ended under it.
    for path in (terminal.home / "background").glob("*.json"):
        known = json.loads(path.read_text())
        if psutil.pid_exists(known["pid"]):
            os.kill(known["pid"], 9)
    terminal.pull_the_plug()


def status(terminal: Terminal) -> dict[str, list[dict[str, object]]]:
    return json.loads(terminal.type("status", "--json").stdout)


def test_up_a_run_stopped_and_down(terminal, tmp_path):
    said = terminal.type("up", "--background")
    assert said.code == 0, said.stderr
    assert f"LeadScout is up: {terminal.url}" in said.stdout
    (up,) = status(terminal)["running"]
    assert (up["operation"], up["stage"]) == ("up", "serving")
    assert terminal.type("up", "--background").code == 3

    source = tmp_path / "leads.csv"
    write_delivery(source, 200_000, seed=3)
    terminal.drop(source)

    def run_id():
        return next((one["run_id"] for one in status(terminal)["running"] if one["run_id"]), None)

    run = str(until(run_id, "a step of the run is followed"))
    asked = time.monotonic()
    said = terminal.type("stop", run)
    assert said.code == 0, said.stderr
    until(lambda: {r["runId"]: r["status"] for r in terminal.runs()}[run] == "CANCELED", "the run is cancelled")
    assert time.monotonic() - asked < 3 * STOPS_WITHIN
    # Nobody starts it again: it was a person's decision.
    assert [found for found in terminal.runs() if found["parentRunId"] == run] == []
    assert [one["command"] for one in status(terminal)["resumable"]] == ["leadscout backfill --resume"]

    asked = time.monotonic()
    assert terminal.type("down").stdout == "the platform is down\n"
    assert time.monotonic() - asked < STOPS_WITHIN
    assert terminal.processes() == []
    assert status(terminal)["running"] == []


def test_the_demonstration_stays_up_in_the_background_until_it_is_taken_down(terminal):
    said = terminal.type("demo", "--background")
    pid = int(re.match(r"demo-(\d+) has started", said.stdout)[1])
    progress = terminal.home / "logs" / "progress" / f"demo-{pid}.json"
    until(lambda: json.loads(progress.read_text())["state"] == "succeeded", "the report is there")
    assert [one["operation"] for one in status(terminal)["running"]] == ["up"]
    assert terminal.type("stop", "up").code == 0
    until(lambda: not psutil.pid_exists(pid), "its process is gone")
