"""Counts the progress of an operation in the process that works on it, and writes it to its file.

The work only counts; a thread writes, so that the file also lives while the work is in a long native call.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadscout_assets.errors import Stopped, TookTooLong, is_interruption
from leadscout_assets.logs import get_logger
from leadscout_assets.processes import identity
from leadscout_assets.progress import files
from leadscout_assets.progress.reading import NOT_BEGUN
from leadscout_assets.resources import sample

if TYPE_CHECKING:
    from leadscout_assets.settings import Settings

WRITE_SECONDS = 0.25
"""Least time between two writes of a file: at most four in a second."""

BEAT_SECONDS = 2.0
"""Longest time between two writes: by these a reader knows that the process is well, also while nothing moves."""

TOGETHER_SECONDS = 1.0
"""Least time between two writes of all files together."""

RATE_SECONDS = 10.0
"""How far the recent rate looks back: long enough to be calm, short enough to show a change of pace."""

LONG_SECONDS = 2.0
"""An operation that lasts longer tells each tenth of its way to whoever listens; a shorter one is over before it is read.
So much time passes before the file of a command that mostly is short."""

ROUNDING = 1e-6
"""A share of a count may come out a hair below the whole number that it is."""


class Progress:
    """How far one operation has come. Any thread may call it; none of its calls takes longer than a microsecond or two.

    `processed` and `total` count the whole operation in one unit. A stage is a stretch of that way, told in shares of
    itself. What moves backwards is ignored, so that neither count nor percentage ever falls.
    """

    def __init__(
        self,
        operation: str,
        *,
        run_id: str | None = None,
        total: int | None = None,
        unit: str = "rows",
        limit_seconds: float | None = None,
        on_tenth: Callable[[int], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Begin. `limit_seconds`: what takes longer is ended at its next word; None for no limit."""
        self.operation, self.run_id, self.unit = operation, run_id, unit
        self._clock, self._now, self._on_tenth = clock, now, on_tenth
        self._limit = limit_seconds
        self._lock = threading.Lock()
        self._began, self._started_at = clock(), now()
        self._ended: float | None = None
        self._stage, self._state = "starting", "running"
        self._item: str | None = None
        self._total, self._processed, self._percentage = total, 0, 0.0
        self._base, self._goal, self._staged = 0.0, float(total or 0), False
        self._recent: deque[tuple[float, int]] = deque([(self._began, 0)])
        self._moved, self._tenth = self._began, 0
        self._stopping = False

    def expect(self, total: int, unit: str | None = None) -> None:
        """Say how much there is in all, once it is known, and of what."""
        with self._lock:
            self._total = total
            self.unit = unit or self.unit
            if not self._staged:
                self._goal = float(total)

    def stage(self, name: str, upto: float | None = None) -> None:
        """Begin a stage that ends at `upto` (0..1 of the whole way). Without it what follows is a stretch of open length."""
        self._check()
        with self._lock:
            self._stage, self._moved = name, self._clock()
            if self._staged:
                # The one before has ended, whatever it told last.
                self._processed = max(self._processed, int(self._goal + ROUNDING))
            self._base, self._staged = float(self._processed), upto is not None
            self._goal = (1.0 if upto is None else upto) * (self._total or 0)

    def tell(self, share: float) -> None:
        """Say which share (0..1) of the stage is done. Raises `Stopped` or `TookTooLong` where the work must end."""
        self.reach(self._base + (self._goal - self._base) * min(max(share, 0.0), 1.0))

    def advance(self, amount: int = 1, item: str | None = None) -> None:
        """Count `amount` more; `item` is a batch or lead id, never a name. Raises as `tell` does."""
        self.reach(self._processed + amount, item)

    def reach(self, processed: float, item: str | None = None) -> None:
        """Set the count, and raise as `tell` does."""
        tenth = None
        with self._lock:
            if item is not None:
                self._item = item
            whole = int(processed + ROUNDING)
            if whole > self._processed:
                self._processed, self._moved = whole, self._clock()
                tenth = self._new_tenth()
        # Outside the lock: the listener may write to a database.
        if tenth is not None and self._on_tenth is not None:
            self._on_tenth(tenth)
        self._check()

    def item(self, item: str) -> None:
        """Name what is being worked on: a batch or lead id, never a name."""
        self._item = item

    def stop(self) -> None:
        """Let the work end at its next word, in whichever thread that is spoken."""
        self._stopping = True

    def end(self, state: str) -> None:
        """Say how it ended: succeeded, failed or cancelled. The first word stands."""
        with self._lock:
            if self._state == "running":
                self._state, self._ended = state, self._clock()
                if state == "succeeded" and self._total is not None:
                    self._processed = self._total

    def to_json(self) -> dict[str, Any]:
        """Return what stands in the file at this moment."""
        with self._lock:
            at = self._ended if self._ended is not None else self._clock()
            rate = self._rate(at)
            self._percentage = max(self._percentage, self._part_done())
            return {
                "operation": self.operation,
                "stage": self._stage,
                "state": self._state,
                "processed": self._processed,
                "total": self._total,
                "percentage": round(self._percentage, 1) if self._total is not None else None,
                "rate_per_second": round(rate, 2),
                "elapsed_seconds": round(at - self._began, 2),
                "eta_seconds": self._eta(rate),
                "current_item": self._item,
                "run_id": self.run_id,
                "started_at": self._started_at.isoformat(timespec="milliseconds"),
                "timestamp": self._now().isoformat(timespec="milliseconds"),
                "unit": self.unit,
                "idle_seconds": round(at - self._moved, 2),
                "beat": round(self._clock(), 2),
            }

    def _part_done(self) -> float:
        if not self._total:
            return 100.0 if self._state == "succeeded" else 0.0
        return min(100.0, 100.0 * self._processed / self._total)

    def _new_tenth(self) -> int | None:
        tenth = int(self._part_done() // 10) * 10
        if tenth <= self._tenth or self._clock() - self._began < LONG_SECONDS:
            return None
        self._tenth = tenth
        return tenth

    def _rate(self, at: float) -> float:
        """Return the rate over the last seconds; when it ended, over all of its time."""
        if self._ended is not None:
            return self._processed / max(self._ended - self._began, 1e-9)
        recent = self._recent
        if at - recent[-1][0] >= WRITE_SECONDS:
            recent.append((at, self._processed))
        # One sample older than the window stays: the rate is that since then.
        while len(recent) > 2 and at - recent[1][0] >= RATE_SECONDS:
            recent.popleft()
        seconds = at - recent[0][0]
        return (self._processed - recent[0][1]) / seconds if seconds > 0 else 0.0

    def _eta(self, rate: float) -> float | None:
        if self._state != "running" or not self._total or rate <= 0:
            return None
        return round(max(0.0, (self._total - self._processed) / rate), 1)

    def _check(self) -> None:
        if self._stopping:
            raise Stopped
        if self._limit is not None and self._clock() - self._began > self._limit:
            raise TookTooLong(
                f"{self.operation} took longer than the {self._limit:.0f} s that LEADSCOUT_TIME_LIMITS gives it; raise that, "
                "or give it less at once"
            )


class Writer:
    """Writes one `Progress` to its file, from a thread of its own and at the end."""

    def __init__(self, progress: Progress, folder: Path, file: Path, after: float = 0.0) -> None:
        """Take all of it; nothing is written yet, nor within `after` seconds, nor ever of what has ended by then."""
        self._progress, self._folder, self._file, self._after = progress, folder, file, after
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write_on, name=f"progress-{progress.operation}", daemon=True)
        self._writing = threading.Lock()
        self._last: tuple[object, ...] = ()
        self._together = self._beat = self._used_at = 0.0
        self._resources: dict[str, int | float] = {}
        self._process = {"pid": os.getpid(), "host": socket.gethostname(), "process": identity(os.getpid())}
        self._broken = False

    def start(self) -> None:
        """Write the first time, unless that has time, and go on in the thread."""
        if not self._after:
            self.write()
        self._thread.start()
        _open.add(self)

    def finish(self, state: str) -> None:
        """Write how it ended; nothing is written afterwards."""
        self._over.set()
        self._progress.end(state)
        # Whoever interrupts the process may hold the lock in another thread: the end must not wait for that.
        held = self._writing.acquire(timeout=1.0)
        try:
            if self._last or not self._after:
                self._write(last=True)
        finally:
            if held:
                self._writing.release()
            _open.discard(self)

    def stop(self) -> None:
        """Let the operation end at its next word."""
        self._progress.stop()

    def write(self) -> None:
        """Write where something moved, or a heartbeat is due."""
        with self._writing:
            if not self._over.is_set():
                self._write(last=False)

    def _write_on(self) -> None:
        if self._over.wait(self._after):
            return
        self.write()
        while not self._over.wait(WRITE_SECONDS):
            self.write()

    def _write(self, *, last: bool) -> None:
        found = self._progress.to_json()
        seen = (found["stage"], found["state"], found["processed"], found["total"], found["current_item"])
        at = time.monotonic()
        if not last and seen == self._last and at - self._beat < BEAT_SECONDS:
            return
        if last or at - self._used_at >= TOGETHER_SECONDS:
            used = sample()
            self._resources, self._used_at = used.to_json() if used else {}, at
        try:
            if not self._last:
                files.make_folder(self._folder)
            if self._over.is_set() and not last:
                # Another thread has written the end meanwhile, without waiting for this one.
                return
            files.write_atomically(self._file, found | self._process | self._resources)
            if last or at - self._together >= TOGETHER_SECONDS:
                files.write_together(self._folder, wait=last)
                self._together = at
        except OSError as error:
            # The work is worth more than the word of it; a full disk is told by whoever fills it.
            if not self._broken:
                get_logger(__name__).warning("progress not written", reason=error.strerror)
            self._broken = True
        self._last, self._beat = seen, at


