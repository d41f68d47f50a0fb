"""One step's questions: finds the undecided names of its leads, has the stage ask, takes the answers in, notes what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from leadscout_assets.llm.answered import Answered, Asked, Figures, Why
from leadscout_assets.llm.calibration import load_calibration
from leadscout_assets.llm.measurements import note_unmeasured
from leadscout_assets.llm.prices import dollars
from leadscout_assets.llm.stage import Stage
from leadscout_assets.logs import get_logger
from leadscout_assets.names.asked import Opinion, full_names, undecided_rows, with_opinions
from leadscout_assets.names.outcome import ModelOutcome
from leadscout_assets.pace import Tell, untold

if TYPE_CHECKING:
    from leadscout_assets.names.engine import Classifier


class Interview:
    """Asks once, and then knows what that took: `record` holds fields of the run record, also where asking was cancelled."""

    def __init__(self, stage: Stage, record: dict[str, Any] | None = None) -> None:
        self._stage, self._calibration = stage, load_calibration()
        self._offers = {offer.name: offer for offer in stage.offers}
        self.record: dict[str, Any] = {} if record is None else record

    def decide(
        self,
        classified: pa.Table,
        leads: pa.Table,
        classifier: Classifier,
        *,
        reveal_religion: bool,
        allowed: Collection[str] | None = None,
        tell: Tell = untold,
    ) -> pa.Table:
        """Return the classifications with what a model says of names that nothing else decides.

        `allowed`: the batches whose names may be sent, all where it is None.
        """
        rows = undecided_rows(classified["method"], leads)
        batches = leads["batch_id"].take(pa.array(rows)).to_pylist()
        told = [
            (int(row), name, batch)
            for row, name, batch in zip(rows, full_names(leads, rows), batches, strict=True)
            if allowed is None or batch in allowed
        ]
        first = {name: batch for _, name, batch in reversed(told)}
        figures = Figures()
        try:
            asked = self._stage.ask(dict(reversed(first.items())), tell, figures)
        finally:
            self.record |= _record(figures, len(first))
            for model, sent in figures.unmeasured.items():
                note_unmeasured(self._stage.ledger.database, model, len(sent), set(sent.values()))
        opinions = {row: opinion for row, name, _ in told if (opinion := self._opinion(asked.answers.get(name)))}
        found, decided = with_opinions(classified, leads, opinions, classifier, reveal_religion=reveal_religion)
        every = set(allowed if allowed is not None else leads["batch_id"].unique().to_pylist())
        outcomes = _outcomes(told, asked, decided, every & set(leads["batch_id"].unique().to_pylist()))
        self._stage.ledger.note_outcomes(outcomes, datetime.now(UTC))
        self.record["names_decided"] = len({name for row, name, _ in told if row in decided})
        if first:
            _log(self.record, outcomes)
        return found

    def _opinion(self, answered: Answered | None) -> Opinion | None:
        if answered is None or answered.item.origin is None:
            return None
        band, offer = answered.item.band, self._offers[answered.provider]
        right = self._calibration.right(answered.provider, answered.model, band)
        # The names of the golden set are easier than those that nothing else decides: it takes from the figure, and adds nothing.
        right = min(right, offer.bands[band]) if offer.bands else right
        return Opinion(answered.item.origin, right, answered.item.language, answered.model)


def _outcomes(
    told: list[tuple[int, str, str]], asked: Asked, decided: set[int], batches: set[str]
) -> dict[str, tuple[int, int, int, dict[str, int]]]:
    """Count each batch's distinct names: how many, decided, answered from an earlier call, and the rest by reason."""
    found: dict[str, dict[str, str | None]] = {batch: {} for batch in batches}
    for row, name, batch in told:
        found[batch][name] = None if row in decided else _why(asked, name)
    return {
        batch: (
            len(names),
            sum(why is None for why in names.values()),
            sum(name in asked.answers and asked.answers[name].cached for name in names),
            dict(Counter(why for why in names.values() if why is not None)),
        )
        for batch, names in found.items()
    }


def _why(asked: Asked, name: str) -> str:
    if answered := asked.answers.get(name):
        return Why.CANNOT_TELL if answered.item.origin is None else Why.WEAK
    return asked.undecided.get(name, Why.NO_ANSWER)


def _record(figures: Figures, names: int) -> dict[str, Any]:
    return {
        "network_calls": figures.calls,
        "tokens": figures.tokens_in + figures.tokens_out,
        "tokens_out": figures.tokens_out,
        "cost_usd": dollars(figures.booked_nano),
        "names_asked": names,
        "names_decided": 0,
        "cache_hits": figures.cached,
        "call_retries": figures.retries,
        "call_refusals": figures.refusals,
        "call_p50_seconds": round(figures.quantile(0.5), 3),
        "call_p95_seconds": round(figures.quantile(0.95), 3),
    }


def _log(record: dict[str, Any], outcomes: dict[str, tuple[int, int, int, dict[str, int]]]) -> None:
    why: Counter[str] = Counter()
    for *_, undecided in outcomes.values():
        why.update(undecided)
    whole = ModelOutcome(record["names_asked"], record["names_decided"], record["cache_hits"], why, record["cost_usd"])
    told = {"names": "names_asked", "decided": "names_decided", "cached": "cache_hits", "calls": "network_calls"}
    figures = {key: record[field] for key, field in told.items()}
    get_logger(__name__).info("llm.asked", **figures, cost_usd=record["cost_usd"], reason=whole.in_words())
