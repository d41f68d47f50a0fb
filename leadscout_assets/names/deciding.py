"""Turns scores into probabilities, and these into an answer, a narrowed set or an abstention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadscout_assets.names.evidence import UNKNOWN, Log
from leadscout_assets.names.lexicon import ORIGINS
from leadscout_assets.terms import Origin

ANSWERED, NARROWED, ABSTAINED = 0, 1, 2
MAX_NARROWED = 3
"""Origins in a narrowed set, at most: a larger one says nothing, so the name abstains."""
FOLD_INTO = {Origin.CAPE_MALAY: Origin.COLOURED}
"""Origins that reveal religion, and where their probability goes unless revealing is switched on."""


@dataclass(frozen=True)
class Decisions:
    """Per name: outcome code, place of the best origin, members of the set (n x 6), confidence and shares (nan: abstained)."""

    outcome: NDArray[np.int8]
    best: NDArray[np.int64]
    members: NDArray[np.bool_]
    confidence: NDArray[np.float64]
    probabilities: Log


def probabilities_of(scores: Log, *, reveal_religion: bool) -> Log:
    """Return the probabilities (n x 6, rows summing to 1) of log-odds, folded unless religion may be revealed."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True)) if len(scores) else scores.copy()
    shares = powers / powers.sum(axis=1, keepdims=True)
    return shares if reveal_religion else folded(shares)


def folded(shares: Log) -> Log:
    """Return shares in which origins that reveal religion are folded into those that reveal less."""
    found = shares.copy()
    for origin, into in FOLD_INTO.items():
        found[:, ORIGINS.index(into)] += found[:, ORIGINS.index(origin)]
        found[:, ORIGINS.index(origin)] = 0
    return found


def decide(shares: Log, state: NDArray[np.int8], settings: Mapping[str, float]) -> Decisions:
    """Decide each name from its probabilities (n x 6) and its surname's state; the settings are those of the weights.

    `answer_at`: probability from which one origin is answered. `set_reach`: summed probability at which a set is wide
    enough, measured so that the sets given hold the truth in 95 % of cases. `floor.<origin>`: probability from which an
    origin that is not among the first two is taken into a set all the same, measured so for each origin by itself.
    """
    order = np.argsort(-shares, axis=1, kind="stable")
    ranked = np.take_along_axis(shares, order, 1)
    reached = np.cumsum(ranked, axis=1)
    readable = state != UNKNOWN
    answered = readable & (reached[:, 0] >= settings["answer_at"])
    size = np.maximum((reached < settings["set_reach"]).sum(1) + 1, 2)
    narrowed = readable & ~answered & (size <= MAX_NARROWED)
    outcome = np.select([answered, narrowed], [ANSWERED, NARROWED], ABSTAINED).astype(np.int8)
    held = np.arange(len(ORIGINS)) < np.where(answered, 1, np.where(narrowed, size, 0))[:, None]
    # Of the origins above their floors the most probable one, where there is room.
    room = np.flatnonzero(narrowed & (size < MAX_NARROWED))
    floors = np.array([settings.get(f"floor.{origin}", 2.0) for origin in ORIGINS])[order[room]]
    more = (ranked[room] >= floors) & (ranked[room] > 0) & ~held[room]
    held[room] |= more & (np.cumsum(more, axis=1) == 1)
    members = np.zeros(shares.shape, bool)
    np.put_along_axis(members, order, held, axis=1)
    abstained = outcome == ABSTAINED
    confidence = np.where(abstained, np.nan, (shares * members).sum(1))
    return Decisions(outcome, order[:, 0], members, confidence, np.where(abstained[:, None], np.nan, shares))