_open: set[Writer] = set()

_SILENT = Progress("nothing")
"""Counts for nobody: what library functions speak to where no operation is tracked."""

_current: ContextVar[Progress | None] = ContextVar("progress", default=None)


def current(unit: str | None = None) -> Progress:
    """Return the operation that this context works on; one that nobody reads where there is none, or none in this unit.

    What counts names its unit: a part of a larger operation must not count bytes among its batches.
    """
    found = _current.get()
    return _SILENT if found is None or unit not in (None, found.unit) else found


@contextmanager
def tracked(
    settings: Settings,
    operation: str,
    *,
    run_id: str | None = None,
    total: int | None = None,
    unit: str = "rows",
    on_tenth: Callable[[int], None] | None = None,
    written: bool = True,
    after: float = 0.0,
) -> Iterator[Progress]:
    """Track the block as an operation: what it calls finds it by `current`, others by its file.

    The file bears the run id, else the process id; without `written` there is none, with `after` none before so many
    seconds, unless somebody has announced it. A block that raises has failed, or was cancelled where somebody asked for it.
    """
    limit = settings.time_limit(operation)
    progress = Progress(operation, run_id=run_id, total=total, unit=unit, limit_seconds=limit, on_tenth=on_tenth)
    folder = settings.progress_dir
    file = files.file_of(folder, operation, run_id or str(os.getpid()))
    writer = Writer(progress, folder, file, 0.0 if file.exists() else after)
    token = _current.set(progress)
    if written:
        writer.start()
    state = "failed"
    try:
        yield progress
        state = "succeeded"
    except BaseException as error:
        state = "cancelled" if is_interruption(error) else "failed"
        raise
    finally:
        _current.reset(token)
        if written:
            writer.finish(state)


