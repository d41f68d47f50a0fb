"""`python -m benchmarks.check`: has a step of the chain become slower? Quick, in one process, judged like the runs of a platform.

Each step is timed as a ratio to a fixed loop beside it, so that the speed of the machine, and what else it does, are divided out,
and the ratio is judged against those recorded in `history/` for the same Python and processor family. `--record` adds one.
Exit codes: 0 as usual or too little history to say, 1 slower, 2 usage.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean, median

from benchmarks.processes import PURPOSE, ROOT
from leadscout_assets.runs.judge import OF_RUNS, Entry, Judgement, Verdict, judge
from leadscout_assets.runs.record import RunRecord

HISTORY = ROOT / "benchmarks" / "history"

ROWS = 1_500
"""Enough that the smallest step takes milliseconds, and that a look at all of them takes a few seconds."""

LEAST_LOOKS, MOST_SECONDS = 7, 1.2
"""A step is timed at least so often, and again until so much time has gone; the median of the looks counts."""

WAITING = 1.6
"""Processor time is what counts, since others on the machine hardly change it; and waiting beyond so many times that: a
step that sleeps has become slower, too."""

LOOP = 120_000

MOST_TIMES = 20
"""A step that takes less than the loop is called up to so many times for one look."""

SECONDS_PER_LOOP = 10.0
"""The judge leaves differences below a tenth of a second alone; a ratio of 1 to the loop is given to it as ten seconds."""

LEAST_TIMES = 1.4
"""What fails has become at least so many times slower. The judge wants 1.25; but an unchanged step of two milliseconds took
1.24 times the median of busy hours in the busiest, and 0.73 times in quiet ones, where doing its work twice is 1.46 times it."""

SLOWED = "LEADSCOUT_BENCH_SLOWED"
"""Environment of the check's own tests: the step that does its work twice."""

