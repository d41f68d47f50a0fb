"""What every source says of a token in a role, as log-odds per origin: lexicon, other role, likeness, letters.

Nothing is weighed here: the weights of the sources are learned (weighing.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from leadscout_assets.names.knowledge import FLOOR, Knowledge, spelling
from leadscout_assets.names.lexicon import ORIGINS, Kind

Log = NDArray[np.float64]

# How well a token is known in its role; best first, the place in this tuple plus one is the code. 0: by nothing.
STATES = ("lexicon", "misplaced", "near", "letters")
UNKNOWN, LEXICON, MISPLACED, NEAR, LETTERS = range(5)
SOURCES = ("own", "other", "near", "letters")
"""Sources of evidence, in the order of `TokenEvidence.logs`."""
OTHER_ROLE: dict[Kind, Kind] = {"surname": "given", "given": "surname"}

SLIP_COST = 3.0
"""What a slip costs a neighbour, in e-folds of its weight, times 5 over the token's letters."""
SOUND_BONUS = 1.0
"""What sounding alike gains it, in the same unit."""
OTHER_ROLE_NEAR = 0.3
"""Weight of a neighbour that is known in the other role only."""
DOUBT = 0.6
"""Weight of the even spread that stands against the neighbours: one far neighbour says little, several near ones much."""


class TokenEvidence(NamedTuple):
    """Per token: state code, log shares by source (m x 4 x 6, 0 where silent), and the row of its language or -1."""

    state: NDArray[np.int8]
    logs: Log
    language: NDArray[np.int64]


@dataclass(frozen=True)
class Likeness:
    """Shares of what tokens are like (m x 6), how sure that is (0..1), and the row of the language of the nearest or -1."""

    shares: Log
    sureness: Log
    language: NDArray[np.int64]


def token_evidence(tokens: list[str], role: Kind, knowledge: Knowledge) -> TokenEvidence:
    """Return what each source says of each distinct folded token in a role."""
    count = len(tokens)
    places = knowledge.places_of(tokens)
    own, other = knowledge.rows_at(places, role), knowledge.rows_at(places, OTHER_ROLE[role])
    is_own, is_other = own >= 0, other >= 0
    logs = np.zeros((count, len(SOURCES), len(ORIGINS)))
    logs[is_own, 0] = knowledge.log_table[own[is_own]]
    logs[is_other, 1] = knowledge.log_table[other[is_other]]
    state = np.full(count, UNKNOWN, np.int8)
    language = own.copy()
    logs[is_own, 3] = knowledge.spelled[role][places[is_own]]
    unknown = np.flatnonzero(own < 0)
    if len(unknown):
        readable = unknown[knowledge.letters[role].can_read([tokens[at] for at in unknown])]
        state[readable] = LETTERS
        logs[readable, 3] = spelling([tokens[at] for at in readable], knowledge.letters[role])
        like = likeness([tokens[at] for at in unknown], role, knowledge)
        near = like.sureness > 0
        found = unknown[near]
        logs[found, 2] = centred(np.log(like.shares[near] + FLOOR))
        state[found], language[found] = NEAR, like.language[near]
        misplaced = unknown[is_other[unknown]]
        state[misplaced], language[misplaced] = MISPLACED, other[misplaced]
    state[is_own] = LEXICON
    return TokenEvidence(state, logs, language)


def likeness(tokens: list[str], role: Kind, knowledge: Knowledge) -> Likeness:
    """Return the mean shares of the known tokens that each is like, by nearness, pulled towards an even spread by doubt."""
    found = knowledge.index.neighbours(tokens, knowledge.tokens)
    own, other = (knowledge.rows[kind][found.known].astype(np.int64) for kind in (role, OTHER_ROLE[role]))
    rows = np.where(own >= 0, own, other)
    lengths = np.fromiter(map(len, tokens), np.float64, len(tokens))[found.asked]
    weight = np.exp(-SLIP_COST * found.slips * 5 / np.maximum(lengths, 1) + SOUND_BONUS * found.alike)
    weight *= np.where(own >= 0, 1.0, OTHER_ROLE_NEAR) * (rows >= 0)
    count = len(tokens)
    if not len(rows):
        return Likeness(np.full((count, len(ORIGINS)), 1 / len(ORIGINS)), np.zeros(count), np.full(count, -1, np.int64))
    total = np.bincount(found.asked, weight, count)
    weighed = weight[:, None] * knowledge.share_table[rows]
    summed = np.stack([np.bincount(found.asked, column, count) for column in weighed.T], axis=1)
    even = DOUBT * np.exp(-SLIP_COST)
    spread = (summed + even / len(ORIGINS)) / (total + even)[:, None]
    language = np.full(count, -1, np.int64)
    order = np.lexsort((weight,))
    language[found.asked[order]] = rows[order]
    return Likeness(spread, total / (total + even), language)


def centred(logs: Log) -> Log:
    """Return log shares about their mean."""
    found: Log = logs - logs.mean(-1, keepdims=True)
    return found
