"""Measures a model on labelled names, within a cap: how often it is right by its own word, what that costs, how long it takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leadscout_assets.llm.answered import Asked
from leadscout_assets.llm.calibration import load_calibration, measured
from leadscout_assets.llm.prices import Estimate, dollars
from leadscout_assets.llm.questions import as_data
from leadscout_assets.llm.schema import BANDS, CANNOT_TELL
from leadscout_assets.llm.stage import Stage
from leadscout_assets.terms import Origin

PASSES_AT = 0.60
"""Share of right answers below which a model, or a prompt, is not worth admitting: the golden set's gate."""

TELLS_AT = 0.50
"""Share of the clear names, those that somebody can tell, that a model must give an origin: else it is not worth asking."""

COMES_BACK_AT = 0.95
"""Share of the names that must have come back from it; with fewer it was not measured, whatever kept them."""


@dataclass(frozen=True)
class Evaluation:
    """What a model did on labelled names. `bands`: right, all, share and the calibrated figure by the model's own word.

    `model` is KIND/MODEL. `answered` with an origin, of these `right`. `told`: share of the clear names, those that are
    not right with `cannot_tell`, that were given an origin. `undecided`: names without an answer, by the code of the reason.
    Seconds are of its calls, dollars what is booked for them: nothing of it comes from earlier answers.
    """

    model: str
    prompt_hash: str
    schema_hash: str
    names: int
    answered: int
    right: int
    could_not_tell: int
    told: float
    bands: Mapping[str, Mapping[str, float]]
    calls: int
    cost_usd: float
    p50_seconds: float
    p95_seconds: float
    undecided: Mapping[str, int]

    @property
    def accuracy(self) -> float:
        """Share of right ones among the answers that name an origin."""
        return self.right / self.answered if self.answered else 0.0

    @property
    def provider(self) -> str:
        """The kind of its provider."""
        return self.model.partition("/")[0]

    @property
    def is_whole(self) -> bool:
        """Whether enough came back to judge the model by."""
        return sum(self.undecided.values()) <= (1 - COMES_BACK_AT) * self.names

    @property
    def passes(self) -> bool:
        """Whether the gate lets it through."""
        return self.is_whole and self.accuracy >= PASSES_AT and self.told >= TELLS_AT

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            **{name: getattr(self, name) for name in self.__dataclass_fields__},
            "accuracy": round(self.accuracy, 4),
            "passes": self.passes,
        }


def evaluate(stage: Stage, cases: Mapping[str, frozenset[str]], run: str) -> Evaluation:
    """Ask the stage's first provider about labelled names, each with the answers that are right for it; `run` names the booking."""
    asked = stage.ask(dict.fromkeys(cases, run))
    counts = _counts(asked, cases)
    right, whole = (sum(pair[at] for pair in counts.values()) for at in (0, 1))
    calibrated = measured(counts, load_calibration().unmeasured)
    bands = {
        band: {"right": r, "all": n, "share": round(r / n, 4) if n else 0.0, "calibrated": calibrated[band]}
        for band, (r, n) in counts.items()
    }
    figures = asked.figures
    clear = [name for name, answers in cases.items() if CANNOT_TELL not in answers]
    told = sum(name in asked.answers and asked.answers[name].item.origin is not None for name in clear)
    return Evaluation(
        model=f"{stage.offers[0].name}/{stage.offers[0].model}",
        prompt_hash=stage.form.prompt_hash,
        schema_hash=stage.form.schema_hash,
        names=len(cases),
        answered=whole,
        right=right,
        could_not_tell=sum(each.item.origin is None for each in asked.answers.values()),
        told=round(told / len(clear), 4) if clear else 0.0,
        bands=bands,
        calls=figures.calls,
        cost_usd=dollars(figures.booked_nano),
        p50_seconds=round(figures.quantile(0.5), 3),
        p95_seconds=round(figures.quantile(0.95), 3),
        undecided=dict(Counter(asked.undecided.values())),
    )


def _counts(asked: Asked, cases: Mapping[str, frozenset[str]]) -> dict[str, tuple[int, int]]:
    counts = dict.fromkeys(BANDS, (0, 0))
    for name, each in asked.answers.items():
        if isinstance(each.item.origin, Origin):
            right, whole = counts[each.item.band]
            counts[each.item.band] = (right + (each.item.origin.value in cases[name]), whole + 1)
    return counts


@dataclass(frozen=True)
class Forecast:
    """What asking about some names will cost with the first provider that may be asked: at most, and as replies usually are.

    US dollars. `why_not`: the code of why none may be asked.
    """

    names: int
    cached: int
    calls: int
    most_usd: float
    usual_usd: float
    price_known: bool
    why_not: str | None = None


USUAL_TOKENS_PER_ANSWER = 26
CHARACTERS_PER_TOKEN = 4


def forecast(stage: Stage, names: Sequence[str]) -> Forecast:
    """Return what asking would cost. Asks nobody and books nothing."""
    left, cached = stage.to_ask(names)
    offer = next((each for each in stage.offers if each.why_not is None), stage.offers[0])
    if offer.why_not:
        return Forecast(len(left), cached, 0, 0.0, 0.0, offer.price is not None, offer.why_not)
    size, price, form = stage.pace.names, offer.price, stage.form
    pieces = [left[at : at + size] for at in range(0, len(left), size)]
    most = usual = 0
    for some in pieces if price else ():
        data = as_data(some)
        worst = Estimate.of(form.prompt, data, str(form.schema), len(some))
        most += price.cost(worst.tokens_in, worst.tokens_out) if price else 0
        sent = len(form.prompt + data + str(form.schema)) // CHARACTERS_PER_TOKEN
        usual += price.cost(sent, USUAL_TOKENS_PER_ANSWER * len(some)) if price else 0
    return Forecast(len(left), cached, len(pieces), dollars(most), dollars(usual), price is not None)
