"""Which fault befalls which request: by a script, then by chance from a seed. What a fault does, the server knows."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

FAULTS: Mapping[str, str] = {
    "ok": "a complete answer",
    "rate_limited": "429 with retry-after and rate-limit headers",
    "server_error": "500",
    "overloaded": "529",
    "gateway": "504, although the model answered and charges",
    "timeout": "no answer within the client's time limit; the model charges",
    "reset": "the connection is reset in the middle of the body; the model charges",
    "slow": "the body comes a byte at a time; the model charges",
    "truncated": "the reply ends at its length limit",
    "malformed": "the reply is no JSON",
    "not_json": "200, and the body is a page of HTML",
    "duplicated": "one index comes back twice, with different answers",
    "reordered": "the answers come in another order, which is no fault",
    "missing": "one answer is missing",
    "wrong_schema": "keys and values that the schema does not admit",
    "surplus": "answers for indexes that nobody asked about",
    "refusal": "the model declines",
    "obeys": "the model does what a name tells it to",
}

CHANCES = ("rate_limited", "server_error", "overloaded", "timeout", "reset", "malformed", "missing", "truncated")
"""What happens by chance; the rest only by a script."""


@dataclass
class Faults:
    """A script, worked off first, then a share (0..1) of faults among `kinds`. Safe from any number of threads."""

    script: Sequence[str] = ()
    share: float = 0.0
    seed: int = 0
    kinds: Sequence[str] = CHANCES
    then: str = "ok"
    """What befalls the rest."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        unknown = {*self.script, *self.kinds, self.then} - set(FAULTS)
        if unknown:
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join(FAULTS)}")
        self._dice, self._left = random.Random(self.seed), list(self.script)  # noqa: S311  repeatable, not secret

    def next(self) -> str:
        """Return what befalls the next request."""
        with self._lock:
            if self._left:
                return self._left.pop(0)
            return self._dice.choice(list(self.kinds)) if self._dice.random() < self.share else self.then
