"""Until when asking may go on: as a whole, and about each batch from its first call on. Asks nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection

from leadscout_assets.llm.answered import Why


class TimeLimits:
    """Limits of one round of questions, seconds, by a clock that nobody sets. Safe from any number of threads.

    A call may be about names of several batches: it begins as long as one of these has time left.
    """

    def __init__(self, whole: float, batch: float) -> None:
        """Begin the round's own time; a batch's begins at `of_turn`."""
        self.end, self._batch, self._ends, self._lock = (
            time.monotonic() + whole,
            batch,
            dict[str, float](),
            threading.Lock(),
        )

    def of_turn(self, batches: Collection[str]) -> set[str]:
        """Note that a call about these batches is about to be made; return those whose time is over."""
        now = time.monotonic()
        with self._lock:
            for batch in batches:
                self._ends.setdefault(batch, now + self._batch)
            return {batch for batch in batches if self._ends[batch] <= now}

    def too_late(self, batches: Collection[str], pause: float = 0.0) -> str | None:
        """Return the code of why a call about these batches cannot begin after a pause; None where it can."""
        then = time.monotonic() + pause
        if then >= self.end:
            return Why.TOO_LATE
        with self._lock:
            return Why.BATCH_TOO_LATE if all(self._ends.get(batch, then + 1) <= then for batch in batches) else None
