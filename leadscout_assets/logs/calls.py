"""`api_call`: the line that tells of one call of an external service, with its tokens and its cost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from leadscout_assets.errors import LeadScoutError
from leadscout_assets.logs.setup import ROOT, get_logger


@contextmanager
def api_call(provider: str, model: str, **context: object) -> Iterator[dict[str, object]]:
    """Log one call when it ends: at DEBUG, or as a WARNING where the block raises. The error goes on.

    Yields a dict for what is known afterwards: `tokens_in`, `tokens_out` (counts), `cost_usd` (US dollars), `status` (of
    HTTP); what is not put there is 0. `context` may hold `attempt` (starts at 1).
    """
    log, started = get_logger(f"{ROOT}.api"), time.perf_counter()
    found: dict[str, object] = {"tokens_in": 0, "tokens_out": 0, "cost_usd": 0.0}

    def told(success: bool) -> dict[str, Any]:
        elapsed = round((time.perf_counter() - started) * 1000, 1)
        outcome = {"success": success, "processing_time_ms": elapsed}
        return {"provider": provider, "model": model, **context, **found, **outcome}

    try:
        yield found
    except BaseException as error:  # a call that was cancelled may have cost something, too
        reason = {"reason": str(error)} if isinstance(error, LeadScoutError) else {}
        log.warning("api.call", **told(False), error=type(error).__name__, **reason)
        raise
    log.debug("api.call", **told(True))
