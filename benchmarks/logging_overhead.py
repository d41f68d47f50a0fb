"""What logging costs: the whole chain on one list with logging off, as in production, and with DEBUG, by turns in one process.

`python -m benchmarks.logging_overhead FOLDER [--rows N] [--rounds N]` prints one JSON object.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import permutations
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
}
"""Settings of each mode. `off` writes no files either; the others write them, and the same lines to a stream."""

TARGETS = {"production": 1.02, "debug": 1.05}
WHAT = {
    "production": "20,000-lead chain with production logging : without logging",
    "debug": "the same with DEBUG : without logging",
}

SHARE = {
    "production": "of the chain with production logging, time spent in log calls",
    "debug": "of the chain with DEBUG, time spent in log calls",
}

RESAMPLES = 4_000

Seconds = dict[str, list[float]]
"""Wall time of each round by mode, seconds."""


def logging_overhead(workplace: Workplace) -> Outcome:
    """The chain on a 20,000-row CSV in each mode by turns, the order changing from round to round; ratios of each round's pairs."""
    rows, rounds = (500, 2) if workplace.quick else (20_000, 24)
    command = [sys.executable, "-m", "benchmarks.logging_overhead", str(workplace.folder)]
    told = json.loads(timed([*command, "--rows", str(rows), "--rounds", str(rounds)], workplace, folder=ROOT).output)
    figures = tuple(_figure(mode, ratios(told["seconds"], mode)) for mode in TARGETS)
    figures += tuple(median(SHARE[mode], "%", told["percent_in_log_calls"][mode]) for mode in TARGETS)
    intervals = {mode: interval(ratios(told["seconds"], mode)) for mode in TARGETS}
    return Outcome("logging_overhead", figures, {"rows": rows, "interval_95": intervals, **told})


def _figure(mode: str, found: Sequence[float]) -> Figure:
    low, high = interval(found)
    of = f"median; 95 % interval {low:.3f} to {high:.3f}"
    return Figure(WHAT[mode], "times", statistics.median(found), tuple(found), of=of, target=TARGETS[mode])


def ratios(seconds: Seconds, mode: str) -> list[float]:
    """Return the time of each round in a mode over that of the same round without logging."""
    return [with_it / without for with_it, without in zip(seconds[mode], seconds["off"], strict=True)]


def interval(found: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of the median of the ratios, by resampling them; the same for the same ratios."""
    chance = random.Random(1)
    medians = sorted(statistics.median(chance.choices(found, k=len(found))) for _ in range(RESAMPLES))
    return round(medians[RESAMPLES // 40], 4), round(medians[-RESAMPLES // 40 - 1], 4)


def measure(folder: Path, rows: int, rounds: int) -> dict[str, Seconds]:
    """Return wall and processor seconds of each round by mode, after a round that is not counted."""
    source = folder / "leads.csv"
    write_delivery(source, rows, seed=1)
    wall: Seconds = {mode: [] for mode in MODES}
    processor: Seconds = {mode: [] for mode in MODES}
    orders = list(permutations(MODES))
    for number in range(rounds + 1):
        for mode in orders[number % len(orders)]:
            seconds = _once(source, folder, mode)
            if number:
                wall[mode].append(round(seconds[0], 4))
                processor[mode].append(round(seconds[1], 4))
    share: Seconds = {mode: [] for mode in TARGETS}
    # Apart from the above, since the clock itself costs something.
    for mode in [*TARGETS] * 5:
        with log_calls_timed() as spent:
            seconds = _once(source, folder, mode)
        share[mode].append(round(100 * sum(spent) / seconds[0], 3))
    return {"seconds": wall, "processor_seconds": processor, "percent_in_log_calls": share}


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
        setup_logging(settings, stream, files=mode != "off")
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
    parser.add_argument("--rounds", type=int, default=24)
    options = parser.parse_args()
    print(json.dumps(measure(options.folder, options.rows, options.rounds)))


if __name__ == "__main__":
    main()
