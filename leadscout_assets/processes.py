"""Who a process is, beyond its id: ids are used again, and clocks are set. Starts and ends nothing."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path

STARTED_AT = 19
"""Place of `starttime` among the fields behind a command's name in /proc/<pid>/stat (proc(5), field 22)."""


def user() -> str:
    """Return the user that this process runs as, for the audit trail: by number where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"  # a container's user need not have a name


def identity(pid: int) -> str | None:
    """Return what tells a living process from any other that had or will have its id; None where there is none.

    On Linux the boot and the ticks from it to the process's start, which no setting of the clock changes; elsewhere
    the time of its start. A process that has ended and was not yet waited for is none.
    """
    if sys.platform == "linux":
        return _identity_on_linux(pid)
    return _identity_elsewhere(pid)


def is_alive(pid: int, known: str | None) -> bool:
    """Say whether the process lives that had the id and, where that is known, this identity."""
    found = identity(pid)
    return found is not None and known in (None, found)


def _identity_on_linux(pid: int) -> str | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    except OSError:
        return _identity_elsewhere(pid)  # a hardened /proc
    # The command's name stands in brackets, and may hold brackets itself.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else f"{boot}:{fields[STARTED_AT]}"


def _identity_elsewhere(pid: int) -> str | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.AccessDenied:
        return None if not psutil.pid_exists(pid) else "not ours"
    except psutil.NoSuchProcess:
        return None
