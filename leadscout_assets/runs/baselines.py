"""What a run record is expected to look like: the middle and the usual spread of earlier ones of its kind. Pure.

Whether a record is worse than that is decided in `judge`.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

MOST_RUNS = 30
"""Runs that a baseline is made of at most, the newest: older ones tell of older code and data."""

LEAST_RUNS = 10
"""Runs below which there is none: the spread of fewer is mostly chance. Held to by the simulations in the tests."""

MAD_TO_SIGMA = 1.4826
"""Makes the median absolute deviation of normal noise its standard deviation: 1 / 0.6745, a quartile of the normal curve."""

LEAST_SPREAD = 0.05
"""Least scale, as a share of the median: a history that happens to be very even must not make a triviality stand out."""


@dataclass(frozen=True)
class Baseline:
    """Expected value of one figure, such as seconds: `centre` is the median, `mad` the median absolute deviation."""

    runs: int
    centre: float
    mad: float

    @property
    def scale(self) -> float:
        """The usual spread, in the unit of the figure, comparable with a standard deviation; never below its floor."""
        return max(MAD_TO_SIGMA * self.mad, LEAST_SPREAD * self.centre)

    def z(self, value: float) -> float:
        """Return how many scales a value lies above the centre; 0 where there is no scale."""
        return (value - self.centre) / self.scale if self.scale > 0 else 0.0

    def ratio(self, value: float) -> float:
        """Return a value as a multiple of the centre; 1 where that is 0."""
        return value / self.centre if self.centre > 0 else 1.0


def baseline_of(values: Sequence[float]) -> Baseline | None:
    """Return the baseline of the newest `MOST_RUNS` of some values, oldest first; None for fewer than `LEAST_RUNS`."""
    newest = values[-MOST_RUNS:]
    if len(newest) < LEAST_RUNS:
        return None
    centre = statistics.median(newest)
    return Baseline(len(newest), centre, statistics.median(abs(value - centre) for value in newest))
