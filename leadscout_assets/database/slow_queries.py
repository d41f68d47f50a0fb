"""Counts the queries of an engine, and logs those that take too long: what was asked, without the values, and for how long."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from leadscout_assets.logs import get_logger

LONGEST_STATEMENT = 300
"""Characters of a statement that are logged; what makes one slow stands at its beginning."""

_LITERAL = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")
_SPACE = re.compile(r"\s+")

log = get_logger(__name__)


@dataclass
class Queries:
    """How many statements an engine of this process has run, the seconds that they took, and how many were slow."""

    count: int = 0
    seconds: float = 0.0
    slow: int = 0


def watch_queries(engine: sa.Engine, threshold_ms: float) -> Queries:
    """Count the engine's statements, and log each that takes at least `threshold_ms` milliseconds, its wait for a lock included.

    Returns the counts, which go on. Two threads that count at the same moment may lose one: no lock is worth that.
    """
    counted = Queries()

    @sa.event.listens_for(engine, "before_cursor_execute")
    def _begin(_c: sa.Connection, _cursor: object, _s: str, _p: object, context: Any, _many: bool) -> None:
        if context is not None:
            context.leadscout_began = time.perf_counter()

    @sa.event.listens_for(engine, "after_cursor_execute")
    def _end(_c: sa.Connection, _cursor: object, statement: str, _p: object, context: Any, _many: bool) -> None:
        began = getattr(context, "leadscout_began", None)
        elapsed = 0.0 if began is None else (time.perf_counter() - began) * 1000
        counted.count += 1
        counted.seconds += elapsed / 1000
        counted.slow += elapsed >= threshold_ms
        if elapsed >= threshold_ms:
            log.warning(
                "database.slow_query",
                statement=without_values(statement),
                database=engine.dialect.name,
                processing_time_ms=round(elapsed, 1),
                threshold_ms=threshold_ms,
            )

    return counted


def without_values(statement: str) -> str:
    """Return the beginning of a statement on one line, a question mark in place of each value that stands in its text."""
    return _SPACE.sub(" ", _LITERAL.sub("?", statement)).strip()[:LONGEST_STATEMENT]
