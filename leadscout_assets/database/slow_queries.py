"""Logs the queries of an engine that take too long: what was asked, without the values, and for how long."""

from __future__ import annotations

import re
import time
from typing import Any

import sqlalchemy as sa

from leadscout_assets.logs import get_logger

LONGEST_STATEMENT = 300
"""Characters of a statement that are logged; what makes one slow stands at its beginning."""

_LITERAL = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")
_SPACE = re.compile(r"\s+")

log = get_logger(__name__)


def watch_queries(engine: sa.Engine, threshold_ms: float) -> None:
    """Log each statement of the engine that takes at least `threshold_ms` milliseconds, its wait for a lock included."""

    @sa.event.listens_for(engine, "before_cursor_execute")
    def _begin(_c: sa.Connection, _cursor: object, _s: str, _p: object, context: Any, _many: bool) -> None:
        if context is not None:
            context.leadscout_began = time.perf_counter()

    @sa.event.listens_for(engine, "after_cursor_execute")
    def _end(_c: sa.Connection, _cursor: object, statement: str, _p: object, context: Any, _many: bool) -> None:
        began = getattr(context, "leadscout_began", None)
        elapsed = 0.0 if began is None else (time.perf_counter() - began) * 1000
        if elapsed >= threshold_ms:
            log.warning(
                "database.slow_query",
                statement=without_values(statement),
                database=engine.dialect.name,
                processing_time_ms=round(elapsed, 1),
                threshold_ms=threshold_ms,
            )


def without_values(statement: str) -> str:
    """Return the beginning of a statement on one line, a question mark in place of each value that stands in its text."""
    return _SPACE.sub(" ", _LITERAL.sub("?", statement)).strip()[:LONGEST_STATEMENT]
