"""One operator's providers, ready to be asked about names. How one round of questions goes is `asking`'s affair."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from leadscout_assets.llm.answered import Asked, Figures, Offer, Pace
from leadscout_assets.llm.asking import Asking
from leadscout_assets.llm.ledger import Ledger
from leadscout_assets.llm.questions import answer_key, cleaned, is_name, question_key
from leadscout_assets.llm.schema import Form
from leadscout_assets.pace import Tell, untold


class Stage:
    """One operator's providers, in order. `secret` keys the hashes of names; `clock` gives UTC; `sleep` waits some seconds.

    `anew`: it asks also about what was answered before, to measure what that takes.
    """

    def __init__(
        self,
        ledger: Ledger,
        offers: Sequence[Offer],
        form: Form,
        secret: bytes,
        pace: Pace,
        *,
        kind: str = "call",
        anew: bool = False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self.ledger, self.offers, self.form, self.pace = ledger, list(offers), form, pace
        self.secret, self.kind, self.clock = secret, kind, clock
        self.sleep, self.anew = sleep, anew

    @property
    def sources(self) -> list[Offer]:
        """The providers whose earlier answers are used, in order."""
        return [] if self.anew else [offer for offer in self.offers if offer.trusted]

    def ask(self, names: Mapping[str, str], tell: Tell = untold, figures: Figures | None = None) -> Asked:
        """Ask about distinct names, each given with the batch that it is booked to. `figures` are filled in, also where it is interrupted.

        Interrupted, it starts no further call, waits some seconds for those under way and stores what they answer.
        """
        return Asking(self, tell, figures or Figures()).all_of(names)

    def to_ask(self, names: Iterable[str]) -> tuple[list[str], int]:
        """Return the distinct names that would be sent, in the form in which they are, and how many are answered already."""
        distinct = list({cleaned(name).casefold(): cleaned(name) for name in names if is_name(cleaned(name))}.values())
        doubtful = self.ledger.unknown([question_key(name, self.secret) for name in distinct])
        left = distinct
        for offer in self.sources:
            keys = {name: answer_key(name, offer.name, offer.model, self.form, self.secret) for name in left}
            known = self.ledger.answers(list(keys.values()))
            left = [name for name in left if keys[name] not in known]
        return [n for n in left if question_key(n, self.secret) not in doubtful], len(distinct) - len(left)

    def close_to(self, deadline: float) -> float:
        """Return the time limit of a call that begins now, seconds."""
        return min(self.pace.call_seconds, deadline - time.monotonic())
