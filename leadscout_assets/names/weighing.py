"""How much each source of evidence counts: learned weights, read from `data/weights.json`, and the scores they give.

Everything is linear in the weights, so learning them (learning.py) is a convex problem with one answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from leadscout_assets.names.evidence import SOURCES, STATES, Log
from leadscout_assets.names.lexicon import ORIGINS

GROUPS = ("surname", "given", "given_beside_unknown")
"""Whose token it is: a given name counts otherwise beside a surname that the lexicon lacks."""
SURNAME, GIVEN, GIVEN_BESIDE_UNKNOWN = range(3)

HEARD: dict[str, tuple[str, ...]] = {
    "lexicon": ("own", "other", "letters"),
    "misplaced": ("other", "near", "letters"),
    "near": ("near", "letters"),
    "letters": ("letters",),
}
"""Sources that are listened to, by how well a token is known."""

CONTRASTS = (
    ("european", "coloured"),
    ("indian", "cape_malay"),
    ("coloured", "cape_malay"),
    ("indian", "coloured"),
    ("european", "chinese"),
    ("african", "coloured"),
)
"""Pairs of origins between which a source may count more, or less, than elsewhere."""

CONTRASTED: dict[str, tuple[tuple[int, ...], tuple[str, ...], str]] = {
    "surname_own": ((SURNAME,), ("lexicon",), "own"),
    "surname_letters_known": ((SURNAME,), ("lexicon",), "letters"),
    "surname_letters": ((SURNAME,), ("misplaced", "near", "letters"), "letters"),
    "surname_near": ((SURNAME,), ("near",), "near"),
    "given_own": ((GIVEN, GIVEN_BESIDE_UNKNOWN), ("lexicon",), "own"),
    "given_letters": ((GIVEN, GIVEN_BESIDE_UNKNOWN), STATES, "letters"),
}
"""Where contrasts are learned: groups, states and source."""

SURNAME_LANGUAGES = ("afrikaans", "english", "other", "none")
GIVEN_LANGUAGES = ("afrikaans", "english", "other", "none", "mixed")
"""Afrikaans beside English is commoner among coloured than among European families: the pair itself is evidence."""

KNOWN = ("known", "unknown")
"""Whether the lexicon has the surname: the origins of rare names are spread otherwise than those of common ones."""


@dataclass(frozen=True)
class Weights:
    """Learned weights by name, and the settings of decisions that were measured with them."""

    values: Mapping[str, float]
    settings: Mapping[str, float]

    @cached_property
    def matrices(self) -> Log:
        """Weight of each source's log shares: group x state (0 unknown) x source x from-origin x to-origin."""
        size = len(ORIGINS)
        found = np.zeros((len(GROUPS), len(STATES) + 1, len(SOURCES), size, size))
        for at, group in enumerate(GROUPS):
            for state, sources in HEARD.items():
                for source in sources:
                    weight = self.values.get(f"{group}.{state}.{source}", 0.0)
                    found[at, STATES.index(state) + 1, SOURCES.index(source)] += weight * np.eye(size)
        for name, (groups, states, source) in CONTRASTED.items():
            for one, other in CONTRASTS:
                weight = self.values.get(f"{name}.{one}_{other}", 0.0)
                for where in groups:
                    for state in states:
                        found[where, STATES.index(state) + 1, SOURCES.index(source)] += weight * contrast(one, other)
        return found

    @cached_property
    def flat_matrices(self) -> Log:
        """The same with sources and from-origins in one axis: group x state x 24 x 6."""
        found: Log = self.matrices.reshape(len(GROUPS), len(STATES) + 1, -1, len(ORIGINS))
        return found

    @cached_property
    def particle(self) -> float:
        """Weight of a particle's log shares."""
        return self.values.get("particle", 0.0)

    @cached_property
    def bias(self) -> Log:
        """Log-odds that every name starts with, by whether the lexicon has the surname: 2 x 6."""
        return np.array([[self.values.get(f"bias.{known}.{origin}", 0.0) for origin in ORIGINS] for known in KNOWN])

    @cached_property
    def languages(self) -> Log:
        """Log-odds of a pair of languages, surname's by given names': 4 x 5 x 6."""
        return np.array(
            [
                [self.values.get(f"languages.{one}.{other}", 0.0) * languages_contrast() for other in GIVEN_LANGUAGES]
                for one in SURNAME_LANGUAGES
            ]
        )

    def token_scores(self, group: int, state: NDArray[np.int8], logs: Log) -> Log:
        """Return each token's weighed evidence, log-odds: m x 6."""
        found = np.zeros((len(state), len(ORIGINS)))
        for code in range(1, len(STATES) + 1):
            mine = np.flatnonzero(state == code)
            if len(mine):
                found[mine] = logs[mine].reshape(len(mine), -1) @ self.flat_matrices[group, code]
        return found

    def to_json(self) -> str:
        """Return the text of `data/weights.json`."""
        values = {name: round(value, 4) for name, value in self.values.items()}
        return json.dumps({"settings": dict(self.settings), "weights": values}, indent=1) + "\n"


def read_weights(text: str) -> Weights:
    """Read the text of `data/weights.json`."""
    found = json.loads(text)
    return Weights(found["weights"], found["settings"])


def contrast(one: str, other: str) -> Log:
    """Return the matrix that takes log shares to half the difference of two origins, for the one and against the other."""
    half = np.zeros(len(ORIGINS))
    half[ORIGINS.index(one)], half[ORIGINS.index(other)] = 0.5, -0.5
    return 2 * np.outer(half, half)


def languages_contrast() -> Log:
    """Return what one unit of a pair of languages adds: european against coloured."""
    found = np.zeros(len(ORIGINS))
    found[ORIGINS.index("european")], found[ORIGINS.index("coloured")] = 0.5, -0.5
    return found


def names_of_weights() -> tuple[str, ...]:
    """Return the name of every weight that is learned, in a fixed order."""
    sources = [f"{group}.{state}.{source}" for group in GROUPS for state, heard in HEARD.items() for source in heard]
    contrasts = [f"{name}.{one}_{other}" for name in CONTRASTED for one, other in CONTRASTS]
    bias = [f"bias.{known}.{origin}" for known in KNOWN for origin in ORIGINS]
    languages = [f"languages.{one}.{other}" for one in SURNAME_LANGUAGES for other in GIVEN_LANGUAGES]
    return (*sources, *contrasts, "particle", *bias, *languages)
