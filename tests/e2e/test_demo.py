"""`leadscout demo`: a newcomer's first command, in real processes."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import psutil
import pytest

from tests.e2e.terminal import Terminal
from tests.waiting import PATIENCE, until

pytestmark = [pytest.mark.processes, pytest.mark.timeout(900)]


@pytest.mark.soak
def test_in_the_background_it_completes_followed_by_its_progress_file_and_leaves_no_process(tmp_path):
    terminal = Terminal(tmp_path)
    said = terminal.type("demo", "--once", "--background")
    assert said.code == 0, said.stderr
    pid = int(re.match(r"demo-(\d+) has started", said.stdout)[1])
    followed: list[dict[str, object]] = []

    def ended() -> bool:
        followed.append(json.loads((terminal.home / "logs" / "progress" / f"demo-{pid}.json").read_text()))
        return followed[-1]["state"] != "running"

    until(ended, "the demonstration has ended")
    shown = [one["percentage"] for one in followed if one["percentage"] is not None]
    assert shown == sorted(shown)
    assert (followed[-1]["state"], followed[-1]["percentage"], followed[-1]["total"]) == ("succeeded", 100, 5)
    until(lambda: not psutil.pid_exists(pid), "its process is gone")
    (log,) = (terminal.home / "logs" / "background").glob("demo-*.log")
    assert re.search(r"^rows delivered +500$", log.read_text(), re.MULTILINE)
    reports = [Path(path) for path in re.findall(r"^report \(\w+\) +(\S.*)$", log.read_text(), re.MULTILINE)]
    assert {path.suffix for path in reports} == {".html", ".pdf", ".xlsx"}
    assert all(path.is_file() for path in reports)
    assert terminal.processes() == []


def test_once_it_fails_where_the_report_cannot_be_written(tmp_path):
    terminal = Terminal(tmp_path, LEADSCOUT_RETRY_SECONDS="0.01")
    terminal.home.mkdir()
    (terminal.home / "tables").write_text("in the way")
    said = terminal.type("demo", "--once")
    assert said.code == 3
    assert "table raw_leads was not written" in said.stderr


def test_its_past_has_one_regression_that_is_told(demonstration):
    judged = demonstration.terminal.type("perf")
    assert judged.code == 1, judged.stderr
    (worse,) = [line for line in judged.stdout.splitlines() if "regression" in line]
    assert worse.startswith("lead_reports")
    # Both slowed days, and on a busy machine the day before as well.
    assert re.search(r"[23] of the last 3 runs were slow", worse)


def test_it_stays_up_until_ctrl_c_and_stops_everything_it_started(demonstration):
    terminal = demonstration.terminal
    assert terminal.is_up()
    assert terminal.url in terminal.said
    terminal.platform.send_signal(signal.SIGINT)
    assert terminal.platform.wait(PATIENCE) == 0
    assert terminal.processes() == []
