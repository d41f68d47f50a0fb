"""What logging costs: the whole chain on one list with logging off, as in production, and with DEBUG, side by side.

`python -m benchmarks.logging_overhead FOLDER [--rows N] [--rounds N] [--control]` prints one JSON object.

A machine that others use changes its pace by a tenth from one second to the next, and runs one after the other take that for a
difference. So a process for each mode runs on each processor, all of them at once: the pace of each is that of the others.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection, wait
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any
from unittest.mock import patch

from structlog.stdlib import BoundLogger

from benchmarks.processes import PURPOSE, ROOT, Workplace, timed
from benchmarks.results import Figure, Outcome, median
from leadscout_assets.leads.synthetic import write_delivery
from leadscout_assets.logs import attempts, current, setup_logging
from leadscout_assets.settings import Settings
from leadscout_assets.single_run import run_file

MODES = {
    "off": {"log_level": "CRITICAL"},
    "production": {"log_level": "INFO", "log_format": "json"},
    "debug": {"log_level": "DEBUG", "log_format": "json"},
    "control": {"log_level": "CRITICAL"},
}
"""Settings of each mode. `off` and `control` write no files either; the others write them, and the same lines to a stream."""

WITHOUT = ("off", "control")

COMPARED = ("off", "production", "debug")
"""Modes of every measurement. `control`, the same as `off`, tells how far off the measurement itself is."""

TARGETS = {"production": 1.02, "debug": 1.05}
WHAT = {
    "production": "20,000-lead chain with production logging : without logging",
    "debug": "the same with DEBUG : without logging",
}

SHARE = {
    "production": "of the chain with production logging, time spent in log calls",
    "debug": "of the chain with DEBUG, time spent in log calls",
}

PROCESSORS = 2
RESAMPLES = 4_000
PATIENCE_SECONDS = 1_800

Seconds = dict[str, list[float]]
"""Wall time of each round by mode, seconds; rounds of equal positions ran side by side."""


def logging_overhead(workplace: Workplace) -> Outcome:
    """The chain on a 20,000-row CSV in each mode at once, time and again; total time in a mode over total time without logging."""
    rows, rounds = (500, 1) if workplace.quick else (20_000, 100)
    command = [sys.executable, "-m", "benchmarks.logging_overhead", str(workplace.folder)]
    sizes = ["--rows", str(rows), "--rounds", str(rounds)]
    told = json.loads(timed([*command, *sizes], workplace, folder=ROOT, patience=PATIENCE_SECONDS).output)
    figures = tuple(_figure(mode, told["seconds"]) for mode in TARGETS)
    figures += tuple(median(SHARE[mode], "%", told["percent_in_log_calls"][mode]) for mode in TARGETS)
    intervals = {mode: interval(told["seconds"], mode) for mode in TARGETS}
    return Outcome("logging_overhead", figures, {"rows": rows, "interval_95": intervals, **told})


def _figure(mode: str, seconds: Seconds) -> Figure:
    low, high = interval(seconds, mode)
    each = tuple(with_it / without for with_it, without in zip(seconds[mode], seconds["off"], strict=True))
    of = f"totals; 95 % interval {low:.3f} to {high:.3f}"
    return Figure(WHAT[mode], "times", ratio(seconds, mode), each, of=of, target=TARGETS[mode])


def ratio(seconds: Seconds, mode: str) -> float:
    """Return the total time in a mode over that without logging. (The mean of ratios is too high: one of 2 and one of 1/2 make 1.25.)"""
    return sum(seconds[mode]) / sum(seconds["off"])


def interval(seconds: Seconds, mode: str) -> tuple[float, float]:
    """Return the 95 % interval of `ratio`, by resampling the rounds; the same for the same seconds."""
    chance = random.Random(1)
    pairs = list(zip(seconds[mode], seconds["off"], strict=True))
    found = sorted(
        sum(one for one, _ in drawn) / sum(other for _, other in drawn)
        for drawn in (chance.choices(pairs, k=len(pairs)) for _ in range(RESAMPLES))
    )
    return round(found[RESAMPLES // 40], 4), round(found[-RESAMPLES // 40 - 1], 4)


def measure(folder: Path, rows: int, rounds: int, modes: Sequence[str] = COMPARED) -> dict[str, Seconds]:
    """Return wall and processor seconds of each round by mode, after a round that is not counted."""
    wall: Seconds = {mode: [] for mode in modes}
    processor: Seconds = {mode: [] for mode in modes}
    for side in _side_by_side(folder, rows, rounds, modes):
        # A worker takes the modes by turns, each from another one on: in each round they hold all of them between them.
        for number in range(rounds):
            for mode, *seconds in (worker[number] for worker in side):
                wall[mode].append(round(seconds[0], 4))
                processor[mode].append(round(seconds[1], 4))
    share: Seconds = {mode: [] for mode in TARGETS}
    source = _source(folder / "alone", rows)
    # Apart from the above, since the clock itself costs something.
    for mode in [*TARGETS] * 5:
        with log_calls_timed() as spent:
            whole, _ = _once(source, folder / "alone", mode)
        share[mode].append(round(100 * sum(spent) / whole, 3))
    return {"seconds": wall, "processor_seconds": processor, "percent_in_log_calls": share}


Run = tuple[str, float, float]
"""Mode, wall and processor seconds."""


def _side_by_side(folder: Path, rows: int, rounds: int, modes: Sequence[str]) -> list[list[list[Run]]]:
    """Return, for each processor and worker on it, its first `rounds` runs; all workers go on until the last one has as many."""
    processors = _processors()
    spawning = multiprocessing.get_context("spawn")
    together = spawning.Barrier(len(processors) * len(modes))
    found: list[list[list[Run]]] = []
    workers, ends = [], {}
    for at, processor in enumerate(processors):
        found.append([[] for _ in modes])
        for place in range(len(modes)):
            mine, theirs = spawning.Pipe(duplex=False)
            cycle = (*modes[place:], *modes[:place])
            home = folder / f"beside-{at}-{place}"
            worker = spawning.Process(target=_work, args=(home, rows, cycle, processor, together, theirs), daemon=True)
            worker.start()
            theirs.close()
            workers.append(worker)
            ends[mine] = found[at][place]
    try:
        while any(len(runs) < rounds for runs in ends.values()):
            for end in wait(list(ends)):
                # An `EOFError` where the worker died; it has said why.
                ends[end].append(end.recv())  # type: ignore[index, union-attr]
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()
    return found


def _processors() -> list[int | None]:
    """Return the processors to use; where a process cannot be tied to one, places for as many."""
    if not hasattr(os, "sched_getaffinity"):
        return [None] * min(os.cpu_count() or 1, PROCESSORS)
    return list(sorted(os.sched_getaffinity(0))[:PROCESSORS])


def _work(
    folder: Path, rows: int, cycle: Sequence[str], processor: int | None, together: Barrier, told: Connection
) -> None:
    """Run the chain in each mode of the cycle by turns, telling what each took, until ended from outside."""
    if processor is not None:
        os.sched_setaffinity(0, {processor})
    source = _source(folder, rows)
    for mode in cycle:
        _once(source, folder, mode)
    together.wait()
    while True:
        for mode in cycle:
            told.send((mode, *_once(source, folder, mode)))


def _source(folder: Path, rows: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_delivery(folder / "leads.csv", rows, seed=1)
    return folder / "leads.csv"


@contextmanager
def log_calls_timed() -> Iterator[list[float]]:
    """Time whatever is done in order to log, seconds: on a busy machine this tells more than two whole runs compared."""
    spent: list[float] = []
    under_way = False

    def timed_call(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*arguments: Any, **named: Any) -> Any:
            nonlocal under_way
            if under_way:
                return call(*arguments, **named)
            under_way, began = True, time.perf_counter()
            try:
                return call(*arguments, **named)
            finally:
                spent.append(time.perf_counter() - began)
                under_way = False

        return wrapper

    with ExitStack() as patches:
        for owner, name in ((BoundLogger, "_proxy_to_logger"), (attempts, "tell_attempts"), (current, "_write")):
            patches.enter_context(patch.object(owner, name, timed_call(getattr(owner, name))))
        yield spent


def _once(source: Path, folder: Path, mode: str) -> tuple[float, float]:
    home = folder / "logged"
    (home / "keys").mkdir(parents=True, exist_ok=True)
    settings = Settings(home=home, classification_purpose=PURPOSE, **MODES[mode])  # type: ignore[arg-type]
    with (folder / f"{mode}.stream").open("a", encoding="utf-8") as stream:
        setup_logging(settings, stream, files=mode not in WITHOUT)
        gc.collect()
        wall, processor = time.perf_counter(), time.process_time()
        run_file(source, folder / "out", settings, lead_id_key=b"a key of the benchmark's own", delivered_at=_NOW)
        return time.perf_counter() - wall, time.process_time() - processor


_NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def main() -> None:
    """Measure in this process and print the seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--control", action="store_true", help="compare the chain without logging with itself as well")
    options = parser.parse_args()
    modes = (*COMPARED, "control") if options.control else COMPARED
    print(json.dumps(measure(options.folder, options.rows, options.rounds, modes)))


if __name__ == "__main__":
    main()
