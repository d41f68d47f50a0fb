"""Classification alone: runs `benchmarks.names`, which holds the measurement, and `leadscout explain`, in fresh processes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.processes import ROOT, Workplace, timed
from benchmarks.results import Outcome, median

DISTINCT = 250_000
"""Distinct full names in a million: lists repeat names, but not the way a random generator does."""

MANY_TOKENS = 200_000
"""Distinct words of a list that is hardly like any: a million names of an electoral list were seen to hold under 10,000."""

ALL_DISTINCT = 20
"""The worst case draws from so many times as many distinct names as it draws: nearly none comes twice."""


def names_1m(workplace: Workplace) -> Outcome:
    """A million names, the median of three processes; then once with hardly a name repeated, and of 200,000 words."""
    names, repetitions = (20_000, 1) if workplace.quick else (1_000_000, 3)
    usual = [_measure(workplace, names, min(DISTINCT, names)) for _ in range(repetitions)]
    worst = _measure(workplace, names, names * ALL_DISTINCT)
    words = _measure(workplace, names, min(DISTINCT, names), MANY_TOKENS if not workplace.quick else 20_000)
    return Outcome(
        "names_1m",
        (
            median(
                "classification alone, a batch of 1M names",
                "names/s",
                [one["names_per_second"] for one in usual],
                target=300_000.0,
                at_least=True,
            ),
            median("the same, hardly a name repeated", "names/s", [worst["names_per_second"]]),
            median("the same, 200,000 distinct words", "names/s", [words["names_per_second"]]),
            median("one name by itself, 99th percentile", "ms", [one["single_ms_p99"] for one in usual], target=1.0),
        ),
        {"usual": usual, "hardly_repeated": worst, "many_words": words},
    )


def explain_cold(workplace: Workplace) -> Outcome:
    """`leadscout explain` of one name, start to exit, in fresh processes."""
    command = [str(Path(sys.executable).with_name("leadscout")), "explain", "Sipho Dlamni"]
    seconds = [timed(command, workplace, folder=ROOT).seconds for _ in range(2 if workplace.quick else 7)]
    figure = median("`leadscout explain`, start to exit", "s", seconds, target=1.0)
    return Outcome("explain_cold", (figure,), {"seconds": seconds})


def _measure(workplace: Workplace, names: int, pool: int, tokens: int = 10_000) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.names", "--names", str(names), "--pool", str(pool)]
    command += ["--tokens", str(tokens)]
    ended = timed(command, workplace, folder=ROOT)
    return dict(json.loads(ended.output)) | {"peak_mb": round(ended.peak_mb, 1)}
