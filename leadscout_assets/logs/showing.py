"""Tells a run's own log, which the Dagster UI shows, of the events that are meant for it. What shows them is handed in."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import structlog

from leadscout_assets.logs.events import event_of

Show = Callable[[int, str], None]
"""Takes a level, as the standard library counts them, and a text."""

MOST_BATCHES = 20
"""Batches in a run up to which each is told of: an entry costs some milliseconds, and the materializations tell the same."""


@dataclass(frozen=True)
class _Screen:
    show: Show
    batches: int


_screen: ContextVar[_Screen | None] = ContextVar("screen", default=None)


@contextmanager
def shown_in(show: Show, *, batches: int = 1) -> Iterator[None]:
    """Hand each event logged in the block that is meant for the UI to `show`, once; `batches`: how many the run has."""
    token = _screen.set(_Screen(show, batches))
    try:
        yield
    finally:
        _screen.reset(token)


def show(_logger: object, method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Structlog processor, after the line has become private: show what is meant to be, and pass the line on."""
    screen = _screen.get()
    if screen is None or method == "debug":
        return line
    event = event_of(line["event"])
    if event.in_ui and not (event.per_batch and screen.batches > MOST_BATCHES):
        try:
            screen.show(logging.getLevelName(method.upper()), text_of(line))
        except Exception as error:  # noqa: BLE001  whatever storage has against it, the line is in the file, and the work goes on
            sys.stderr.write(f"an event was not shown in the run's log: {type(error).__name__}\n")
    return line


def text_of(line: Mapping[str, object]) -> str:
    """Return a line as text: the event, then what Dagster does not show beside it anyway."""
    known = {"event", "run_id", "asset", "step", "request_id", "level", "logger", "timestamp"}
    told = [f"{key}={value}" for key, value in line.items() if key not in known]
    return " ".join([str(line["event"]), *told])
