"""The cascade's stages and their order: each turns tokens that the stages before it left unknown into shares.

A stage lives in a file of its own and has one entry in `STAGES`. How shares of tokens are combined is in combining.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from leadscout_assets.names.lexicon import ORIGINS, Kind, Lexicon
from leadscout_assets.names.phonetic import PhoneticIndex
from leadscout_assets.names.statistical import StatisticalModel
from leadscout_assets.terms import Method

UNKNOWN = 0
"""Code of a token that no stage knows; stages have their place in `STAGES`, starting at 1."""
MIN_STATISTICAL_LETTERS = 3
"""Letters below which n-grams say nothing."""
PHONETIC_TRUST = 0.9
"""Share kept by what sounds alike; the rest is spread evenly over all origins."""

OTHER_ROLE: dict[Kind, Kind] = {"surname": "given", "given": "surname"}


@dataclass(frozen=True)
class Models:
    """What the stages know: the lexicon, and the statistical model learned from it."""

    lexicon: Lexicon
    statistical: StatisticalModel

    @cached_property
    def phonetic(self) -> dict[Kind, PhoneticIndex]:
        """Return the index of each role's tokens, built when the first unknown token turns up."""
        return {role: PhoneticIndex(self.lexicon.tokens(role)) for role in OTHER_ROLE}


@dataclass(frozen=True)
class TokenEvidence:
    """Per token: shares (n x 6), code of the stage that knew it, language, and whether only the other role knows it."""

    shares: NDArray[np.float64]
    stage: NDArray[np.int8]
    language: NDArray[np.object_]
    misplaced: NDArray[np.bool_]


Found = tuple[list[int], NDArray[np.float64], list[str | None], list[bool]]
"""Places of the tokens a stage knows, their shares, languages, and whether they were found in the other role."""


def _by_lexicon(tokens: list[str], role: Kind, models: Models) -> Found:
    lexicon = models.lexicon
    own, other = lexicon.rows[role], lexicon.rows[OTHER_ROLE[role]]
    hits = [(place, own[token], False) for place, token in enumerate(tokens) if token in own]
    hits += [(place, other[token], True) for place, token in enumerate(tokens) if token not in own and token in other]
    rows = [row for _, row, _ in hits]
    languages = [lexicon.languages[row] for row in rows]
    return [place for place, _, _ in hits], lexicon.shares[rows], languages, [misplaced for _, _, misplaced in hits]


def _by_sound(tokens: list[str], role: Kind, models: Models) -> Found:
    places, shares, languages = [], [], []
    for place, token in enumerate(tokens):
        known = models.phonetic[role].matches(token)
        if known:
            rows = [models.lexicon.rows[role][match] for match in known]
            places.append(place)
            shares.append(PHONETIC_TRUST * models.lexicon.shares[rows].mean(0) + (1 - PHONETIC_TRUST) / len(ORIGINS))
            found = {models.lexicon.languages[row] for row in rows}
            languages.append(found.pop() if len(found) == 1 else None)
    return places, np.array(shares).reshape(-1, len(ORIGINS)), languages, [False] * len(places)


def _by_letters(tokens: list[str], role: Kind, models: Models) -> Found:
    places = [place for place, token in enumerate(tokens) if len(token) >= MIN_STATISTICAL_LETTERS]
    shares = models.statistical.predict([tokens[place] for place in places], role)
    return places, shares, [None] * len(places), [False] * len(places)


STAGES: tuple[tuple[Method, Callable[[list[str], Kind, Models], Found]], ...] = (
    (Method.LEXICON, _by_lexicon),
    (Method.PHONETIC, _by_sound),
    (Method.STATISTICAL, _by_letters),
)
"""The cascade, in order. A token that none of them knows is `UNKNOWN`."""


def resolve(tokens: list[str], role: Kind, models: Models) -> TokenEvidence:
    """Return what the first stage that knows each folded, distinct token says of it in the role."""
    count = len(tokens)
    shares = np.full((count, len(ORIGINS)), 1 / len(ORIGINS))
    stage = np.zeros(count, np.int8)
    language = np.full(count, None, dtype=object)
    misplaced = np.zeros(count, bool)
    open_places = np.arange(count)
    for code, (_, know) in enumerate(STAGES, 1):
        if not len(open_places):
            break
        found, found_shares, found_languages, found_misplaced = know([tokens[at] for at in open_places], role, models)
        places = open_places[found]
        shares[places], stage[places], misplaced[places] = found_shares, code, found_misplaced
        language[places] = found_languages
        open_places = np.delete(open_places, found)
    return TokenEvidence(shares, stage, language, misplaced)
