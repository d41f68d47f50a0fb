"""From one name's scores to its answer, as `calibrating` and `deciding` have it for frames, in plain numbers.

A hundred array operations on six numbers take longer than all else that a known name needs; a test holds both equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, log
from typing import NamedTuple

from leadscout_assets.names.calibrating import SMALLEST
from leadscout_assets.names.deciding import ABSTAINED, ANSWERED, FOLD_INTO, MAX_NARROWED, NARROWED
from leadscout_assets.names.evidence import UNKNOWN
from leadscout_assets.names.lexicon import ORIGINS

FOLDED_PLACES = tuple((ORIGINS.index(origin), ORIGINS.index(into)) for origin, into in FOLD_INTO.items())


class OneDecided(NamedTuple):
    """Outcome code, places of the best origin and of the set's members, confidence (None: abstained), shares of the six."""

    outcome: int
    best: int
    members: tuple[int, ...]
    confidence: float | None
    shares: list[float]


def decide_one(
    scores: Sequence[float], state: int, settings: Mapping[str, float], *, reveal_religion: bool
) -> OneDecided:
    """Decide one name from its log-odds and its surname's state."""
    shares = one_shares(scores, settings, reveal_religion=reveal_religion)
    order = sorted(range(len(shares)), key=lambda at: -shares[at])
    best = order[0]
    if state == UNKNOWN:
        return OneDecided(ABSTAINED, best, (), None, shares)
    if shares[best] >= settings["answer_at"]:
        return OneDecided(ANSWERED, best, (best,), shares[best], shares)
    size, reached = 1, shares[best]
    while reached < settings["set_reach"] and size < len(order):
        reached += shares[order[size]]
        size += 1
    size = max(size, 2)
    if size > MAX_NARROWED:
        return OneDecided(ABSTAINED, best, (), None, shares)
    members = order[:size]
    if size < MAX_NARROWED:
        floors = (at for at in order[size:] if 0 < shares[at] >= settings.get(f"floor.{ORIGINS[at]}", 2.0))
        members += [at for at in (next(floors, -1),) if at >= 0]
    return OneDecided(NARROWED, best, tuple(members), sum(shares[at] for at in members), shares)


def one_shares(scores: Sequence[float], settings: Mapping[str, float], *, reveal_religion: bool) -> list[float]:
    """Return one name's probabilities as `calibrating.shares_of` gives them."""
    peak = max(scores)
    powers = [exp(score - peak) for score in scores]
    total = sum(powers)
    plain = [power / total for power in powers]
    together = list(plain)
    for part, whole in FOLDED_PLACES:
        together[whole] += together[part]
        together[part] = 0.0
    found = _put_right(together, settings)
    if reveal_religion:
        for part, whole in FOLDED_PLACES:
            found[part] = found[whole] * plain[part] / max(together[whole], SMALLEST)
            found[whole] -= found[part]
    return found


def _put_right(shares: list[float], settings: Mapping[str, float]) -> list[float]:
    best = max(range(len(shares)), key=shares.__getitem__)
    others = [share for at, share in enumerate(shares) if at != best]
    rest, next_best = sum(others), max(others)
    if rest <= SMALLEST:
        return shares
    origin = ORIGINS[best]
    odds = log(max(shares[best], SMALLEST) / rest)
    sure = 1 / (1 + exp(-(settings.get(f"offset.{origin}", 0.0) + settings.get(f"slope.{origin}", 1.0) * odds)))
    sure = max(sure, next_best / (rest + next_best) + SMALLEST)
    return [sure if at == best else share * (1 - sure) / rest for at, share in enumerate(shares)]
