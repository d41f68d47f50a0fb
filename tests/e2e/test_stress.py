"""Far more at once than people deliver: nothing is lost or doubled, the UI answers all the while, and memory stays bounded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import psutil
import pytest

from tests.defs.ground import small_list
from tests.e2e.accounts import assert_nothing_lost_or_doubled
from tests.e2e.terminal import Terminal, reported
from tests.purposes import ENVIRONMENT
from tests.waiting import PATIENCE, until

pytestmark = [pytest.mark.processes, pytest.mark.soak]

ROWS = 200
DROPPED, TYPED, AT_ONCE = 1_000, 40, 8
"""Files dropped at one moment, files delivered by `leadscout deliver` meanwhile, and how many of these commands at a time."""

SLOWEST_ANSWER = 30.0
"""Seconds of the UI's slowest answer: both processors have more to do than they can."""

MOST_MEMORY = 4e9
"""Bytes of all processes of the platform, two runs among them: a process of a run is promised 1 GB for 20,000 leads."""

STATE = "{ version runsOrError(limit: 10) { ... on Runs { results { runId status } } } assetNodes { id } }"


@pytest.mark.timeout(3_600)
def test_a_thousand_files_at_once_are_reported_once_each_while_the_ui_answers(tmp_path, capsys):
    terminal = Terminal(tmp_path / "up", **ENVIRONMENT)
    (tmp_path / "up").mkdir()
    folder = terminal.home / "reports"
    files = [_file(tmp_path, number) for number in range(DROPPED + TYPED)]
    try:
        terminal.up()
        began = time.monotonic()
        with _watched(terminal) as watch:
            for path in files[:DROPPED]:
                terminal.drop(path)
            with ThreadPoolExecutor(AT_ONCE) as pool:
                said = list(pool.map(lambda path: terminal.type("deliver", str(path)), files[DROPPED:]))
            until(
                lambda: folder.exists() and len(list(folder.iterdir())) == len(files),
                "all have reports",
                patience=PATIENCE * 5,
            )
            found = reported(terminal, {path.name for path in files})
        took = time.monotonic() - began
        with capsys.disabled():
            print(f"\n{len(files)} files in {took:.0f} s; {watch}")
        assert [one for one in said if one.code != 0] == []
        assert_nothing_lost_or_doubled(terminal, found, ROWS)
        assert watch.unanswered == 0
        assert watch.slowest < SLOWEST_ANSWER
        assert watch.most_memory < MOST_MEMORY
    finally:
        terminal.pull_the_plug()


@dataclass
class Watch:
    """What was seen of the platform meanwhile: seconds of the UI's answers, how many failed, and the peak of its memory, in bytes."""

    answers: list[float] = field(default_factory=list)
    unanswered: int = 0
    most_memory: int = 0

    @property
    def slowest(self) -> float:
        """The slowest answer, in seconds. Raises `ValueError` where nothing was asked."""
        return max(self.answers)

    def __str__(self) -> str:
        return (
            f"the UI answered {len(self.answers)} times, the slowest in {self.slowest:.1f} s, {self.unanswered} times not at all; "
            f"all processes held at most {self.most_memory / 1e6:,.0f} MB"
        )

    def look(self, terminal: Terminal) -> None:
        """Ask the UI what it shows at its start, and measure."""
        began = time.monotonic()
        try:
            terminal.ask(STATE)
            self.answers.append(time.monotonic() - began)
        except OSError:
            self.unanswered += 1
        self.most_memory = max(self.most_memory, sum(_held(process) for process in terminal.processes()))


def _held(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


@contextmanager
def _watched(terminal: Terminal) -> Iterator[Watch]:
    watch, enough = Watch(), Event()

    def look() -> None:
        while not enough.wait(1.0):
            watch.look(terminal)

    thread = Thread(target=look)
    thread.start()
    try:
        yield watch
    finally:
        enough.set()
        thread.join()


def _file(folder: Path, number: int) -> Path:
    path = folder / f"leads {number}.csv"
    path.write_text(small_list(3_000 + number, rows=ROWS))
    return path
