"""Names whose parts contradict each other: given names of one community beside a surname of another, both well known.

Marriage makes them, adoption, and children named across a border. The cases hold hardly any, so that a sum of weights learned
from them is no measure here: it would call `Naledi Chen` Chinese without a doubt.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from leadscout_assets.names.evidence import Log
from leadscout_assets.names.lexicon import ORIGINS

CLAIMANTS = ("african", "indian", "chinese")
"""Origins whose own given names hardly anybody else is given. English names are everybody's, and Muslim ones are shared."""
SETTINGS = {"claimed_at": 0.93, "denied_at": 0.1, "elsewhere_at": 0.5}
"""Shares (0..1). `claimed_at`: from which a given name is an origin's own; English words as names (`Blessing`) and shared names lie
below. `denied_at`: up to which a surname speaks against an origin. `elsewhere_at`: what African and Chinese families must have of a
surname for it to speak against Indian given names; Indian Christians bear Biblical and English surnames, beside which the sum of
weights does well. All stand among the settings of the weights, so that the model's version tells of them."""

_PLACES = [ORIGINS.index(origin) for origin in CLAIMANTS]
_BITS = 1 << np.arange(len(CLAIMANTS))


def claims_of(shares: Log, settings: Mapping[str, float]) -> NDArray[np.int64]:
    """Return the bits of the claimants whose own the given names with these shares (m x 6) are, and 0 as the last row."""
    return np.append((shares[:, _PLACES] >= settings.get("claimed_at", np.inf)) @ _BITS, 0)


def denials_of(shares: Log, settings: Mapping[str, float]) -> NDArray[np.int64]:
    """Return the bits of the claimants that surnames with these shares (m x 6) speak against, and 0 as the last row."""
    denied = shares[:, _PLACES] <= settings.get("denied_at", -np.inf)
    indian = CLAIMANTS.index("indian")
    denied[:, indian] &= np.delete(shares[:, _PLACES], indian, 1).sum(1) >= settings.get("elsewhere_at", np.inf)
    return np.append(denied @ _BITS, 0)


def contradicts(claimed: NDArray[np.int64], denied: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell of each name whether all that its given names claim is denied by its surname."""
    found: NDArray[np.bool_] = (claimed != 0) & (claimed & ~denied == 0)
    return found


def mixed(scores: Log, given: Log, claimed: NDArray[np.int64]) -> Log:
    """Return log-odds (n x 6) in which both parts count alike: nobody can tell which is right.

    One half is what the given names alone say (`given`), the other what the whole name says (`scores`) of the origins that they do not claim.
    """
    theirs = np.zeros(scores.shape, bool)
    theirs[:, _PLACES] = (claimed[:, None] & _BITS) != 0
    found: Log = np.log((_softmax(np.where(theirs, -np.inf, scores)) + _softmax(given)) / 2)
    return found


def _softmax(scores: Log) -> Log:
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    found: Log = powers / powers.sum(-1, keepdims=True)
    return found
