"""What the figures depend on besides the code: the machine, what else it is doing, and its speed on a fixed loop."""

from __future__ import annotations

import os
import platform
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

QUIET_LOAD = 0.5
"""Load average of one minute above which others' work is likely to show in the figures."""

QUIET_BUSY_PERCENT = 15.0
"""The same for the share of all processors in use during one second before the start: load averages lag behind."""

LOOP = 1_000_000


def describe_machine() -> dict[str, Any]:
    """Return the machine and its state now. Takes a good second, in which it watches the processors."""
    return {
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "cpu": _cpu_model(),
        "memory_mb": round(psutil.virtual_memory().total / 1e6),
        "system": platform.system(),
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[0], 2),
        "busy_percent": psutil.cpu_percent(interval=1.0),
        "calibration_seconds": calibrate(),
    }


def warnings(machine: dict[str, Any]) -> list[str]:
    """Return what speaks against trusting figures measured on this machine now."""
    found = []
    if machine["load_average"] > QUIET_LOAD:
        found.append(f"load average {machine['load_average']} is above {QUIET_LOAD}")
    if machine["busy_percent"] > QUIET_BUSY_PERCENT:
        found.append(f"processors are {machine['busy_percent']:.0f} % busy, above {QUIET_BUSY_PERCENT:.0f} %")
    return [f"warning: {reason}; figures will be too high" for reason in found]


def calibrate() -> float:
    """Return seconds of a fixed loop in plain Python, the best of three: what this machine is worth at this moment."""
    times = []
    for _ in range(3):
        started = time.perf_counter()
        total = 0
        for number in range(LOOP):
            total += number * number % 7
        times.append(time.perf_counter() - started)
    return round(min(times), 4)


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()
