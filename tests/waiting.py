"""Waiting for what has to happen, however busy the machine: for a condition, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

PATIENCE = 240.0
"""Seconds that anything may take: a loaded machine has needed a minute for what takes three seconds on a quiet one."""

FIRST_PAUSE, LONGEST_PAUSE = 0.01, 0.5
"""Seconds between two looks, at first and at most: what takes long is not slowed down by being watched."""


def until(
    condition: Callable[[], Found | None],
    why: str = "what is awaited",
    patience: float = PATIENCE,
    instead: Callable[[], object] = lambda: "",
) -> Found:
    """Ask until the answer is something, and return it; fail saying what was awaited, and what there is `instead`."""
    deadline, pause = time.monotonic() + patience, FIRST_PAUSE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {patience:.0f} s: {why} {instead()}"
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
    return found
