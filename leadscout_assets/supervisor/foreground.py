"""The two that may speak to a running platform: signals, and the callback of whoever started it.

Signal handlers and threads are here and nowhere else in the package.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class StopAsked(Exception):
    """The platform was asked to stop: no error, but the way out of whatever it is waiting for."""


class StopRequests:
    """Counts requests to stop: the first is for a graceful end, the second for an immediate one."""

    def __init__(self) -> None:
        """Begin with none."""
        self.count = 0
        self._asked = threading.Event()

    def __call__(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """Take a request; a signal handler."""
        self.count += 1
        self._asked.set()

    def pause(self, seconds: float) -> None:
        """Wait; raise `StopAsked` as soon as one is requested."""
        if self._asked.wait(seconds):
            raise StopAsked


@contextmanager
def stop_requests() -> Iterator[StopRequests]:
    """Turn signals into requests while the block runs, in the main thread; SIGHUP is a terminal that was closed."""
    requests = StopRequests()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, requests) for number in numbers}
    try:
        yield requests
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Guest:
    """A callback in a thread of its own, and what came of it."""

    def __init__(self, on_ready: Callable[[str], int | None] | None, url: str) -> None:
        """Describe the call without making it."""
        self._on_ready = on_ready
        self._url = url
        self._answer: int | None = None
        self._error: BaseException | None = None

    def start(self) -> None:
        """Call it; in a daemon thread, so that a callback that hangs does not outlive the platform."""
        if self._on_ready is not None:
            threading.Thread(target=self._run, args=(self._on_ready,), name="on-ready", daemon=True).start()

    def wants_the_end(self) -> bool:
        """Say whether the callback gave an exit code or failed."""
        return self._answer is not None or self._error is not None

    def answer(self) -> int:
        """Return the callback's exit code, 0 if it gave none, or raise what it raised."""
        if self._error is not None:
            raise self._error
        return self._answer or 0

    def _run(self, on_ready: Callable[[str], int | None]) -> None:
        try:
            self._answer = on_ready(self._url)
        except BaseException as error:  # noqa: BLE001
            # Whatever it was, it belongs to the caller of `up`, in whose thread it is raised again.
            self._error = error
