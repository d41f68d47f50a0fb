"""Combines tokens to a name part and parts to a name: how much each counts. All weights are one table at the top.

Works on distinct strings and index arrays; frames and decisions do not belong here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadscout_assets.names.folding import fold, letters, tidy
from leadscout_assets.names.lexicon import ORIGINS, Kind
from leadscout_assets.names.stages import STAGES, UNKNOWN, Models, resolve
from leadscout_assets.names.wordlists import PARTICLES
from leadscout_assets.terms import Origin

Shares = NDArray[np.float64]

# Weights of the log shares by the stage that knew the part: unknown, lexicon, phonetic, statistical.
# The surname outweighs the given name: an English given name says next to nothing about a family.
# Set by judgement: the calibration half is answered without a mistake at all weights tried; see docs/model-card.md.
SURNAME_WEIGHT = np.array([0.0, 1.0, 0.9, 0.8])
GIVEN_WEIGHT = np.array([0.0, 0.4, 0.3, 0.2])
GIVEN_BOOST = np.array([1.0, 1.0, 1.2, 1.6])
"""Factor on the given name's weight by the *surname's* stage: the less is known of the surname, the more it counts."""
PARTICLE_WEIGHT = 0.5
FLOOR = 0.01
"""Share added to each origin before logarithms, so that no single element can exclude an origin."""
FOLD_INTO = {Origin.CAPE_MALAY: Origin.COLOURED}
"""Origins that reveal religion, and where their share goes unless revealing is switched on."""


@dataclass(frozen=True)
class PartEvidence:
    """Per distinct string: shares (m x 6), stage code, language, and whether all its tokens belong to the other role."""

    shares: Shares
    stage: NDArray[np.int8]
    language: NDArray[np.object_]
    misplaced: NDArray[np.bool_]


def folded_shares(shares: Shares) -> Shares:
    """Return shares in which origins that reveal religion are folded into those that reveal less."""
    folded = shares.copy()
    for origin, into in FOLD_INTO.items():
        folded[:, ORIGINS.index(into)] += folded[:, ORIGINS.index(origin)]
        folded[:, ORIGINS.index(origin)] = 0
    return folded


def part_evidence(strings: list[str], role: Kind, models: Models) -> PartEvidence:
    """Return what each distinct surname or string of given names says, its tokens combined."""
    split = [_surname_tokens(text, models) if role == "surname" else _given_tokens(text) for text in strings]
    flat = [token for tokens, _ in split for token in tokens]
    distinct: dict[str, int] = {}
    ids = np.array([distinct.setdefault(token, len(distinct)) for token in flat], dtype=np.int64)
    owners = np.repeat(np.arange(len(strings)), [len(tokens) for tokens, _ in split])
    known = resolve(list(distinct), role, models)
    # Only the tokens of the best stage count: a part is as well known as its best-known token.
    stage = _least_positive(known.stage[ids], owners, len(strings))
    use = (known.stage[ids] == stage[owners]) & (stage[owners] != UNKNOWN)
    ids, owners = ids[use], owners[use]
    counts = np.maximum(np.bincount(owners, minlength=len(strings)), 1)[:, None]
    if role == "surname":
        # A double surname is one or the other, hence the mean of shares; given names are borne together.
        shares = _summed(known.shares[ids], owners, len(strings)) / counts
    else:
        shares = np.exp(_summed(np.log(known.shares[ids] + FLOOR), owners, len(strings)) / counts)
    particles = np.array([row for _, row in split], dtype=np.int64)
    backed = particles >= 0
    if backed.any():
        shares[backed] *= (models.lexicon.shares[particles[backed]] + FLOOR) ** PARTICLE_WEIGHT
    language = np.full(len(strings), None, dtype=object)
    language[owners[::-1]] = known.language[ids[::-1]]
    misplaced = np.bincount(owners, known.misplaced[ids], len(strings)) == counts[:, 0]
    return PartEvidence(_normalised(shares), stage, language, misplaced)


def pooled(surnames: PartEvidence, given: PartEvidence) -> Shares:
    """Return the origin shares of names from aligned evidence on their surnames and given names, rows summing to 1."""
    surname_weight = SURNAME_WEIGHT[surnames.stage]
    given_weight = GIVEN_WEIGHT[given.stage] * GIVEN_BOOST[surnames.stage]
    scores = surname_weight[:, None] * np.log(surnames.shares + FLOOR)
    scores += given_weight[:, None] * np.log(given.shares + FLOOR)
    return _normalised(np.exp(scores))


def _surname_tokens(text: str, models: Models) -> tuple[list[str], int]:
    """Return a surname's tokens as the lexicon writes them, particles glued, and the row of a particle left over."""
    if text.isalpha():
        return [letters(text)], -1
    words = [fold(tidy(word)) for word in text.replace("-", " ").split()]
    names = models.lexicon.rows["surname"]
    whole = letters("".join(words))
    if whole in names:
        return [whole], -1
    tokens, glued, particle = [], "", -1
    for word in words:
        plain = letters(word)
        glued += plain
        if word in PARTICLES:
            continue
        if glued in names or glued == plain:
            tokens.append(glued)
        else:
            tokens.append(plain)
            particle = models.lexicon.rows["particle"].get(glued[: -len(plain)] if plain else "", particle)
            if particle < 0:
                particle = next((row for p, row in models.lexicon.rows["particle"].items() if glued.startswith(p)), -1)
        glued = ""
    return [token for token in [*tokens, glued] if len(token) > 1], particle


def _given_tokens(text: str) -> tuple[list[str], int]:
    """Return the tokens of a string of given names, without initials and particles."""
    if text.isalpha() and len(text) > 1:
        return [letters(text)], -1
    words = map(letters, text.replace("-", " ").split())
    return [word for word in words if len(word) > 1 and word not in PARTICLES], -1


def _least_positive(stage: NDArray[np.int8], owners: NDArray[np.int64], size: int) -> NDArray[np.int8]:
    found = np.full(size, len(STAGES) + 1, np.int8)
    known = stage != UNKNOWN
    np.minimum.at(found, owners[known], stage[known])
    found[found > len(STAGES)] = UNKNOWN
    return found


def _summed(values: Shares, groups: NDArray[np.int64], size: int) -> Shares:
    return np.stack([np.bincount(groups, values[:, at], size) for at in range(values.shape[1])], axis=1)


def _normalised(shares: Shares) -> Shares:
    total = shares.sum(1, keepdims=True)
    found: Shares = np.divide(shares, total, out=np.full_like(shares, 1 / shares.shape[1]), where=total > 0)
    return found
