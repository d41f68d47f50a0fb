"""Classification alone: runs `benchmarks.names`, which holds the measurement, in fresh processes."""

from __future__ import annotations

import json
import sys
from typing import Any

from benchmarks.processes import ROOT, Workplace, timed
from benchmarks.results import Outcome, median

DISTINCT = 250_000
"""Distinct full names in a million: lists repeat names, but not the way a random generator does."""

ALL_DISTINCT = 20
"""The worst case draws from so many times as many distinct names as it draws: nearly none comes twice."""


def names_1m(workplace: Workplace) -> Outcome:
    """A million names, the median of three processes; then once with hardly a name repeated, which is not judged."""
    names, repetitions = (20_000, 1) if workplace.quick else (1_000_000, 3)
    usual = [_measure(workplace, names, min(DISTINCT, names)) for _ in range(repetitions)]
    worst = _measure(workplace, names, names * ALL_DISTINCT)
    return Outcome(
        "names_1m",
        (
            median(
                "classification alone, a batch of 1M names",
                "names/s",
                [one["names_per_second"] for one in usual],
                target=200_000.0,
                at_least=True,
            ),
            median("the same, hardly a name repeated", "names/s", [worst["names_per_second"]]),
        ),
        {"usual": usual, "hardly_repeated": worst},
    )


def _measure(workplace: Workplace, names: int, pool: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.names", "--names", str(names), "--pool", str(pool)]
    ended = timed(command, workplace, folder=ROOT)
    return dict(json.loads(ended.output)) | {"peak_mb": round(ended.peak_mb, 1)}
