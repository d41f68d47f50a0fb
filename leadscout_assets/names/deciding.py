"""Turns pooled shares into an answer, a narrowed set or an abstention, and into probabilities that say no more than measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadscout_assets.names.calibration import ABSTAINED, ANSWERED, NARROWED
from leadscout_assets.names.combining import Shares
from leadscout_assets.names.lexicon import ORIGINS

# Pooled share that the origin, or the narrowed set, must reach, by the surname's stage:
# unknown (never), lexicon, phonetic, statistical. High enough that surnames which two communities share come out
# narrowed: the labelled cases alone would allow less, but they hold too few of those.
ANSWER_AT = np.array([9.0, 0.80, 0.80, 0.80])
NARROW_AT = np.array([9.0, 0.90, 0.90, 0.90])
MAX_NARROWED = 3
"""Origins in a narrowed set, at most."""


@dataclass(frozen=True)
class Decisions:
    """Per name: outcome code, place of the best origin, members of the set (n x 6), confidence and shares (nan: abstained)."""

    outcome: NDArray[np.int8]
    best: NDArray[np.int64]
    members: NDArray[np.bool_]
    confidence: NDArray[np.float64]
    probabilities: Shares


def decide(shares: Shares, stage: NDArray[np.int8], confidences: NDArray[np.float64]) -> Decisions:
    """Decide each name from its pooled shares (n x 6) and its surname's stage; `confidences` is as in calibration.py."""
    count = len(shares)
    order = np.argsort(-shares, axis=1, kind="stable")
    reached = np.cumsum(np.take_along_axis(shares, order, 1), axis=1)
    answered = (reached[:, 0] >= ANSWER_AT[stage]) & ~np.isnan(confidences[ANSWERED][stage])
    size = np.argmax(reached >= NARROW_AT[stage][:, None], axis=1) + 1
    enough = reached[:, MAX_NARROWED - 1] >= NARROW_AT[stage]
    narrowed = ~answered & enough & (size <= MAX_NARROWED) & ~np.isnan(confidences[NARROWED][stage])
    size = np.where(answered, 1, np.maximum(size, 2))
    outcome = np.select([answered, narrowed], [ANSWERED, NARROWED], ABSTAINED).astype(np.int8)
    size[outcome == ABSTAINED] = 0
    members = np.zeros((count, len(ORIGINS)), bool)
    np.put_along_axis(members, order, np.arange(len(ORIGINS)) < size[:, None], axis=1)
    confidence = np.full(count, np.nan)
    kept = outcome != ABSTAINED
    confidence[kept] = confidences[outcome[kept], stage[kept]]
    inside = _spread(shares, members) * confidence[:, None]
    outside = _spread(shares, ~members) * (1 - confidence)[:, None]
    return Decisions(outcome, order[:, 0], members, confidence, inside + outside)


def _spread(shares: Shares, chosen: NDArray[np.bool_]) -> Shares:
    """Return the chosen origins' shares scaled to sum to 1, and 0 for the others."""
    part = np.where(chosen, shares + 1e-9 * (shares > 0), 0.0)
    total = part.sum(1, keepdims=True)
    found: Shares = np.divide(part, total, out=np.zeros_like(part), where=total > 0)
    return found
