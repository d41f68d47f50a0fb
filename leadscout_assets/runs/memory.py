"""The highest resident memory of this process while a block of work runs, and the files that it holds open.

The process's own peak never falls. Linux resets it on request; where it may not be asked, the memory is looked at often.
"""

import re
import resource
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PEAK_UNIT = 1 if sys.platform == "darwin" else 1_024
"""Bytes per unit of `ru_maxrss`: kibibytes on Linux, bytes on macOS (getrusage(2))."""

RESET, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
RESET_PEAK = "5"
"""What to write to `clear_refs` so that the peak becomes what is resident now (proc(5))."""

LOOK_SECONDS = 0.02
"""Time between two looks where the peak cannot be reset: a peak that is shorter may be missed."""


DESCRIPTORS = Path("/proc/self/fd"), Path("/dev/fd")
"""Where Linux, and other systems, list what a process holds open."""


def open_files(places: tuple[Path, ...] = DESCRIPTORS) -> int:
    """Return how many files, sockets and pipes this process holds open; 0 where the system does not say."""
    for place in places:
        with suppress(OSError):
            # The look itself holds one.
            return sum(1 for _ in place.iterdir()) - 1
    return 0


def peak_memory_mb() -> float:
    """Return the highest resident memory of this process so far, megabytes."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT / 1e6, 1)


@contextmanager
def watched_memory(reset: Path = RESET) -> Iterator[Callable[[], float]]:
    """Watch a block of work; what is yielded returns its highest resident memory so far, megabytes.

    Blocks in two threads at once see the peak since the later of them began.
    """
    try:
        reset.write_text(RESET_PEAK, encoding="ascii")
    except OSError:  # not Linux, or a container that forbids it
        with _sampled() as peak:
            yield peak
    else:
        yield lambda: _told("VmHWM") or peak_memory_mb()


@contextmanager
def _sampled() -> Iterator[Callable[[], float]]:
    highest, ended = [_resident_mb()], threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_SECONDS):
            highest.append(max(highest.pop(), _resident_mb()))

    thread = threading.Thread(target=look, name="memory", daemon=True)
    thread.start()
    try:
        yield lambda: max([*highest, _resident_mb()])
    finally:
        ended.set()
        thread.join()


def _resident_mb() -> float:
    if found := _told("VmRSS"):
        return found
    import psutil

    return round(float(psutil.Process().memory_info().rss) / 1e6, 1)


def _told(name: str) -> float | None:
    """Return a line of the process's status, megabytes; None where there is none."""
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB", STATUS.read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return None
    return round(int(found[1]) * 1_024 / 1e6, 1) if found else None
