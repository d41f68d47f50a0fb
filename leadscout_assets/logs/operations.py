"""`operation`: times a piece of work and logs its beginning and its end; `bound` puts ids on every line inside."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from structlog.contextvars import bound_contextvars

from leadscout_assets.errors import LeadScoutError
from leadscout_assets.logs import current
from leadscout_assets.logs.following import followed
from leadscout_assets.logs.setup import ROOT, get_logger

BOUND = ("run_id", "batch_id", "asset", "step", "request_id")
"""What stands on every line inside an operation that was given it; the rest of its context stands on its own two lines."""


def bound(**ids: object) -> AbstractContextManager[None]:
    """Put ids, of those in `BOUND`, on every line logged in the block, in threads too that copy its context."""
    return bound_contextvars(**{key: ids[key] for key in BOUND if key in ids})


@contextmanager
def operation(name: str, *, level: str = "info", **context: object) -> Iterator[dict[str, object]]:
    """Log the beginning (DEBUG) and the end of a step, with `processing_time_ms` and `success`.

    `name` is an entry of `events.OPERATIONS`. The end is an INFO line, DEBUG where `level` says so (for what happens every
    few seconds), and an ERROR where the block raises. Yields a dict: what is put there stands on the closing line. The
    ids in `BOUND` also stand on every line logged inside. A failure's line has the error's class, and its message only if
    the error is LeadScout's own, since messages of libraries quote values. The error goes on.
    """
    log = get_logger(f"{ROOT}.operations")
    found: dict[str, object] = {}
    started = time.perf_counter()

    def closing(success: bool) -> dict[str, Any]:
        elapsed = round((time.perf_counter() - started) * 1000, 1)
        return {**context, **found, "success": success, "processing_time_ms": elapsed}

    with bound(**context), current.noted(name, told=level == "info") as note, followed(name, context) as traced:
        log.debug(name, phase="started", **context)
        try:
            yield found
        except BaseException as error:  # a cancelled run ends by a BaseException, and its line is wanted most
            told = {**closing(False), **_fault(error)}
            note(told)
            traced(told)
            log.error(name, **told)
            raise
        told = closing(True)
        note(told)
        traced(told)
        (log.debug if level == "debug" else log.info)(name, **told)


def failed_outside(name: str, error: BaseException, *, seconds: float, **context: object) -> None:
    """Log that an operation failed before its block or after it: its input could not be read, or its result not stored.

    A line as `operation` closes a failed block with. `seconds`: what was lost by it.
    """
    told = {**context, "success": False, "processing_time_ms": round(seconds * 1000, 1), **_fault(error)}
    with bound(**context):
        current.ended(name, told)
        get_logger(f"{ROOT}.operations").error(name, **told)


def _fault(error: BaseException) -> dict[str, str]:
    reason = {"reason": str(error)} if isinstance(error, LeadScoutError) else {}
    return {"error": type(error).__name__, **reason}
