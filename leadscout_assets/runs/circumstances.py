"""What a run's speed depends on besides its work: the class of machine, the version of the code, warm or cold caches.

Nothing here names a machine: the class is shared by all that are alike.
"""

import hashlib
import math
import os
import platform
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent.parent

QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Where Linux tells a container how much processor time it may use: microseconds, and of how many."""


@cache
def machine_class(quota: Path = QUOTA) -> str:
    """Return system, architecture, processors, memory (GB, rounded up to a power of two) and Python: `linux-x86_64-2cpu-32gb-py3.11`.

    Processors are those that this process may use, a container's quota included.
    """
    gigabytes = 2 ** math.ceil(math.log2(max(_memory_bytes() / 1e9, 1)))
    version = ".".join(platform.python_version_tuple()[:2])
    return f"{platform.system().lower()}-{platform.machine().lower()}-{_processors(quota)}cpu-{gigabytes}gb-py{version}"


@cache
def code_version(package: Path = PACKAGE) -> str:
    """Return twelve hex digits of a digest over the package's modules, changed ones in a checkout included."""
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


_done_before: set[str] = set()


def first_time(what: str) -> bool:
    """Return whether this process is asked about `what` for the first time: its modules and word lists are not loaded yet."""
    first = what not in _done_before
    _done_before.add(what)
    return first


def _processors(quota: Path) -> int:
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        most, period = quota.read_text(encoding="ascii").split()
        return min(allowed, max(1, math.ceil(int(most) / int(period))))
    except (OSError, ValueError):  # no such file; or "max", which is no limit
        return allowed


def _memory_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not told by every system
        return 0
