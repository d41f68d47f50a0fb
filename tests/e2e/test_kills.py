"""Whatever is killed, at whatever moment: every file is reported, no batch is seen half, nothing doubles, no run hangs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.defs.ground import small_list
from tests.e2e.accounts import assert_nothing_lost_or_doubled
from tests.e2e.kills import VICTIMS, carry_out, plan, watched
from tests.e2e.terminal import Terminal, reported
from tests.purposes import ENVIRONMENT

pytestmark = pytest.mark.processes

ROWS = 200
SEED = 20_260_302
IN_PLACE = 40
"""Reports that may be outstanding before a soak waits for them: people do not deliver faster either."""


def test_a_plan_gives_every_victim_its_turn_and_is_the_same_for_the_same_seed():
    made = plan(SEED, 200)
    assert {kill.victim for kill in made} == set(VICTIMS)
    assert made == plan(SEED, 200)
    assert made != plan(SEED + 1, 200)


@pytest.mark.timeout(900)
def test_after_five_kills_every_file_is_reported_once(tmp_path):
    survive(tmp_path, kills=5, seed=SEED)


@pytest.mark.soak
@pytest.mark.timeout(4 * 3600)
def test_after_two_hundred_kills_every_file_is_reported_once(tmp_path):
    survive(tmp_path, kills=200, seed=SEED + 1)


def survive(folder: Path, *, kills: int, seed: int) -> None:
    """Drop a file for each kill of a plan, and hold the home to everything that must be true at the end."""
    terminal = Terminal(folder / "up", **ENVIRONMENT)
    (folder / "up").mkdir()
    names: list[str] = []
    try:
        terminal.up()
        with watched(terminal.home, ROWS) as watcher:
            for number, kill in enumerate(plan(seed, kills)):
                names.append(drop(terminal, folder, number))
                carry_out(kill, terminal)
                if number % IN_PLACE == IN_PLACE - 1:
                    reported(terminal, set(names))
            found = reported(terminal, set(names))
        assert watcher.half == []
        assert watcher.looks > kills
        assert_nothing_lost_or_doubled(terminal, found, ROWS)
        taken = [path.name for path in (terminal.inbox / "taken").rglob("*") if path.is_file()]
        assert len(taken) == len(found)
    finally:
        terminal.pull_the_plug()


def drop(terminal: Terminal, folder: Path, number: int) -> str:
    source = folder / f"leads {number}.csv"
    source.write_text(small_list(1000 + number, rows=ROWS))
    return terminal.drop(source).name
