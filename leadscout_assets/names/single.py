"""One name at a time, as the engine judges it in a frame, but with what each token says kept: under a millisecond.

The engine is made for many names at once, and pays for that with hundreds of array operations even for one.
"""

from __future__ import annotations

from functools import lru_cache, reduce
from operator import and_, or_
from typing import NamedTuple

import numpy as np

from leadscout_assets.names.contradiction import mixed
from leadscout_assets.names.engine import Classifier, turned_round
from leadscout_assets.names.evidence import (
    LETTERS,
    LEXICON,
    MISPLACED,
    NEAR,
    OTHER_ROLE,
    SOURCES,
    UNKNOWN,
    Log,
)
from leadscout_assets.names.lexicon import ORIGINS, Kind
from leadscout_assets.names.parts import tokens_of
from leadscout_assets.names.single_evidence import likeness_of_one, spelling_of_one
from leadscout_assets.names.weighing import (
    GIVEN,
    GIVEN_BESIDE_UNKNOWN,
    GIVEN_LANGUAGES,
    SURNAME,
    SURNAME_LANGUAGES,
)

KEPT_TOKENS = 200_000
"""Tokens whose evidence is kept: more than any list of a million names was seen to hold."""


class TokenSaid(NamedTuple):
    """What one token says: state, weighed evidence by group, language row, place among paired languages, lean and stance."""

    state: int
    scores: dict[int, Log]
    language: int
    pair: int
    lean: int
    stance: int


class OneJudged(NamedTuple):
    """One name: log-odds per origin, the surname's state and language row, whether it was read the other way round, and whether
    its parts contradict each other.
    """

    scores: Log
    state: int
    language: int
    turned: bool
    contradicted: bool


class SingleNames:
    """Judges single names with one classifier, and remembers tokens."""

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier
        self._said = lru_cache(maxsize=KEPT_TOKENS)(self._say)

    def judge(self, surname: str, given: str) -> OneJudged:
        """Judge one name that was taken apart; the same scores as `engine.judge` gives."""
        of_surname, particle = self._part(surname, "surname")
        of_given, _ = self._part(given, "given")
        state = _best(of_surname)
        known = state != UNKNOWN and (not given or _best(of_given) != UNKNOWN)
        turned = known and of_surname[0].lean + (of_given[0].lean if given else 0) < 0
        if turned:
            alone = not given
            surname, given = turned_round(surname, given)
            of_surname, particle = self._part(surname, "surname")
            of_given, _ = self._part(given, "given")
            # A single word that is a given name only is what is known of the name.
            state = MISPLACED if alone else _best(of_surname)
        weights = self.classifier.weights
        group = GIVEN if state == LEXICON else GIVEN_BESIDE_UNKNOWN
        scores = (
            weights.bias[int(state != LEXICON)] + weights.languages[_surname_pair(of_surname), _given_pair(of_given)]
        )
        of_givens = np.zeros(len(ORIGINS))
        for said in of_surname:
            scores = scores + said.scores[SURNAME] / len(of_surname)
        if particle >= 0:
            scores = scores + weights.particle * self.classifier.knowledge.log_table[particle]
        for said in of_given:
            of_givens = of_givens + said.scores[group] / len(of_given) ** 0.5
        scores = scores + of_givens
        claimed = reduce(or_, (said.stance for said in of_given), 0)
        denied = reduce(and_, (said.stance for said in of_surname), -1) if of_surname else 0
        contradicted = claimed != 0 and claimed & ~denied == 0
        if contradicted:
            scores = mixed(scores[None], of_givens[None], np.array([claimed]))[0]
        language = next((said.language for said in of_surname if said.language >= 0), -1)
        return OneJudged(scores.round(9), state, language, turned, contradicted)

    def _part(self, text: str, role: Kind) -> tuple[list[TokenSaid], int]:
        part = tokens_of(text, role, self.classifier.knowledge)
        return [self._said(token, role) for token in part.tokens], part.particle

    def _say(self, token: str, role: Kind) -> TokenSaid:
        knowledge, weights = self.classifier.knowledge, self.classifier.weights
        place = knowledge.places.get(token, -1)
        own, other = (int(knowledge.rows[kind][place]) if place >= 0 else -1 for kind in (role, OTHER_ROLE[role]))
        if own >= 0:
            # What most tokens are: all that it takes is to be looked up.
            logs = np.zeros((len(SOURCES), len(ORIGINS)))
            logs[0], logs[3] = knowledge.log_table[own], knowledge.spelled[role][place]
            if other >= 0:
                logs[1] = knowledge.log_table[other]
            state, row = LEXICON, own
        else:
            state, row, logs = self._unknown(token, role, other)
        flat = logs.ravel()
        groups = (SURNAME,) if role == "surname" else (GIVEN, GIVEN_BESIDE_UNKNOWN)
        return TokenSaid(
            state,
            {group: flat @ weights.flat_matrices[group, state] for group in groups},
            row,
            int(self.classifier.language_places[row]),
            int(own >= 0) - int(other >= 0),
            int((self.classifier.denials if role == "surname" else self.classifier.claims)[own]),
        )

    def _unknown(self, token: str, role: Kind, other: int) -> tuple[int, int, Log]:
        """Return state, language row and log shares of a token that is not known in its role, as `token_evidence` does."""
        knowledge = self.classifier.knowledge
        logs = np.zeros((len(SOURCES), len(ORIGINS)))
        state, row = UNKNOWN, -1
        head = knowledge.letters[role]
        if head.can_read_one(token):
            state, logs[3] = LETTERS, spelling_of_one(token, head)
        like = likeness_of_one(token, role, knowledge)
        if like is not None:
            state, row, logs[2] = NEAR, like.language, like.logs
        if other >= 0:
            state, row, logs[1] = MISPLACED, other, knowledge.log_table[other]
        return state, row, logs


def _best(said: list[TokenSaid]) -> int:
    return min((one.state for one in said if one.state != UNKNOWN), default=UNKNOWN)


def _surname_pair(said: list[TokenSaid]) -> int:
    return said[0].pair if said else SURNAME_LANGUAGES.index("none")


def _given_pair(said: list[TokenSaid]) -> int:
    held = {one.pair for one in said}
    if {0, 1} <= held:
        return GIVEN_LANGUAGES.index("mixed")
    return min(held, default=GIVEN_LANGUAGES.index("none"))
