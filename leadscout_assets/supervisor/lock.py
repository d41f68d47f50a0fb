"""One platform per home: the lock that says so, and whose it is.

The kernel drops the lock with its holder, however that ended: a pid file that was left behind stands in nobody's way.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from leadscout_assets.errors import AlreadyRunning, EdgeFailed
from leadscout_assets.folders import make_private

PID_FILE = "leadscout.pid"

PATIENCE_SECONDS = 1.0
POLL_SECONDS = 0.02
"""Whoever asks holds the lock, shared, for less than a millisecond, and a platform names itself as soon as it has it:
what stands in the way for a second stays."""


@contextmanager
def hold_home(home: Path) -> Iterator[None]:
    """Hold `home` for this process while the block runs.

    Raises `AlreadyRunning` naming the pid of the holder, and `EdgeFailed` where the home cannot be written.
    """
    import fcntl  # POSIX only, like the platform; the rest of the package imports anywhere

    try:
        make_private(home)
        # Never unlinked: a second process could lock the file that the first has just removed.
        descriptor = os.open(home / PID_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise EdgeFailed(f"{home} cannot be written: {error.strerror}; set LEADSCOUT_HOME to another folder") from None
    try:
        if not _before_long(lambda: _lock(descriptor, fcntl.LOCK_EX)):
            raise AlreadyRunning(
                f"the platform already runs on {home}, as process {_read_pid(descriptor) or 'unknown'}; stop that one "
                "first, or set LEADSCOUT_HOME to another folder"
            )
        mine = f"{os.getpid()}\n".encode()
        os.pwrite(descriptor, mine, 0)
        os.ftruncate(descriptor, len(mine))
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def running_pid(home: Path) -> int | None:
    """Return the process id of the platform that holds `home`; None when none does. Raises `EdgeFailed`."""
    import fcntl

    try:
        descriptor = os.open(home / PID_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise EdgeFailed(f"{home / PID_FILE} cannot be read: {error.strerror}; check its permissions") from None
    try:
        # Shared: two who ask at the same time must not take each other for a platform.
        _before_long(lambda: _lock(descriptor, fcntl.LOCK_SH) or _read_pid(descriptor) is not None)
        return None if _lock(descriptor, fcntl.LOCK_SH) else _read_pid(descriptor)
    finally:
        os.close(descriptor)


def _before_long(done: Callable[[], bool]) -> bool:
    """Say whether `done` comes true within `PATIENCE_SECONDS`."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (answer := done()) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return answer


def _lock(descriptor: int, kind: int) -> bool:
    import fcntl

    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_pid(descriptor: int) -> int | None:
    text = os.pread(descriptor, 32, 0).strip()
    return int(text) if text.isdigit() else None
