"""`leadscout run` from the start of its process to its exit: a small workbook, whose price is imports, and a large one."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import LEADSCOUT, Workplace, timed
from benchmarks.results import Outcome, highest, median
from leadscout_assets.leads.synthetic import write_delivery

DONE = (0, 1)
"""Exit codes of a run that reached its reports; 1 says that a check of the batch failed, and is told in the details."""

SHOWN_PACKAGES = 15
IMPORT_LINE = re.compile(r"^import time:\s+(\d+) \|\s+\d+ \|\s+([\w.]+)$", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """One `leadscout run`: seconds from the start of its process to its exit and to its last report, and what it told."""

    seconds: float
    to_last_report: float
    cpu_seconds: float
    peak_mb: float
    exit_code: int
    told: dict[str, Any]


def run_500(workplace: Workplace) -> Outcome:
    """A 500-lead workbook on a warm disk: the median of five runs after one that is not counted."""
    rows, repetitions = (50, 1) if workplace.quick else (500, 5)
    workbook = _workbook(workplace, rows)
    runs = _runs(workplace, workbook, repetitions)
    return Outcome(
        "run_500",
        (
            median("`leadscout run`, 500-lead workbook, start to exit", "s", [r.seconds for r in runs], target=4.0),
            highest("the same, peak memory", "MB", [r.peak_mb for r in runs]),
        ),
        _details(runs, rows) | {"imports": _imports(workplace, workbook)},
    )


def run_20k(workplace: Workplace) -> Outcome:
    """A 20,000-lead workbook through the whole chain: the median of three runs after one that is not counted."""
    rows, repetitions = (1_000, 1) if workplace.quick else (20_000, 3)
    runs = _runs(workplace, _workbook(workplace, rows), repetitions)
    return Outcome(
        "run_20k",
        (
            median("20,000-lead workbook, whole chain, start to exit", "s", [r.seconds for r in runs], target=15.0),
            highest("the same, peak memory", "MB", [r.peak_mb for r in runs], target=1_000.0),
        ),
        _details(runs, rows),
    )


def _workbook(workplace: Workplace, rows: int) -> Path:
    path = workplace.folder / "leads.xlsx"
    write_delivery(path, rows, seed=1)
    return path


def _runs(workplace: Workplace, workbook: Path, repetitions: int) -> list[Run]:
    runs = [_run(workplace, workbook) for _ in range(repetitions + 1)]
    # The first run warms the disk's cache and makes the home's key.
    return runs[1:]


def _run(workplace: Workplace, workbook: Path) -> Run:
    ended = timed(_command(workplace, workbook), workplace, good=DONE)
    told = json.loads(ended.output)
    # Now, since the next run writes the same files again.
    last = max(Path(path).stat().st_mtime for path in told["reports"].values())
    return Run(ended.seconds, last - ended.started_at, ended.cpu_seconds, ended.peak_mb, ended.exit_code, told)


def _command(workplace: Workplace, workbook: Path) -> list[str | Path]:
    return [LEADSCOUT, "run", workbook, "--out", workplace.folder / "out", "--json"]


def _details(runs: list[Run], rows: int) -> dict[str, Any]:
    """Return where the time went: each step as the command itself tells it, and what lies around the steps."""
    return {
        "rows": rows,
        "exit_codes": [run.exit_code for run in runs],
        "seconds_to_last_report": [round(run.to_last_report, 3) for run in runs],
        "cpu_seconds": [round(run.cpu_seconds, 3) for run in runs],
        "steps": [run.told["seconds"] for run in runs],
        "outside_steps": [round(run.seconds - run.told["seconds"]["total"], 3) for run in runs],
        "leads": [run.told["leads"] for run in runs],
    }


def _imports(workplace: Workplace, workbook: Path) -> dict[str, Any]:
    """Return seconds spent importing in one more run, by package; the tracing itself makes them somewhat too high."""
    command = [sys.executable, "-X", "importtime", *_command(workplace, workbook)]
    traced = timed(command, workplace, good=DONE)
    spent: Counter[str] = Counter()
    for microseconds, module in IMPORT_LINE.findall(traced.errors):
        spent[module.partition(".")[0]] += int(microseconds)
    return {
        "seconds": round(spent.total() / 1e6, 3),
        "by_package": {package: round(us / 1e6, 3) for package, us in spent.most_common(SHOWN_PACKAGES)},
        "whole_run_seconds": round(traced.seconds, 3),
    }
