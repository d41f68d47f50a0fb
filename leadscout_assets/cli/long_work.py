"""What commands that may take long have in common: followed by a progress file, ended well by a signal.

The platform's own commands end their processes themselves, and are not among them: `supervisor`.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from types import FrameType
from typing import Any, NoReturn

from leadscout_assets.errors import Stopped, is_interruption
from leadscout_assets.progress import LONG_SECONDS, Progress, cancel_all, stop_all, tracked
from leadscout_assets.settings import Settings, current_settings

GRACE_SECONDS = 6.0
"""From the first signal to the end of the process, whatever it is at: whoever stops it waits for ten, on a busy machine too."""

ENDED_BY: ContextVar[int | None] = ContextVar("ended_by", default=None)
"""The signal that ended the command's work, for its exit code."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Work:
    """A command's work: its progress, and the signal that asked it to end, None before that."""

    def __init__(self) -> None:
        """Begin; nobody has asked for anything."""
        self.signal: int | None = None
        self.progress = Progress("nothing")

    def go_on(self) -> None:
        """Raise `Stopped` where the work was asked to end; for between two pieces that catch interruptions themselves."""
        if self.signal is not None:
            raise Stopped(self.signal)


@contextmanager
def long_work(
    settings: Settings,
    operation: str,
    *,
    total: int | None = None,
    unit: str = "rows",
    written: bool = True,
    after: float = 0.0,
) -> Iterator[Work]:
    """Follow the block as an operation, and end it by `Stopped` at SIGINT, SIGTERM or SIGHUP.

    A second signal, or `GRACE_SECONDS` after the first, ends the process at once. Nothing that counts is ever half
    written: whatever writes puts it in place at the end, in one step. Without `written` there is no progress file, with `after` none
    before so many seconds.
    """
    following = tracked(settings, operation, total=total, unit=unit, written=written, after=after)
    with _stoppable() as work, following as progress:
        work.progress = progress
        yield work


def followed(operation: str, command: Callable[..., Any]) -> Callable[..., Any]:
    """Return the command with a progress file once it takes long; a home that is not there is not made for that."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        settings = current_settings()
        with long_work(settings, operation, unit="", written=settings.home.is_dir(), after=LONG_SECONDS):
            return command(*args, **kwargs)

    return run


@contextmanager
def _stoppable() -> Iterator[Work]:
    work = Work()
    if threading.current_thread() is not threading.main_thread():
        # Only the main thread may take signals; whoever calls us from another one takes them himself.
        yield work
        return

    def stop(number: int, _frame: FrameType | None) -> None:
        work.signal = number
        raise Stopped(number)

    # `nohup` has SIGHUP ignored, on purpose.
    taken = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in taken}
    # Seen by a thread too: Dagster replaces the handlers while it executes a run, and a native call keeps them waiting.
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    earlier = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    watcher = threading.Thread(target=_watch, args=(reading, work, frozenset(taken)), name="signals", daemon=True)
    watcher.start()
    try:
        yield work
    except BaseException as error:
        if work.signal is not None and is_interruption(error):
            ENDED_BY.set(work.signal)
            # Whoever raised it, a library or another thread: it was this signal.
            raise Stopped(work.signal) from None
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(earlier)
        os.close(writing)
        watcher.join()
        os.close(reading)


def _watch(reading: int, work: Work, taken: frozenset[int]) -> None:
    number = _next(reading, taken, None)
    if number is None:
        return
    work.signal = number
    # An exception in the main thread may be swallowed, in a callback of a library say, and reaches no other thread.
    stop_all()
    again = _next(reading, taken, GRACE_SECONDS)
    if again is not None:
        _end_at_once(again or number)


def _next(reading: int, taken: frozenset[int], seconds: float | None) -> int | None:
    """Return the next signal, 0 after `seconds` without one, None when the work has ended."""
    while select.select([reading], [], [], seconds)[0]:
        told = os.read(reading, 1)
        if not told:
            return None
        if told[0] in taken:
            return told[0]
    return 0


def _end_at_once(number: int) -> NoReturn:
    try:
        cancel_all()
        sys.stderr.write("leadscout: ended at once; what was finished is kept\n")
        sys.stderr.flush()
    finally:
        os._exit(128 + number)