FAILING = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, then judge or record, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.check", description="Has a step become slower?")
    parser.add_argument("--record", action="store_true", help="add this run to the history instead of judging it")
    parser.add_argument("--history", type=Path, default=HISTORY, metavar="FOLDER", help="where the history lies")
    parser.add_argument("--rows", type=int, default=ROWS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    with _one_processor(), tempfile.TemporaryDirectory(prefix="leadscout-check-") as folder:
        steps = chain_steps(Path(folder), options.rows)
        if options.record:
            path = record(options.history, measure(steps), options.rows)
            print(f"recorded: {path.name}")
            return 0
        return _judge(steps, read_history(options.history), options.rows)


@contextmanager
def _one_processor() -> Iterator[None]:
    """Have steps of several threads and the loop of one share the fate of the same processor.

    Two processors of a machine may be halves of one: what one gives depends on what the other does.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _judge(steps: Mapping[str, Callable[[], object]], history: Sequence[Entry], rows: int) -> int:
    """Look up to three times, at those steps again that were slow: what fails was slow each time, one more than the judge wants."""
    found, suspects = list(history), dict(steps)
    told: dict[str, Judgement] = {}
    for patience in range(1, OF_RUNS + 1):
        # A machine that is busy just now must not look like a slow step: each further look takes more time.
        found += as_entries(measure(suspects, patience), rows, datetime.now(UTC))
        for step in suspects:
            told[step] = judge([e for e in found if e.record.asset == step])[-1]
        suspects = {step: steps[step] for step in suspects if told[step].verdict in (Verdict.NOTE, Verdict.REGRESSION)}
        if not suspects:
            break
    for step, judgement in told.items():
        print(f"{_verdict(judgement):<21} {step:<16} {_in_loops(judgement)}")
    worse = [step for step, judgement in told.items() if _verdict(judgement) is Verdict.REGRESSION]
    if worse:
        print(
            f"slower than recorded: {', '.join(worse)}. Where that is meant and worth it, remove benchmarks/history/*.json "
            "and record anew: python -m benchmarks.check --record, fifteen times",
            file=sys.stderr,
        )
    return FAILING if worse else 0


def _verdict(judgement: Judgement) -> Verdict:
    """Return the judge's verdict, but no regression that is smaller than the gate's."""
    if judgement.verdict is Verdict.REGRESSION and (judgement.ratio or 0.0) < LEAST_TIMES:
        return Verdict.NOTE
    return judgement.verdict


def _in_loops(judgement: Judgement) -> str:
    taken, base = judgement.entry.record.seconds / SECONDS_PER_LOOP, judgement.baseline
    if base is None:
        return f"{taken:.3f} loops; too few runs recorded on {family()} to judge"
    centre, mad = base.centre / SECONDS_PER_LOOP, base.mad / SECONDS_PER_LOOP
    return f"{taken:.3f} loops against a median of {centre:.3f} over {base.runs} runs, MAD {mad:.3f}: {judgement.ratio:.0%}"


def chain_steps(folder: Path, rows: int) -> dict[str, Callable[[], object]]:
    """Return the steps of the chain on one generated workbook, each as a call that can be repeated; all were called once."""
    from leadscout_assets import pipeline
    from leadscout_assets.lead_tables import LEAD_TABLES
    from leadscout_assets.leads.synthetic import write_delivery
    from leadscout_assets.settings import Settings
    from leadscout_assets.single_run import describe
    from leadscout_assets.tables import Tables

    source, settings = folder / "leads.xlsx", Settings(home=folder, classification_purpose=PURPOSE)
    write_delivery(source, rows, seed=1)
    delivery = describe(source, settings, datetime(2026, 3, 2, 8, 0, tzinfo=UTC))
    key, homes = b"a key of the check's own", (folder / f"tables-{number}" for number in itertools.count())
    raw = pipeline.read([delivery], lambda _: source, settings).raw
    leads, rejected, _ = pipeline.validate(raw, key)
    grants = pipeline.ask_purpose([delivery], raw, settings, delivery.delivered_at)
    classified, scored = pipeline.classify(leads, settings, grants), pipeline.score(leads)
    frames = pipeline.Frames(raw, leads, rejected, classified, scored)
    made = (raw, leads, rejected, classified, scored)

    def store() -> None:
        # A table's log grows with each write: the hundredth look would cost more than the first.
        tables = Tables(next(homes))
        for contract, frame in zip(LEAD_TABLES, made, strict=False):
            tables.replace(contract, frame, [delivery.batch_id])
            tables.replace(contract, frame, [delivery.batch_id])

    steps: dict[str, Callable[[], object]] = {
        "count": lambda: describe(source, settings, delivery.delivered_at),
        "raw_leads": lambda: pipeline.read([delivery], lambda _: source, settings),
        "leads": lambda: pipeline.validate(raw, key),
        "classifications": lambda: pipeline.classify(leads, settings, grants),
        "lead_scores": lambda: pipeline.score(leads),
        "lead_reports": lambda: pipeline.report([delivery], frames, folder / "reports", settings, grants),
        "tables": store,
    }
    slowed = os.environ.get(SLOWED)
    steps = {name: _twice(work) if name == slowed else work for name, work in steps.items()}
    for work in steps.values():
        work()
    return steps


def _twice(work: Callable[[], object]) -> Callable[[], object]:
    def both() -> None:
        work()
        work()

    return both


def measure(steps: Mapping[str, Callable[[], object]], patience: int = 1) -> dict[str, float]:
    """Return for each step what it usually costs, as a multiple of the loop beside it.

    `patience` is how many times as long to look as usual.
    """
    # What others have just written lies in memory still, and whoever stores a table would wait until it is on the disk.
    os.sync()
    return {name: _ratio(work, patience) for name, work in steps.items()}


def _ratio(work: Callable[[], object], patience: int) -> float:
    ratios: list[float] = []
    gc.collect()
    _, loop, wait = _timed(_loop)
    # What takes less time than the loop is done as often as fills it: a look at two milliseconds tells little.
    times = max(1, round(loop / max(_timed(work)[1], loop / MOST_TIMES)))
    started = time.perf_counter()
    while len(ratios) < patience * LEAST_LOOKS or time.perf_counter() - started < patience * MOST_SECONDS:
        wall, busy, _ = _timed(work, times)
        _, loop_after, wait_after = _timed(_loop)
        # The loops beside it tell how fast the processor is just now, and how long whoever works must wait for it.
        cost = busy + max(0.0, wall / max(wait, wait_after) - WAITING * busy)
        ratios.append(cost / times / fmean((loop, loop_after)))
        loop, wait = loop_after, wait_after
    return median(ratios)


def _timed(work: Callable[[], object], times: int = 1) -> tuple[float, float, float]:
    """Return wall seconds, processor seconds, and the one as a multiple of the other, of that many calls."""
    started, began = time.perf_counter(), time.process_time()
    for _ in range(times):
        work()
    wall, busy = time.perf_counter() - started, time.process_time() - began
    return wall, busy, max(wall / busy, 1.0) if busy else 1.0


def _loop() -> None:
    total = 0
    for number in range(LOOP):
        total += number * number % 7


def family() -> str:
    """Return what ratios depend on although speed is divided out: the Python and the kind of processor."""
    return f"{platform.machine().lower()}-py{'.'.join(platform.python_version_tuple()[:2])}"


def as_entries(ratios: Mapping[str, float], rows: int, at: datetime, machine: str | None = None) -> list[Entry]:
    """Return ratios as the run records that the judge knows."""
    return [
        Entry(
            RunRecord(
                asset=step,
                run_id="check",
                batches=1,
                rows_in=rows,
                rows_out=rows,
                seconds=ratio * SECONDS_PER_LOOP,
                rows_per_second=0.0,
                peak_memory_mb=0.0,
                machine_class=machine or family(),
                cold=False,
            ),
            at,
        )
        for step, ratio in ratios.items()
    ]


def record(folder: Path, ratios: Mapping[str, float], rows: int) -> Path:
    """Add one run to the history and return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    at = datetime.now(UTC)
    path = folder / f"{at:%Y-%m-%dT%H%M%S.%f}Z.json"
    written = {
        "at": at.isoformat(),
        "machine": family(),
        "rows": rows,
        "loops": {k: round(v, 4) for k, v in ratios.items()},
    }
    path.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    return path


def read_history(folder: Path) -> list[Entry]:
    """Return what was recorded, the oldest first."""
    found: list[Entry] = []
    for path in sorted(folder.glob("*.json")):
        run = json.loads(path.read_text(encoding="utf-8"))
        found += as_entries(run["loops"], run["rows"], datetime.fromisoformat(run["at"]), run["machine"])
    return found


if __name__ == "__main__":
    sys.exit(main())
