"""From distinct surnames and given names to one distribution over origins per pair: numpy only, no frames.

Every distinct token is looked up once, every distinct part weighed once; pairs only add and normalise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from leadscout_assets.names.contradiction import claims_of, contradicts, denials_of, mixed
from leadscout_assets.names.evidence import LEXICON, MISPLACED, UNKNOWN, Log, TokenEvidence, token_evidence
from leadscout_assets.names.knowledge import Knowledge, load_knowledge
from leadscout_assets.names.lexicon import ORIGINS, Kind
from leadscout_assets.names.parts import parts_of
from leadscout_assets.names.weighing import (
    GIVEN,
    GIVEN_BESIDE_UNKNOWN,
    GIVEN_LANGUAGES,
    SURNAME,
    SURNAME_LANGUAGES,
    Weights,
    read_weights,
)

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Classifier:
    """What is known of tokens, and how it is weighed: everything that decides an answer."""

    knowledge: Knowledge
    weights: Weights

    @cached_property
    def version(self) -> str:
        """Content hash (12 hex digits) of the knowledge, the weights and the settings of decisions."""
        digest = hashlib.sha256(self.knowledge.content_hash.encode())
        digest.update(self.weights.to_json().encode())
        return digest.hexdigest()[:12]

    @cached_property
    def claims(self) -> Places:
        """What each row of the lexicon claims as a given name; 0 for the row -1, which comes last."""
        return claims_of(self.knowledge.share_table, self.weights.settings)

    @cached_property
    def denials(self) -> Places:
        """What each row of the lexicon speaks against as a surname; 0 for the row -1, which comes last."""
        return denials_of(self.knowledge.share_table, self.weights.settings)

    @cached_property
    def language_places(self) -> Places:
        """Place of each row's language among those of a pair; the row -1, no language, comes last."""
        found = np.full(len(self.knowledge.languages) + 1, SURNAME_LANGUAGES.index("other"))
        for place, language in enumerate(SURNAME_LANGUAGES[:2]):
            found[:-1][self.knowledge.languages == language] = place
        found[-1] = SURNAME_LANGUAGES.index("none")
        return found


@lru_cache(maxsize=1)
def load_classifier() -> Classifier:
    """Return the classifier of the package's data files, read once per process (some 10 ms)."""
    data = files("leadscout_assets.names").joinpath("data")
    knowledge = load_knowledge(data.joinpath("knowledge.npz").read_bytes())
    return Classifier(knowledge, read_weights(data.joinpath("weights.json").read_text("utf-8")))


class PartEvidence(NamedTuple):
    """Per distinct string of one role, its tokens' evidence, gathered.

    `state`: code of the best known token. `scores`: weighed evidence by group (m x 6 each, empty for groups of the other
    role). `language`: row or -1. `pair`: place in the table of languages. `lean`: whether the first word is known in
    this role only (1), in the other only (-1), or in both or neither (0). `stance`: bits of the origins that given names
    claim, or that a surname speaks against.
    """

    state: NDArray[np.int8]
    scores: tuple[Log, ...]
    language: Places
    pair: Places
    lean: NDArray[np.int8]
    stance: Places


class Judged(NamedTuple):
    """Per pair: log-odds per origin (n x 6), the surname's state, whether it was read the other way round, whether its parts
    contradict each other, and places.
    """

    scores: Log
    state: NDArray[np.int8]
    turned: NDArray[np.bool_]
    contradicted: NDArray[np.bool_]
    surname_at: Places
    given_at: Places
    surnames: PartEvidence
    given: PartEvidence


