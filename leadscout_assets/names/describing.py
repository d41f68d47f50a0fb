"""What decided, in words that hold no name: evidence of parts, methods and languages, as classifications show them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leadscout_assets.names.deciding import ABSTAINED, folded, probabilities_of
from leadscout_assets.names.engine import PartEvidence
from leadscout_assets.names.evidence import STATES, UNKNOWN
from leadscout_assets.names.lexicon import ORIGINS
from leadscout_assets.terms import Method

TURNED = "order:reversed; "
CONTRADICTED = "; parts:contradict"
METHOD_OF_STATE = (
    Method.ABSTAINED.value,
    *{
        "lexicon": Method.LEXICON.value,
        "misplaced": Method.LEXICON.value,
        "near": Method.PHONETIC.value,
        "letters": Method.STATISTICAL.value,
    }.values(),
)
"""The method by the code of the surname's state: what knew the surname decided most."""
STATE_NAMES = (
    "unknown",
    *("lexicon" if one == "misplaced" else METHOD_OF_STATE[at] for at, one in enumerate(STATES, 1)),
)

FOLDED_LANGUAGES: dict[str, str] = {
    "hebrew": "other_european",
    "urdu": "other_indian",
    "arabic": "",
    "cape_malay": "",
}
"""Languages that reveal religion, and what is answered instead: a group with other members, or no language ("")."""


def languages_of(languages: NDArray[np.str_], *, reveal_religion: bool) -> list[str | None]:
    """Return the language of each row, and None for the row -1, which comes last."""
    shown = [str(one) if reveal_religion else FOLDED_LANGUAGES.get(str(one), str(one)) for one in languages]
    return [*(one or None for one in shown), None]


def methods_of(state: NDArray[np.int8], outcome: NDArray[np.int8]) -> NDArray[np.object_]:
    """Return the method of each name: the source that knew the surname, or `abstained`."""
    methods = np.array(METHOD_OF_STATE, dtype=object)[state]
    methods[outcome == ABSTAINED] = Method.ABSTAINED.value
    return methods


def described(part: str, evidence: PartEvidence, group: int, *, reveal_religion: bool) -> list[str]:
    """Return `part:source:origin=share` per string: the source that knew it best, and what the part alone would say."""
    shares = probabilities_of(evidence.scores[group], reveal_religion=True)
    if not reveal_religion:
        shares = folded(shares)
    best = shares.argmax(1)
    top = np.take_along_axis(shares, best[:, None], 1)[:, 0]
    return [
        f"{part}:unknown" if state == UNKNOWN else f"{part}:{STATE_NAMES[state]}:{ORIGINS[at]}={share:.2f}"
        for state, at, share in zip(evidence.state.tolist(), best.tolist(), top.tolist(), strict=True)
    ]
