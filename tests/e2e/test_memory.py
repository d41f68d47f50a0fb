"""A platform that works for long does not grow: its processes hold as much memory after 200 runs as after 50."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from tests.defs.ground import small_list
from tests.e2e.conftest import ARTEFACTS
from tests.e2e.kills import SERVERS
from tests.e2e.terminal import Terminal
from tests.purposes import ENVIRONMENT
from tests.waiting import until

pytestmark = [pytest.mark.processes, pytest.mark.soak]

RUNS, TICKS, WARM = 200, 1_000, 50
GROWTH = 1.10
"""Memory at the end over memory after the first `WARM` runs and as many ticks per run as in all, at most."""

DRY_RUN = """mutation ($selector: SensorSelector!) {
  sensorDryRun(selectorData: $selector, cursor: null) {
    __typename ... on DryRunInstigationTick { evaluationResult { skipReason error { message } } }
  }
}"""
SELECTOR = {"repositoryLocationName": "leadscout", "repositoryName": "__repository__", "sensorName": "inbox"}


@pytest.mark.timeout(3 * 3600)
def test_memory_is_flat_over_a_thousand_ticks_and_two_hundred_runs(tmp_path):
    terminal = Terminal(tmp_path / "up", **ENVIRONMENT)
    (tmp_path / "up").mkdir()
    measured: dict[int, Mapping[str, float]] = {}
    try:
        terminal.up()
        for number in range(1, RUNS + 1):
            work(terminal, tmp_path, number, ticks=TICKS // RUNS)
            if number % WARM == 0:
                measured[number] = resident_megabytes(terminal)
        succeeded = [run for run in terminal.runs() if run["status"] == "SUCCESS"]
    finally:
        terminal.pull_the_plug()
    ARTEFACTS.mkdir(exist_ok=True)
    (ARTEFACTS / "memory.json").write_text(json.dumps(measured, indent=1))
    assert len(succeeded) == RUNS
    grown = {name: measured[RUNS][name] / megabytes for name, megabytes in measured[WARM].items()}
    assert {name: ratio for name, ratio in grown.items() if ratio > GROWTH} == {}, measured


def work(terminal: Terminal, folder: Path, number: int, *, ticks: int) -> None:
    """Have one file reported by a run of its own, and evaluate the sensor so many times besides the daemon's ticks."""
    source = folder / f"leads {number}.csv"
    source.write_text(small_list(2_000 + number))
    terminal.drop(source)
    until(lambda: len(terminal.runs()) >= number and terminal.rest(), f"run {number} has ended")
    # Not while a file waits: a dry run asks for its run, and nobody starts it.
    for _ in range(ticks):
        ticked = terminal.ask(DRY_RUN, selector=SELECTOR)["sensorDryRun"]
        assert ticked["__typename"] == "DryRunInstigationTick", ticked
        # Of a sensor that there is not, only this tells.
        assert "nothing new" in ticked["evaluationResult"]["skipReason"], ticked


def resident_megabytes(terminal: Terminal) -> dict[str, float]:
    """Return the resident memory of the platform's lasting processes by name, 10^6 bytes, while no run is under way."""
    found = {"supervisor": terminal.platform.pid if terminal.platform else 0}
    for process in terminal.processes():
        line = " ".join(process.cmdline())
        found |= {name: process.pid for name, mark in SERVERS.items() if mark in line}
    return {name: round(psutil.Process(pid).memory_info().rss / 1e6, 1) for name, pid in found.items()}