def announce(settings: Settings, operation: str, pid: int, process: str | None) -> None:
    """Write the file of an operation that another process is about to begin, unless that has begun it already."""
    file = files.file_of(settings.progress_dir, operation, str(pid))
    told = Progress(operation).to_json() | {
        "stage": NOT_BEGUN,
        "pid": pid,
        "host": socket.gethostname(),
        "process": process,
    }
    with suppress(OSError):
        files.make_folder(settings.progress_dir)
        if not file.exists():
            files.write_atomically(file, told)


def has_begun(settings: Settings, operation: str, pid: int) -> bool:
    """Say whether the process that was announced has written itself what it is at."""
    told = files.read(files.file_of(settings.progress_dir, operation, str(pid)))
    return told is not None and told["stage"] != NOT_BEGUN


def withdraw(settings: Settings, operation: str, pid: int) -> None:
    """Take an announcement back: the process has ended, and never began. Nothing where it has."""
    if not has_begun(settings, operation, pid):
        with suppress(OSError):
            files.file_of(settings.progress_dir, operation, str(pid)).unlink(missing_ok=True)
            if settings.progress_dir.is_dir():
                files.write_together(settings.progress_dir, wait=False)


def amend(settings: Settings, operation: str, run_id: str, state: str) -> None:
    """Write of an operation that has ended well that it did not: what it made could not be stored. Nothing where it has no file."""
    folder = settings.progress_dir
    file = files.file_of(folder, operation, run_id)
    told = files.read(file)
    if told is None or told.get("state") != "succeeded":
        return
    with suppress(OSError):
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        files.write_atomically(file, told | {"state": state, "timestamp": now})
        files.write_together(folder, wait=True)


def stop_all() -> None:
    """Let every operation of this process end at its next word."""
    for writer in list(_open):
        writer.stop()


def cancel_all() -> None:
    """Write of every operation of this process that it was cancelled: for a process that ends without unwinding."""
    for writer in list(_open):
        writer.finish("cancelled")
