"""Kills processes of a living platform by a seeded plan, and watches that no batch is ever seen half-written.

What must hold afterwards stands in the tests.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from leadscout_assets.contracts import Contract
from leadscout_assets.home import Home
from leadscout_assets.lead_tables import LEAD_TABLES
from leadscout_assets.settings import read_settings
from tests.e2e.terminal import Terminal
from tests.waiting import until

LOOK_SECONDS = 0.25

SERVERS = {"daemon": "dagster._daemon", "code server": "grpc", "webserver": "dagster_webserver"}
"""What stands in the command line of each process that the supervisor keeps alive."""

VICTIMS = ("run", "daemon", "code server", "supervisor", "tick", "webserver", "everything")


@dataclass(frozen=True)
class Kill:
    """One kill: whom, so many seconds after a file was dropped or, for a run, after its process was there.

    `twice`: what comes up after the kill is killed as well, before it has done anything.
    """

    victim: str
    after: float
    twice: bool


def plan(seed: int, kills: int) -> list[Kill]:
    """Return a plan in which each victim has its turn, in random order, at random moments."""
    dice = random.Random(seed)
    victims = [VICTIMS[number % len(VICTIMS)] for number in range(kills)]
    dice.shuffle(victims)
    # A run of a small list takes about four seconds to start and three to end; a tick comes every five.
    longest = {"run": 3.0, "tick": 6.0}
    return [Kill(victim, dice.uniform(0, longest.get(victim, 10.0)), dice.random() < 0.25) for victim in victims]


def carry_out(kill: Kill, terminal: Terminal) -> None:
    """Kill as planned, and bring the platform up again where nothing else does."""
    if kill.victim == "run":
        workers = until(terminal.workers, "a run has a process")
        time.sleep(kill.after)
        _kill(workers)
        return
    time.sleep(kill.after)
    for _ in range(2 if kill.twice else 1):
        if kill.victim == "everything":
            terminal.pull_the_plug()
        elif kill.victim == "supervisor":
            assert terminal.platform is not None
            terminal.platform.kill()
            terminal.platform.wait()
        else:
            # A tick is evaluated in the code server.
            mark = SERVERS["code server" if kill.victim == "tick" else kill.victim]
            _kill([process for process in terminal.processes() if mark in " ".join(_command_line(process))])
        if not terminal.is_up():
            terminal.up()


def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=10)


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


@dataclass
class Watcher:
    """Looks at the tables all the while: a batch has either no row in a table or all that it will ever have."""

    home: Home
    rows: int
    looks: int = 0
    half: list[str] = field(default_factory=list)

    def look(self) -> None:
        """Look once, at every table and batch."""
        batches = [record.batch_id for record in self.home.records.all()]
        for table in LEAD_TABLES[:2]:
            for batch, rows in self.home.tables.rows(table, batches).items():
                if rows != self.rows:
                    self.half.append(f"{table.name}: {batch} has {rows} rows")
        self.looks += 1


@contextmanager
def watched(home: Path, rows: int) -> Iterator[Watcher]:
    """Watch while the block runs; what the watcher saw is the caller's to judge."""
    opened = Home(read_settings(home=home))
    watcher, stop, faults = Watcher(opened, rows), threading.Event(), []

    def watch() -> None:
        while not stop.wait(LOOK_SECONDS):
            try:
                watcher.look()
            except Exception as fault:  # noqa: BLE001  told by the caller's thread, below
                faults.append(fault)
                return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield watcher
    finally:
        stop.set()
        thread.join()
        opened.database.engine.dispose()
    if faults:
        raise faults[0]


def doubled(home: Home, contract: Contract, batches: Sequence[str]) -> int:
    """Return how many rows of a table there are beyond one per key."""
    keys = home.tables.read(contract, batches, contract.key)
    return keys.num_rows - keys.group_by(list(contract.key)).aggregate([]).num_rows
