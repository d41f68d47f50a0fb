"""Statistics of how good answers are: intervals, F1, calibration error. Arrays in, numbers out; no names."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
Places = NDArray[np.int64]

BINS = 15
"""Bins of equal mass in which confidence is held against accuracy."""
RESAMPLES = 200
"""Bootstrap resamples of every interval; more move its ends by less than they are printed with."""
_SEED = 20_260_101


def wilson(right: int, n: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a proportion; (0, 1) where n is 0."""
    if not n:
        return 0.0, 1.0
    z, share = 1.96, right / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def bootstrap(statistic: Callable[[Places], float], n: int) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of a statistic of the n cases, given their places; the same every time."""
    dice = np.random.default_rng(_SEED)
    drawn = [statistic(dice.integers(0, n, n)) for _ in range(RESAMPLES)] if n else [math.nan]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def macro_f1(truth: Places, answer: Places, classes: Sequence[int]) -> float:
    """Return the mean F1 of the classes; an answer of any other class is wrong for the true one."""
    return float(np.mean(f1_by_class(truth, answer, classes)))


def f1_by_class(truth: Places, answer: Places, classes: Sequence[int]) -> list[float]:
    """Return the F1 of each class: twice the right ones over all that are or are answered it; 0 where there are none."""
    found = []
    for one in classes:
        right = int(((truth == one) & (answer == one)).sum())
        found.append(2 * right / max(1, int((truth == one).sum() + (answer == one).sum())))
    return found


def calibration_bins(confidence: Reals, right: NDArray[np.bool_]) -> list[tuple[int, float, float]]:
    """Return (cases, mean confidence, accuracy) of each bin of equal mass, from the least confident on."""
    order = np.argsort(confidence, kind="stable")
    bins = [part for part in np.array_split(order, BINS) if len(part)]
    return [(len(part), float(confidence[part].mean()), float(right[part].mean())) for part in bins]


def calibration_error(confidence: Reals, right: NDArray[np.bool_]) -> float:
    """Return the expected calibration error (0..1), debiased: less what chance alone would give perfect confidences.

    The plain error of bins is above 0 even where every confidence is true, by the noise of each bin. That mean is
    computed by drawing outcomes from the confidences themselves, and taken off; what remains is at least 0.
    """
    plain = _plain_error(confidence, right)
    dice = np.random.default_rng(_SEED)
    by_chance = [_plain_error(confidence, dice.random(len(confidence)) < confidence) for _ in range(100)]
    return max(0.0, plain - float(np.mean(by_chance))) if len(confidence) else math.nan


def calibration_interval(confidence: Reals, right: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the debiased calibration error.

    A resample doubles the noise of the bins, hence chance is taken off twice: once as above, once for resampling.
    """
    dice = np.random.default_rng(_SEED)
    noise = float(np.mean([_plain_error(confidence, dice.random(len(confidence)) < confidence) for _ in range(100)]))

    def once(places: Places) -> float:
        return max(0.0, _plain_error(confidence[places], right[places]) - noise * math.sqrt(2))

    return bootstrap(once, len(confidence))


def _plain_error(confidence: Reals, right: NDArray[np.bool_]) -> float:
    order = np.argsort(confidence, kind="stable")
    parts = np.array_split(order, BINS)
    gaps = [len(part) * abs(float(confidence[part].mean() - right[part].mean())) for part in parts if len(part)]
    return sum(gaps) / max(1, len(confidence))
