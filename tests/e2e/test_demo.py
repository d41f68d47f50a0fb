"""`leadscout demo`: a newcomer's first command, in real processes."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.e2e.terminal import PATIENCE, Terminal, until

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("platform"), pytest.mark.timeout(900)]


def test_once_it_shows_the_report_and_exits_without_leaving_a_process(tmp_path):
    terminal = Terminal(tmp_path)
    said = terminal.type("demo", "--once")
    assert said.code == 0, said.stderr
    assert re.search(r"^rows delivered +500$", said.stdout, re.MULTILINE)
    reports = [Path(path) for path in re.findall(r"^report \(\w+\) +(\S.*)$", said.stdout, re.MULTILINE)]
    assert {path.suffix for path in reports} == {".html", ".pdf", ".xlsx"}
    assert all(path.is_file() for path in reports)
    assert terminal.processes() == []


def test_once_it_fails_where_the_report_cannot_be_written(tmp_path):
    terminal = Terminal(tmp_path)
    terminal.home.mkdir()
    (terminal.home / "tables").write_text("in the way")
    said = terminal.type("demo", "--once")
    assert said.code == 3
    assert "did not succeed" in said.stderr


def test_it_stays_up_until_ctrl_c_and_stops_everything_it_started(tmp_path):
    terminal = Terminal(tmp_path)
    with (tmp_path / "up.out").open("wb") as out, (tmp_path / "up.err").open("wb") as err:
        terminal.platform = subprocess.Popen(
            [*terminal.command, "demo"], env=terminal.environment, stdout=out, stderr=err, start_new_session=True
        )
    try:
        until(lambda: "The Dagster UI:" in terminal.said or not terminal.is_up(), "the demonstration's summary")
        assert terminal.is_up(), terminal.said
        assert terminal.url in terminal.said
        terminal.platform.send_signal(signal.SIGINT)
        assert terminal.platform.wait(PATIENCE) == 0
        assert terminal.processes() == []
    finally:
        terminal.pull_the_plug()
