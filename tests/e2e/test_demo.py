"""`leadscout demo`: a newcomer's first command, in real processes."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from tests.e2e.terminal import PATIENCE, Terminal

pytestmark = [pytest.mark.processes, pytest.mark.timeout(900)]


def test_once_it_shows_the_report_and_exits_without_leaving_a_process(tmp_path):
    terminal = Terminal(tmp_path)
    said = terminal.type("demo", "--once")
    assert said.code == 0, said.stderr
    assert re.search(r"^rows delivered +500$", said.stdout, re.MULTILINE)
    reports = [Path(path) for path in re.findall(r"^report \(\w+\) +(\S.*)$", said.stdout, re.MULTILINE)]
    assert {path.suffix for path in reports} == {".html", ".pdf", ".xlsx"}
    assert all(path.is_file() for path in reports)
    assert terminal.processes() == []
    judged = terminal.type("perf")
    assert judged.code == 1, judged.stderr
    (worse,) = [line for line in judged.stdout.splitlines() if "regression" in line]
    assert worse.startswith("lead_reports")
    assert "2 of the last 3 runs were slow" in worse


def test_once_it_fails_where_the_report_cannot_be_written(tmp_path):
    terminal = Terminal(tmp_path)
    terminal.home.mkdir()
    (terminal.home / "tables").write_text("in the way")
    said = terminal.type("demo", "--once")
    assert said.code == 3
    assert "did not succeed" in said.stderr


def test_it_stays_up_until_ctrl_c_and_stops_everything_it_started(demonstration):
    terminal = demonstration.terminal
    assert terminal.is_up()
    assert terminal.url in terminal.said
    terminal.platform.send_signal(signal.SIGINT)
    assert terminal.platform.wait(PATIENCE) == 0
    assert terminal.processes() == []
