"""Which fault befalls which request: by a script, then by chance from a seed. What a fault does, server and batches know."""

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
    "dropped": "the connection is reset before anything was done; nothing is charged",
    "late_error": "500, although what was asked for is done",
    "gateway": "504, although what was asked for is done, and charged",
    "timeout": "no answer within the client's time limit; it is done, and charged",
    "reset": "the connection is reset in the middle of the body; it is done, and charged",
    "slow": "the body comes a byte at a time; it is done, and charged",
    "truncated": "the reply ends at its length limit, the file of results in the middle of a line",
    "malformed": "the reply, or a line of the results, is no JSON",
    "not_json": "200, and the body is a page of HTML",
    "duplicated": "one index, or custom id, comes back twice, with different answers",
    "reordered": "the answers come in another order, which is no fault",
    "missing": "one answer is missing",
    "wrong_schema": "keys and values that the schema does not admit",
    "surplus": "answers for indexes, or custom ids, that nobody asked about",
    "refusal": "the model declines",
    "obeys": "the model does what a name tells it to",
    "errored": "one request of a job fails; it is not charged",
    "failed": "a job fails as a whole; nothing is charged",
    "expired": "a job's time is over: half of its requests are answered, and charged",
    "cancelled": "a job was cancelled at the vendor: half of its requests are answered, and charged",
}

TURNED_DOWN = frozenset({"rate_limited", "server_error", "overloaded", "dropped"})
"""Nothing is done, and nothing charged."""

_ON_THE_WAY = TURNED_DOWN | {"ok", "gateway", "timeout", "reset", "slow", "not_json"}
_OF_REPLIES = frozenset({
    "ok", "truncated", "malformed", "duplicated", "reordered", "missing", "wrong_schema", "surplus", "refusal", "obeys",
})  # fmt: skip

STEPS: Mapping[str, frozenset[str]] = {
    "chat": _ON_THE_WAY | _OF_REPLIES,
    "upload": _ON_THE_WAY | {"late_error"},
    "submit": _ON_THE_WAY | {"late_error"},
    "list": _ON_THE_WAY,
    "poll": _ON_THE_WAY,
    "results": _ON_THE_WAY | {"truncated", "malformed", "duplicated", "reordered", "missing", "surplus"},
    "errors": _ON_THE_WAY,
    "delete": _ON_THE_WAY,
    "job": frozenset({"ok", "failed", "expired", "cancelled"}),
    "request": _OF_REPLIES | {"errored"},
}
"""What may befall each step. `upload` and `errors` (the file of failed requests) are OpenAI's alone; `job` is what becomes of a
job, `request` of each request in it."""

CHANCES = (
    "rate_limited", "server_error", "overloaded", "timeout", "reset", "malformed", "missing", "truncated",
    *(f"upload:{fault}" for fault in ("rate_limited", "server_error", "dropped", "reset")),
    *(f"submit:{fault}" for fault in ("rate_limited", "server_error", "overloaded", "dropped", "reset", "late_error")),
    *(f"{step}:{fault}" for step in ("list", "poll", "errors", "delete") for fault in ("rate_limited", "server_error", "reset")),
    *(f"results:{fault}" for fault in ("server_error", "reset", "truncated", "malformed", "duplicated", "missing")),
    *(f"job:{fault}" for fault in ("failed", "expired", "cancelled")),
    *(f"request:{fault}" for fault in ("errored", "malformed", "missing", "truncated", "refusal")),
)  # fmt: skip
"""What happens by chance; the rest only by a script."""


def _read(fault: str) -> tuple[str, str]:
    """Read `FAULT`, which befalls a chat request, or `STEP:FAULT`."""
    step, _, name = fault.rpartition(":")
    return step or "chat", name


@dataclass
class Faults:
    """A script, worked off first, then a share (0..1) of faults among `kinds`. Safe from any number of threads.

    A fault is written as its name where it befalls a chat request, and as `STEP:FAULT` where a step of a batch job.
    """

    script: Sequence[str] = ()
    share: float = 0.0
    seed: int = 0
    kinds: Sequence[str] = CHANCES
    then: str = "ok"
    """What befalls the rest of the requests of its step."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        for each in (*self.script, *self.kinds, self.then):
            step, fault = _read(each)
            if step not in STEPS:
                raise ValueError(f"no such step: {step}; there are {', '.join(STEPS)}")
            if fault not in STEPS[step]:
                known = sorted(STEPS[step])
                raise ValueError(f"no such fault: {each}; there are {', '.join(known)}")
        self._left = [_read(each) for each in self.script]
        # A step's faults do not hang on how often another step was gone through.
        self._dice = {step: random.Random(self._seed_of(step)) for step in STEPS}  # noqa: S311  repeatable, not secret

    def _seed_of(self, step: str) -> int | str:
        return self.seed if step == "chat" else f"{self.seed}:{step}"

    @property
    def left(self) -> int:
        """How many faults of the script are still to come."""
        return len(self._left)

    def next(self, step: str = "chat") -> str:
        """Return what befalls the next request of a step."""
        with self._lock:
            for at, (of, fault) in enumerate(self._left):
                if of == step:
                    del self._left[at]
                    return fault
            kinds, dice = [fault for of, fault in map(_read, self.kinds) if of == step], self._dice[step]
            if kinds and dice.random() < self.share:
                return dice.choice(kinds)
            of, fault = _read(self.then)
            return fault if of == step else "ok"