def judge(
    surnames: Sequence[str], given: Sequence[str], surname_at: Places, given_at: Places, classifier: Classifier
) -> Judged:
    """Weigh pairs, given as places in the distinct surnames and strings of given names; "" is no name."""
    of_surnames = part_evidence(surnames, "surname", classifier)
    of_given = part_evidence(given, "given", classifier)
    # `Nkosi Brian`: the lexicon knows the words in each other's place, so the name is read the other way round.
    turned = of_surnames.lean[surname_at] + of_given.lean[given_at] < 0
    alone = np.array([not one for one in given])[given_at]
    turned &= (alone | (of_given.state[given_at] != UNKNOWN)) & (of_surnames.state[surname_at] != UNKNOWN)
    if turned.any():
        pairs, back = np.unique(surname_at[turned] * len(given) + given_at[turned], return_inverse=True)
        readings = [turned_round(surnames[pair // len(given)], given[pair % len(given)]) for pair in pairs]
        surname_at, given_at = surname_at.copy(), given_at.copy()
        surname_at[turned], given_at[turned] = len(surnames) + back, len(given) + back
        of_surnames = _joined(of_surnames, part_evidence([one for one, _ in readings], "surname", classifier))
        of_given = _joined(of_given, part_evidence([other for _, other in readings], "given", classifier))
    state = of_surnames.state[surname_at]
    # `Sipho` alone is a given name without a surname: it is what is known of the name.
    state[turned & alone] = MISPLACED
    unknown = (state != LEXICON).astype(np.int64)
    beside = np.stack(of_given.scores[GIVEN : GIVEN_BESIDE_UNKNOWN + 1])
    scores = of_surnames.scores[SURNAME][surname_at] + beside[unknown, given_at] + classifier.weights.bias[unknown]
    scores += classifier.weights.languages[of_surnames.pair[surname_at], of_given.pair[given_at]]
    contradicted = contradicts(of_given.stance[given_at], of_surnames.stance[surname_at])
    some = np.flatnonzero(contradicted)
    if len(some):
        of_these = given_at[some]
        scores[some] = mixed(scores[some], of_given.scores[GIVEN][of_these], of_given.stance[of_these])
    # Matrix products end in other bits beside other names; an answer must not.
    return Judged(np.round(scores, 9), state, turned, contradicted, surname_at, given_at, of_surnames, of_given)


def part_evidence(strings: Sequence[str], role: Kind, classifier: Classifier) -> PartEvidence:
    """Return what each distinct surname, or string of given names, says."""
    knowledge, weights = classifier.knowledge, classifier.weights
    split = parts_of(strings, role, knowledge)
    gathered = Gathered.of([part.tokens for part in split])
    known = token_evidence(gathered.tokens, role, knowledge)
    groups = (SURNAME,) if role == "surname" else (GIVEN, GIVEN_BESIDE_UNKNOWN)
    share = gathered.share(role)
    empty = np.zeros((0, len(ORIGINS)))
    scores = [empty, empty, empty]
    for group in groups:
        of_tokens = weights.token_scores(group, known.state, known.logs)
        scores[group] = gathered.summed(of_tokens, share)
    particles = np.array([part.particle for part in split], np.int64)
    backed = np.flatnonzero(particles >= 0)
    if len(backed):
        scores[groups[0]][backed] += weights.particle * knowledge.log_table[particles[backed]]
    return PartEvidence(
        gathered.best(known.state),
        tuple(scores),
        gathered.first(known.language),
        _pairs(gathered, known, role, classifier.language_places),
        _lean(gathered, role, knowledge),
        _stance(gathered, role, classifier),
    )


@dataclass(frozen=True)
class Gathered:
    """Distinct tokens of many strings, and for each use of one its token and its string."""

    tokens: list[str]
    ids: Places
    owners: Places
    counts: Places

    @classmethod
    def of(cls, strings: Sequence[tuple[str, ...]]) -> Gathered:
        """Gather the tokens of strings that were taken apart."""
        distinct: dict[str, int] = {}
        ids = np.array([distinct.setdefault(token, len(distinct)) for tokens in strings for token in tokens], np.int64)
        counts = np.fromiter(map(len, strings), np.int64, len(strings))
        return cls(list(distinct), ids, np.repeat(np.arange(len(strings)), counts), counts)

    def share(self, role: Kind) -> Log:
        """Return the weight of each use: a double surname is one or the other, given names are borne together."""
        counts = np.maximum(self.counts, 1).astype(np.float64)
        found: Log = (1 / counts if role == "surname" else 1 / np.sqrt(counts))[self.owners]
        return found

    def summed(self, values: Log, share: Log) -> Log:
        """Return the weighted sum over each string's tokens: strings x 6."""
        rows = values[self.ids] * share[:, None]
        size = len(self.counts)
        columns = [np.bincount(self.owners, column, size) for column in rows.T]
        return np.stack(columns, axis=1)

    def best(self, state: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the best state (lowest code above 0) among each string's tokens, 0 where there is none."""
        found = np.full(len(self.counts), 127, np.int8)
        codes = state[self.ids]
        np.minimum.at(found, self.owners[codes > 0], codes[codes > 0])
        found[found == 127] = 0
        return found

    def first(self, values: Places) -> Places:
        """Return the first value that is not negative among each string's tokens, else -1."""
        found = np.full(len(self.counts), -1, np.int64)
        has = np.flatnonzero(values[self.ids] >= 0)[::-1]
        found[self.owners[has]] = values[self.ids][has]
        return found


def _pairs(gathered: Gathered, known: TokenEvidence, role: Kind, language_places: Places) -> Places:
    """Return each string's place among the languages of a pair."""
    places = language_places[known.language]
    if role == "surname":
        found = gathered.first(places)
        return np.where(found < 0, len(SURNAME_LANGUAGES) - 1, found)
    held = [np.bincount(gathered.owners, places[gathered.ids] == at, len(gathered.counts)) > 0 for at in range(3)]
    names = [held[0] & held[1], *held]
    codes = [GIVEN_LANGUAGES.index(name) for name in ("mixed", "afrikaans", "english", "other")]
    return np.select(names, codes, GIVEN_LANGUAGES.index("none"))


def _lean(gathered: Gathered, role: Kind, knowledge: Knowledge) -> NDArray[np.int8]:
    own = knowledge.rows_of(gathered.tokens, role) >= 0
    other = knowledge.rows_of(gathered.tokens, "given" if role == "surname" else "surname") >= 0
    lean = own.astype(np.int8) - other.astype(np.int8)
    found = np.zeros(len(gathered.counts), np.int8)
    # The first word of the given names is the one that would be the surname; of a surname all words count alike.
    order = slice(None, None, -1)
    found[gathered.owners[order]] = lean[gathered.ids[order]]
    return found


def _stance(gathered: Gathered, role: Kind, classifier: Classifier) -> Places:
    """Return what each string's given names claim, any of them, or what its surname speaks against, all parts of it."""
    rows = classifier.knowledge.rows_of(gathered.tokens, role)
    if role == "given":
        found = np.zeros(len(gathered.counts), np.int64)
        np.bitwise_or.at(found, gathered.owners, classifier.claims[rows][gathered.ids])
        return found
    found = np.where(gathered.counts > 0, -1, 0)
    np.bitwise_and.at(found, gathered.owners, classifier.denials[rows][gathered.ids])
    return found


def turned_round(surname: str, given: str) -> tuple[str, str]:
    """Return surname and given names of a name read the other way round: its first word is the surname; a single word none."""
    first, _, rest = given.partition(" ")
    return first, f"{rest} {surname}".strip()


def _joined(one: PartEvidence, two: PartEvidence) -> PartEvidence:
    return PartEvidence(
        np.concatenate([one.state, two.state]),
        tuple(np.concatenate([a, b]) for a, b in zip(one.scores, two.scores, strict=True)),
        np.concatenate([one.language, two.language]),
        np.concatenate([one.pair, two.pair]),
        np.concatenate([one.lean, two.lean]),
        np.concatenate([one.stance, two.stance]),
    )
