"""How often a most probable origin is right, by which origin it is and how probable: one curve each, learned from cases held back.

The regression weighs evidence; whether its probabilities can be taken at their word is judged here, and put right.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from leadscout_assets.names.deciding import FOLD_INTO, folded, probabilities_of
from leadscout_assets.names.evidence import Log
from leadscout_assets.names.lexicon import ORIGINS

SHRINKAGE = 10.0
"""L2 penalty on how far an origin's curve may lie from that of all, in cases. Chosen by cross-validation, as is what follows."""
CAUTION = 0.85
"""Factor on what the curves say, in log-odds: a confidence errs rather to the low side. The largest at which answers of cases
held back with a confidence of 0.9 or more were wrong in under 1 in 100, and in under 5 in 100 of any origin."""
STEPS = 25
"""Newton steps; the curves stand still after ten."""
FAR = 1e-3
"""Length of a step that is worth a second look."""
SMALLEST = 1e-9
"""Probability below which the origins that are not the most probable one count as none."""


def shares_of(scores: Log, settings: Mapping[str, float], *, reveal_religion: bool) -> Log:
    """Return the probabilities (n x 6, rows summing to 1) of log-odds, put right by the curves among the settings.

    Folded unless religion may be revealed; revealed, an origin and what is folded into it share what they have together,
    so that the same name is never surer one way than the other.
    """
    plain = probabilities_of(scores, reveal_religion=True)
    together = folded(plain)
    found = put_right(together, settings)
    if not reveal_religion:
        return found
    for origin, into in FOLD_INTO.items():
        part, whole = ORIGINS.index(origin), ORIGINS.index(into)
        of_it = plain[:, part] / np.maximum(together[:, whole], SMALLEST)
        found[:, part] = found[:, whole] * of_it
        found[:, whole] -= found[:, part]
    return found


def put_right(shares: Log, settings: Mapping[str, float]) -> Log:
    """Return folded probabilities (n x 6) with that of the most probable origin put right, the others in proportion."""
    offsets, slopes = (
        np.array([settings.get(f"{name}.{origin}", usual) for origin in ORIGINS])
        for name, usual in (("offset", 0.0), ("slope", 1.0))
    )
    rows = np.arange(len(shares))
    best = shares.argmax(1)
    top = shares[rows, best]
    others = shares.copy()
    others[rows, best] = 0
    rest = others.sum(1)
    sure = 1 / (1 + np.exp(-(offsets[best] + slopes[best] * _log_odds(top, rest))))
    # The most probable origin stays it: it is never put below the next, nor on a level with it.
    next_best = others.max(1)
    sure = np.where(
        rest > SMALLEST, np.maximum(sure, next_best / np.maximum(rest + next_best, SMALLEST) + SMALLEST), top
    )
    found: Log = others * ((1 - sure) / np.maximum(rest, SMALLEST))[:, None]
    found[rows, best] = np.where(rest > SMALLEST, sure, 1 - found.sum(1))
    return found


def curves(shares: Log, truth: NDArray[np.int64]) -> dict[str, float]:
    """Return offset and slope per origin, in log-odds, that say how often folded probabilities held back were right.

    A logistic regression of rightness on the log-odds of the most probable origin; an origin's curve is drawn towards that
    of all, the more the fewer cases it has. What it says is weakened by `CAUTION`.
    """
    best = shares.argmax(1)
    top = shares[np.arange(len(shares)), best]
    odds = _log_odds(top, shares.sum(1) - top)
    mine = np.eye(len(ORIGINS))[best]
    table = np.hstack([np.ones((len(odds), 1)), odds[:, None], mine, mine * odds[:, None]])
    penalty = np.array([1e-3, 1e-3, *[SHRINKAGE] * (2 * len(ORIGINS))])
    # Drawn towards the curve that changes nothing.
    start = np.array([0.0, 1.0, *[0.0] * (2 * len(ORIGINS))])
    right = (best == truth).astype(np.float64)

    def loss(values: Log) -> float:
        said = table @ values
        return float((np.logaddexp(0, said) - right * said).sum() + penalty @ (values - start) ** 2 / 2)

    found = start.copy()
    for _ in range(STEPS):
        expected = 1 / (1 + np.exp(-np.clip(table @ found, -30, 30)))
        slope = table.T @ (expected - right) + penalty * (found - start)
        bend = (table * (expected * (1 - expected))[:, None]).T @ table + np.diag(penalty)
        step = np.linalg.solve(bend, slope)
        # Far from the end a whole step may lead away from it.
        while np.abs(step).max() > FAR and loss(found - step) > loss(found):
            step /= 2
        found = found - step
    size = len(ORIGINS)
    offsets, slopes = found[0] + found[2 : 2 + size], found[1] + found[2 + size :]
    return {
        f"{name}.{origin}": round(CAUTION * float(value), 4)
        for name, values in (("offset", offsets), ("slope", slopes))
        for origin, value in zip(ORIGINS, values, strict=True)
    }


def _log_odds(top: Log, rest: Log) -> Log:
    found: Log = np.log(np.maximum(top, SMALLEST) / np.maximum(rest, SMALLEST))
    return found
