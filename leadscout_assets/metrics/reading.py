"""Reads sources in the background, one after the other, and keeps what each said last: a scrape waits for none of them.

What there is to be read, and how, its callers say.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from leadscout_assets.errors import LeadScoutError
from leadscout_assets.logs import get_logger
from leadscout_assets.metrics.families import Sample

Source = Callable[[], Sequence[Sample]]
"""Reads, and returns everything that it has to say; opens what it needs at its first call. May raise, and may take seconds."""

EVERY_SECONDS = 15.0
"""Between two readings: how often Prometheus asks, too."""

FIRST_SECONDS = 8.0
"""Longest that the very first scrape waits, so that it holds everything; Prometheus gives up after ten."""

STOP_SECONDS = 3.0

log = get_logger(__name__)


@dataclass(frozen=True)
class _Said:
    """What a source said last, when (seconds of a clock that never goes back), and how the newest reading went."""

    samples: Sequence[Sample] = ()
    at: float | None = None
    seconds: float = 0.0
    up: bool = False


@dataclass
class Reader:
    """Reads all sources every `every` seconds, from the first time that somebody asks until it is stopped."""

    sources: Mapping[str, Source]
    every: float = EVERY_SECONDS
    first: float = FIRST_SECONDS
    clock: Callable[[], float] = time.monotonic
    _said: dict[str, _Said] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _read_once: threading.Event = field(default_factory=threading.Event)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def samples(self) -> list[Sample]:
        """Return what the sources said last, and how old it is. Nothing is read before the first call, which waits for it."""
        with self._lock:
            if self._thread is None:
                # A daemon: a source that hangs must not keep the process from ending.
                self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)
                self._thread.start()
        self._read_once.wait(self.first)
        now, found = self.clock(), list[Sample]()
        for name, said in list(self._said.items()):
            found += [
                *said.samples,
                Sample("source_up", float(said.up), (name,)),
                Sample("source_reading_seconds", said.seconds, (name,)),
            ]
            if said.at is not None:
                found.append(Sample("source_age_seconds", now - said.at, (name,)))
        return found

    def stop(self) -> None:
        """Read no more; waits a while for a reading under way, since libraries may not be left in the middle of their work."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def read(self) -> None:
        """Read all sources once."""
        for name, source in self.sources.items():
            if not self._stopping.is_set():
                self._said[name] = self._one(name, source)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.read()
            self._read_once.set()
            self._stopping.wait(self.every)

    def _one(self, name: str, source: Source) -> _Said:
        before, began = self._said.get(name, _Said()), self.clock()
        try:
            samples = source()
        except Exception as error:  # noqa: BLE001  whatever one source raises, the others are read; messages may quote values
            if before.up or before.at is None:
                reason = str(error) if isinstance(error, LeadScoutError) else type(error).__name__
                log.warning("metrics not read", source=name, reason=reason)
            # What it said before stays, with its age: a gap would hide the very figures that tell why.
            return _Said(before.samples, before.at, self.clock() - began, up=False)
        return _Said(tuple(samples), self.clock(), self.clock() - began, up=True)
