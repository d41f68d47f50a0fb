"""Reads progress files, of this process or any other, and judges what they do not say themselves: is somebody still at it?"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from leadscout_assets.processes import is_alive
from leadscout_assets.progress.files import all_files, read

RUNNING, STALLED = "running", "stalled"

NOT_BEGUN = "about to start"
"""The stage of an operation whose process has been started, and has not yet said a word itself."""

SILENT_SECONDS = 20.0
"""Ten heartbeats without one: the process is stopped, swapped out or hung with everything in it."""

IDLE_SECONDS = 600.0
"""A process that beats but has moved nothing for so long is worth a look; the longest step of a million rows that says
nothing takes a tenth of that."""


@dataclass(frozen=True)
class Seen:
    """One operation as its file tells it, and as a reader judges it: `state` may be `stalled`, `remark` says why."""

    told: Mapping[str, Any]
    state: str
    remark: str | None

    @property
    def name(self) -> str:
        """What tells it from another of its kind: operation and run id or process id."""
        return f"{self.told['operation']}-{self.told.get('run_id') or self.told['pid']}"

    def to_json(self) -> dict[str, Any]:
        """Return the file's content with the reader's judgement in it."""
        return {**self.told, "state": self.state, "name": self.name, "remark": self.remark}


def read_all(folder: Path) -> list[Seen]:
    """Return all operations whose files are in the folder, the one that started last at the end."""
    found = [judged(one) for path in all_files(folder) if (one := read(path)) is not None]
    return sorted(found, key=lambda seen: str(seen.told.get("started_at")))


def judged(
    told: Mapping[str, Any],
    *,
    alive: Callable[[int, str | None], bool] = is_alive,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Seen:
    """Judge what a file tells. Processes of other machines and containers are known by their heartbeats alone."""
    if told.get("state") != RUNNING:
        return Seen(told, str(told.get("state")), None)
    here = told.get("host") == socket.gethostname()
    if here and not alive(int(told["pid"]), told.get("process")):
        begun = told.get("stage") != NOT_BEGUN
        return Seen(
            told, STALLED, "its process is gone: it was killed" if begun else "its process ended before it began"
        )
    silent = _silent_seconds(told, clock, now, same_clock=here)
    if silent > SILENT_SECONDS:
        return Seen(told, STALLED, f"its process says nothing for {silent:.0f} s")
    idle = float(told.get("idle_seconds") or 0.0) + silent
    if told.get("total") and idle > IDLE_SECONDS:
        return Seen(told, STALLED, f"nothing was done for {idle:.0f} s")
    return Seen(told, RUNNING, None)


def _silent_seconds(
    told: Mapping[str, Any], clock: Callable[[], float], now: Callable[[], datetime], *, same_clock: bool
) -> float:
    # All processes of a machine read one monotonic clock, which nobody sets.
    if same_clock and isinstance(told.get("beat"), int | float):
        return max(0.0, clock() - float(told["beat"]))
    try:
        return max(0.0, (now() - datetime.fromisoformat(told["timestamp"])).total_seconds())
    except (KeyError, TypeError, ValueError):
        return 0.0
