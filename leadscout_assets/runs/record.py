"""The run record: the one class that writes and reads performance metadata. One per asset and run.

Judging a record against earlier ones does not belong here.
"""

import resource
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Self

PREFIX = "leadscout/"
"""Namespace of our keys among Dagster's metadata."""

PEAK_UNIT = 1 if sys.platform == "darwin" else 1_024
"""Bytes per unit of `ru_maxrss`: kibibytes on Linux, bytes on macOS (getrusage(2))."""


@dataclass(frozen=True)
class RunRecord:
    """What one asset cost in one run.

    asset: name. run_id: Dagster's, or `local`. batches: number of batches in the run. rows_in, rows_out: rows over all
    batches. seconds: wall time of the work itself, without loading inputs and storing outputs. rows_per_second:
    rows_in over seconds. peak_memory_mb: highest resident memory of the process up to the end of the work, megabytes (10^6 bytes).
    """

    asset: str
    run_id: str
    batches: int
    rows_in: int
    rows_out: int
    seconds: float
    rows_per_second: float
    peak_memory_mb: float

    def to_metadata(self) -> dict[str, str | int | float]:
        """Return the record as metadata values, keys prefixed."""
        return {PREFIX + field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, object]) -> Self:
        """Read a record that `to_metadata` wrote; other keys are ignored. Raises `KeyError` where one is missing."""
        return cls(**{field.name: metadata[PREFIX + field.name] for field in fields(cls)})  # type: ignore[arg-type]


@dataclass
class Stopwatch:
    """Seconds of work and the peak memory at its end, filled in when the measured block ends."""

    seconds: float = 0.0
    peak_memory_mb: float = 0.0

    def record(self, *, asset: str, run_id: str, batches: int, rows_in: int, rows_out: int) -> RunRecord:
        """Return the run record of the measured work."""
        return RunRecord(
            asset=asset,
            run_id=run_id,
            batches=batches,
            rows_in=rows_in,
            rows_out=rows_out,
            seconds=round(self.seconds, 4),
            rows_per_second=round(rows_in / self.seconds, 1) if self.seconds > 0 else 0.0,
            peak_memory_mb=self.peak_memory_mb,
        )


@contextmanager
def measured() -> Iterator[Stopwatch]:
    """Measure a block of work; the stopwatch is filled in also where the block raises."""
    watch, start = Stopwatch(), time.perf_counter()
    try:
        yield watch
    finally:
        watch.seconds = time.perf_counter() - start
        watch.peak_memory_mb = peak_memory_mb()


def peak_memory_mb() -> float:
    """Return the highest resident memory of this process so far, megabytes."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT / 1e6, 1)
