"""Counters and histograms that several threads may add to, and a window of time for the availability. No source is known here."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from threading import Lock

from leadscout_assets.metrics.families import BY_NAME, HISTOGRAM, Sample


class Tally:
    """Counts by family and labels. What was `begun` shows as 0 before its first time, so that its first time is an increase."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lock = Lock()
        self._values: dict[tuple[str, tuple[str, ...]], float] = {}
        self._buckets: dict[tuple[str, tuple[str, ...]], list[int]] = {}

    def begin(self, family: str, *labels: str) -> None:
        """Show a series from now on."""
        self.add(family, 0.0, *labels)

    def add(self, family: str, value: float, *labels: str) -> None:
        """Add to a counter."""
        with self._lock:
            key = (family, labels)
            self._values[key] = self._values.get(key, 0.0) + value

    def observe(self, family: str, value: float, *labels: str) -> None:
        """Add a value to a histogram."""
        bounds = BY_NAME[family].buckets
        with self._lock:
            key = (family, labels)
            counts = self._buckets.setdefault(key, [0] * (len(bounds) + 1))
            counts[bisect_left(bounds, value)] += 1
            self._values[key] = self._values.get(key, 0.0) + value

    def samples(self) -> list[Sample]:
        """Return everything counted so far."""
        with self._lock:
            return [
                Sample(family, value, labels, tuple(self._buckets[family, labels]))
                if BY_NAME[family].kind == HISTOGRAM
                else Sample(family, value, labels)
                for (family, labels), value in self._values.items()
            ]


WINDOW_SECONDS = 86_400.0
"""How far back availability is told."""

LONGEST_STEP = 120.0
"""Seconds between two looks beyond which the time between them was not observed: the machine slept, or a look hung."""


class Availability:
    """The share of the observed time in which a thing was well. Each look speaks for the time since the look before it."""

    def __init__(self, window: float = WINDOW_SECONDS) -> None:
        """Begin with nothing observed. `window`: seconds."""
        self._window = window
        self._looks: deque[tuple[float, float, bool]] = deque()
        self._last: float | None = None
        self._observed = self._well = 0.0

    def look(self, now: float, well: bool) -> None:
        """Note a look at the moment `now` (seconds of a clock that never goes back)."""
        if self._last is not None and 0 < now - self._last <= LONGEST_STEP:
            step = now - self._last
            self._looks.append((now, step, well))
            self._observed += step
            self._well += step if well else 0.0
        self._last = now
        while self._looks and self._looks[0][0] < now - self._window:
            _, step, was_well = self._looks.popleft()
            self._observed -= step
            self._well -= step if was_well else 0.0

    @property
    def observed(self) -> float:
        """Seconds of the window that were observed."""
        return max(self._observed, 0.0)

    @property
    def ratio(self) -> float | None:
        """The share, 0 to 1; None before anything was observed."""
        return min(max(self._well / self._observed, 0.0), 1.0) if self._observed > 0 else None
