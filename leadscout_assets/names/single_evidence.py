"""What is said of a single token that is not known in its role, as `evidence` has it for many, to the last bit.

Finding what a token is like takes a hundred array operations however few tokens there are; a test holds both equal.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import NamedTuple

import numpy as np

from leadscout_assets.names.evidence import DOUBT, OTHER_ROLE, OTHER_ROLE_NEAR, SLIP_COST, SOUND_BONUS
from leadscout_assets.names.knowledge import FLOOR, Knowledge
from leadscout_assets.names.lexicon import ORIGINS, Kind
from leadscout_assets.names.statistical import NgramModel

# The logarithms and powers are numpy's: those of `math` differ in the last bit now and then.
_EVEN = float(DOUBT * np.exp(-SLIP_COST))
_LOG_FLOOR = float(np.log(FLOOR))
_NOTHING = [0.0] * len(ORIGINS)


class OneLikeness(NamedTuple):
    """What a token is like: centred log shares (6), and the row of the language of the nearest."""

    logs: list[float]
    language: int


def likeness_of_one(token: str, role: Kind, knowledge: Knowledge) -> OneLikeness | None:
    """Return what `evidence.likeness` finds for a single token, as it is heard; None where it is like nothing."""
    own_rows, other_rows = knowledge.rows[role], knowledge.rows[OTHER_ROLE[role]]
    rows: list[int] = []
    worths: list[float] = []
    nearness: list[float] = []
    for known, slips, alike in knowledge.index.neighbours_of_one(token, knowledge.tokens):
        row, worth = own_rows.item(known), 1.0
        if row < 0:
            row, worth = other_rows.item(known), OTHER_ROLE_NEAR
        if row >= 0:
            rows.append(row)
            worths.append(worth)
            nearness.append(-SLIP_COST * slips * 5 / len(token) + SOUND_BONUS * alike)
    if not rows:
        return None
    total, summed, nearest, language = 0.0, _NOTHING, 0.0, -1
    for row, power, worth in zip(rows, np.exp(nearness).tolist(), worths, strict=True):
        weight = power * worth
        total += weight
        shares = knowledge.share_table[row].tolist()
        summed = [before + weight * share for before, share in zip(summed, shares, strict=True)]
        # Of several that are equally near the last one, as `evidence` has it.
        if weight >= nearest:
            nearest, language = weight, row
    logs = np.log([(share + _EVEN / len(ORIGINS)) / (total + _EVEN) + FLOOR for share in summed])
    return OneLikeness(_centred(logs.tolist()), language)


def spelling_of_one(token: str, head: NgramModel) -> list[float]:
    """Return what `knowledge.spelling` gives for a single token (6)."""
    scores = head.scores_of_one(token)
    peak = max(scores)
    lower = [score - peak for score in scores]
    whole = float(np.log(_sum(np.exp(lower).tolist())))
    return _centred([max(score - whole, _LOG_FLOOR) for score in lower])


def _centred(logs: list[float]) -> list[float]:
    mean = _sum(logs) / len(logs)
    return [log - mean for log in logs]


def _sum(values: list[float]) -> float:
    # One after the other, as numpy adds so few: what `sum` gives ends in other bits from Python 3.12 on.
    return reduce(add, values)
