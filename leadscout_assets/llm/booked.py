"""The words of the ledger: what a call is before it is made, and what the ledger says to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from leadscout_assets.llm.prices import Estimate, Price


@dataclass(frozen=True)
class Caps:
    """The most that may be booked, billionths of a dollar. `requests` and `tokens` are per minute and provider."""

    call: int
    batch: int
    day: int
    month: int
    requests: int
    tokens: int


@dataclass(frozen=True)
class Wanted:
    """A call as it is about to be made. `names`: for each its question key, answer key and the batch that it is booked to."""

    provider: str
    model: str
    price: Price
    most: Estimate
    names: Sequence[tuple[str, str, str]]
    prompt_hash: str
    kind: str = "call"

    @property
    def most_nano(self) -> int:
        """The most that it can cost."""
        return self.price.cost(self.most.tokens_in, self.most.tokens_out)


@dataclass(frozen=True)
class Reserved:
    """A call that is booked, and may be made."""

    id: str


@dataclass(frozen=True)
class Denied:
    """A call, or a job, that must not be made, and the code of the reason. `refused`: of a job, the code by provider."""

    code: str
    refused: Mapping[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Wait:
    """A call that may be made in so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Used:
    """What a call took, as the vendor counted; None where it did not say. `seconds` of wall time."""

    tokens_in: int | None
    tokens_out: int | None
    seconds: float


def shares_of(wanted: Wanted, booked: int) -> dict[str, int]:
    """Return what each batch bears of an amount, rounded up."""
    counts = counts_of(wanted)
    return {batch: -(-booked * count // len(wanted.names)) for batch, count in counts.items()}


def counts_of(wanted: Wanted) -> dict[str, int]:
    """Return how many names each batch has in a call."""
    counts: dict[str, int] = {}
    for _, _, batch in wanted.names:
        counts[batch] = counts.get(batch, 0) + 1
    return counts
