"""One platform per home: the lock that says so, and whose it is.

The kernel drops the lock with its holder, however that ended: a pid file that was left behind stands in nobody's way.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leadscout_assets.errors import AlreadyRunning

PID_FILE = "leadscout.pid"


@contextmanager
def hold_home(home: Path) -> Iterator[None]:
    """Hold `home` for this process while the block runs. Raises `AlreadyRunning` naming the pid of the holder."""
    home.mkdir(parents=True, exist_ok=True)
    # Never unlinked: a second process could lock the file that the first has just removed.
    descriptor = os.open(home / PID_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        if not _lock(descriptor):
            raise AlreadyRunning(
                f"the platform already runs on {home}, as process {_read_pid(descriptor) or 'unknown'}; stop that one "
                "first, or set LEADSCOUT_HOME to another folder"
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def running_pid(home: Path) -> int | None:
    """Return the process id of the platform that holds `home`; None when none does."""
    try:
        descriptor = os.open(home / PID_FILE, os.O_RDWR | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return None if _lock(descriptor) else _read_pid(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    import fcntl  # POSIX only, like the platform; the rest of the package imports anywhere

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_pid(descriptor: int) -> int | None:
    text = os.pread(descriptor, 32, 0).strip()
    return int(text) if text.isdigit() else None
