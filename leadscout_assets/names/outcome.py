"""What became of the names of a batch that only a language model might decide: plain counts, for checks and reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TELLS: Mapping[str, str] = {
    "cannot_tell": "the model could not tell",
    "too_weak": "what it said was too weak to decide",
    "not_a_name": "were no names that may be sent",
    "in_doubt": "are in a call of which nobody knows whether it was answered",
    "in_job": "are in a job whose answers are not back yet",
    "no_answer": "got no usable answer",
    "refused": "the model declined",
    "no_price": "have no model whose price is known",
    "not_set_up": "have no provider that is set up right, as the log says",
    "not_measured": "the model has not passed the golden set: leadscout llm evaluate --provider KIND/MODEL",
    "too_late": "did not get their turn in time",
    "batch_too_late": "did not get their turn in the time of their batch",
    "not_answered": "were not answered by their job",
    "never_arrived": "were in a job that never reached its provider",
    "unreadable": "were answered in a way that cannot be read",
    "timed_out": "the provider takes too long",
    "connection_lost": "the connection to the provider was lost",
    "gateway_gave_up": "a gateway before the provider gave up",
    "provider_down": "the provider is left alone for a while, as it kept failing",
    "rate_limited": "the provider would not take so many",
    "vendor_failed": "the provider failed",
    "no_connection": "the provider cannot be reached",
    "key_refused": "the provider refused the key",
    "request_refused": "the provider refused the request",
    "over_cap_per_call": "would cost more than a call may",
    "over_cap_per_batch": "would cost more than the batch may",
    "over_cap_per_day": "would cost more than the day may",
    "over_cap_per_month": "would cost more than the month may",
}
"""Why a name stayed undecided, in words, by code."""

IN_ITSELF = frozenset({"cannot_tell", "too_weak", "not_a_name"})
"""Reasons that lie in the name: asking again changes nothing, and nothing is wrong."""


def in_words(undecided: Mapping[str, int]) -> str:
    """Return counts by reason as a list in words, the most frequent first."""
    ranked = sorted(undecided.items(), key=lambda item: (-item[1], item[0]))
    return "; ".join(f"{count} {TELLS.get(code, code)}" for code, count in ranked)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that so large a share (0..1) of the values does not exceed; 0 where there are none."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


@dataclass(frozen=True)
class CallFigures:
    """What the calls about a batch's names took so far, over all its runs. Counts and seconds.

    `retries`: calls about names that an earlier call for the batch was about. `refusals`: calls that the model declined.
    """

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    retries: int = 0
    refusals: int = 0
    p50_seconds: float = 0.0
    p95_seconds: float = 0.0

    def in_words(self) -> str:
        """Return the figures as one sentence without its full stop."""
        if not self.calls:
            return "no call was made"
        told = f"{self.calls:,} {'call' if self.calls == 1 else 'calls'} took {self.tokens_in:,} tokens in and {self.tokens_out:,} out"
        if self.p95_seconds:
            told += f", half of them within {self.p50_seconds:.2f} s and 95 of 100 within {self.p95_seconds:.2f} s"
        return f"{told}; {self.retries:,} asked again, {self.refusals:,} were declined"


@dataclass(frozen=True)
class ModelOutcome:
    """Distinct undecided names of a batch; of these decided, and answered from an earlier call; the rest by reason.

    `cost_usd` is what was booked for the batch so far, US dollars; `calls` what was done for that.
    """

    names: int
    decided: int
    cached: int
    undecided: Mapping[str, int]
    cost_usd: float
    calls: CallFigures = CallFigures()

    @property
    def failed(self) -> int:
        """Names that stayed undecided for a reason that does not lie in them."""
        return sum(count for code, count in self.undecided.items() if code not in IN_ITSELF)

    def in_words(self) -> str:
        """Return what became of the names, one sentence without its full stop."""
        rest, why = sum(self.undecided.values()), in_words(self.undecided)
        told = f"{self.decided} of {self.names} names that nothing else decides were decided by a language model"
        return f"{told}, {rest} stayed undecided ({why})" if rest else told
