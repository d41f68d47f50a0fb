"""The plain values of asking: who may be asked and how, and what became of names."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from leadscout_assets.llm.prices import Price
from leadscout_assets.llm.providers import Provider
from leadscout_assets.llm.schema import Item
from leadscout_assets.names.outcome import quantile


class Why:
    """Codes of why a name stayed undecided; `TELLS` says each in words."""

    CANNOT_TELL, NOT_A_NAME, IN_DOUBT, NO_ANSWER = "cannot_tell", "not_a_name", "in_doubt", "no_answer"
    REFUSED, NO_PRICE, TOO_LATE, WEAK = "refused", "no_price", "too_late", "too_weak"
    IN_JOB, NOT_SET_UP, BATCH_TOO_LATE = "in_job", "not_set_up", "batch_too_late"
    NOT_MEASURED = "not_measured"

    UNSENT = (TOO_LATE, BATCH_TOO_LATE)
    """Of calls that were booked: these were given up before they were sent."""


@dataclass(frozen=True)
class Offer:
    """A provider as it is used: its name in the ledger, its model, its price (None: it must not be called), how to make it.

    `why_not`: the code of why it must not be called; what it answered before counts all the same, unless `trusted` is false.
    `unmeasured`: it has not passed the golden set, and is asked because the operator says so. `bands`: shares of right
    answers (0..1) on the golden set, by the model's own word, where it was measured.
    """

    name: str
    model: str
    price: Price | None
    make: Callable[[], Provider]
    why_not: str | None = None
    trusted: bool = True
    unmeasured: bool = False
    bands: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Pace:
    """How the stage asks. Seconds; `names` and `workers` are counts.

    `total_seconds`: of a whole run. `batch_seconds`: after so long no call begins any more about the names of a batch.
    """

    names: int = 50
    workers: int = 12
    call_seconds: float = 30.0
    total_seconds: float = 120.0
    batch_seconds: float = math.inf


@dataclass(frozen=True)
class Answered:
    """One answer, and who gave it."""

    item: Item
    provider: str
    model: str
    cached: bool


@dataclass
class Figures:
    """What asking took: counts, tokens, billionths of a dollar, and the seconds of each call.

    `unmeasured`: what was sent to models that have not passed the golden set, KIND/MODEL: keys of names, each with its batch.
    """

    calls: int = 0
    cached: int = 0
    retries: int = 0
    refusals: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    booked_nano: int = 0
    seconds: list[float] = field(default_factory=list)
    unmeasured: dict[str, dict[str, str]] = field(default_factory=dict)

    def quantile(self, share: float) -> float:
        """Return the seconds within which that share of the calls ended; 0 where there were none."""
        return quantile(self.seconds, share)


@dataclass(frozen=True)
class Asked:
    """What became of names: answers (one that cannot tell is an answer, too), and codes of `Why` for those without one."""

    answers: Mapping[str, Answered]
    undecided: Mapping[str, str]
    figures: Figures
