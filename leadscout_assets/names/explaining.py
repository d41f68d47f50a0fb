"""Why one name was answered as it was: every token, what each source says of it, and what that weighed.

For a single name typed by a person; needs neither Arrow nor pandas, so the first answer takes less than a second.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from leadscout_assets.names.deciding import ABSTAINED, ANSWERED, FOLD_INTO, probabilities_of
from leadscout_assets.names.describing import STATE_NAMES, languages_of, methods_of
from leadscout_assets.names.engine import Classifier, turned_round
from leadscout_assets.names.evidence import LEXICON, SOURCES, Log, token_evidence
from leadscout_assets.names.lexicon import ORIGINS, Kind
from leadscout_assets.names.normalising import split_name
from leadscout_assets.names.parts import tokens_of
from leadscout_assets.names.single import SingleNames
from leadscout_assets.names.single_deciding import decide_one
from leadscout_assets.names.weighing import GIVEN, GIVEN_BESIDE_UNKNOWN, SURNAME

SOURCE_WORDS = {
    "own": "lexicon",
    "other": "lexicon, as the other part of a name",
    "near": "names like it",
    "letters": "its letters",
}


@dataclass(frozen=True)
class TokenExplained:
    """One token: what knew it, what each source says (shares 0..1), and the log-odds it added per origin."""

    token: str
    role: str
    known_by: str
    sources: dict[str, dict[str, float]]
    added: dict[str, float]


@dataclass(frozen=True)
class Explanation:
    """One answer and how it came about. `problem` is `missing`, `unusable`, `single` or None, as names are taken apart."""

    outcome: str
    origin: str | None
    origin_set: list[str]
    confidence: float | None
    probabilities: dict[str, float]
    method: str
    language: str | None
    given_names: str | None
    surname: str | None
    turned: bool
    contradicted: bool
    problem: str | None
    tokens: list[TokenExplained]
    start: dict[str, float]
    model_version: str

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return asdict(self)


def explain(written: str, classifier: Classifier, *, reveal_religion: bool = False) -> Explanation:
    """Classify one written name and say why."""
    parts = split_name(written)
    surname, given = parts.surname or "", parts.given_names or ""
    judged = SingleNames(classifier).judge(surname, given)
    decided = decide_one(
        judged.scores.tolist(), judged.state, classifier.weights.settings, reveal_religion=reveal_religion
    )
    outcome = decided.outcome
    if judged.turned:
        surname, given = turned_round(surname, given)
    group = GIVEN if judged.state == LEXICON else GIVEN_BESIDE_UNKNOWN
    languages = languages_of(classifier.knowledge.languages, reveal_religion=reveal_religion)
    bias = classifier.weights.bias[int(judged.state != LEXICON)]
    return Explanation(
        outcome=("answered", "narrowed", "abstained")[outcome],
        origin=ORIGINS[decided.best] if outcome == ANSWERED else None,
        origin_set=[origin for at, origin in enumerate(ORIGINS) if at in decided.members],
        confidence=None if decided.confidence is None else round(decided.confidence, 4),
        probabilities={} if outcome == ABSTAINED else _rounded(np.array(decided.shares), 4, reveal_religion),
        method=str(methods_of(np.array([judged.state], np.int8), np.array([outcome]))[0]),
        language=languages[judged.language % len(languages)],
        given_names=given or None,
        surname=surname or None,
        turned=judged.turned,
        contradicted=judged.contradicted,
        problem=parts.problem,
        tokens=[
            *_explained(surname, "surname", SURNAME, classifier, reveal_religion),
            *_explained(given, "given", group, classifier, reveal_religion),
        ],
        start=_added(bias, reveal_religion),
        model_version=classifier.version,
    )


def _explained(
    text: str, role: Kind, group: int, classifier: Classifier, reveal_religion: bool
) -> list[TokenExplained]:
    tokens = list(tokens_of(text, role, classifier.knowledge).tokens)
    known = token_evidence(tokens, role, classifier.knowledge)
    added = classifier.weights.token_scores(group, known.state, known.logs)
    return [
        TokenExplained(
            token,
            role,
            STATE_NAMES[known.state[at]],
            {
                SOURCE_WORDS[source]: _shares(known.logs[at, place], reveal_religion)
                for place, source in enumerate(SOURCES)
                if known.logs[at, place].any()
            },
            _added(added[at], reveal_religion),
        )
        for at, token in enumerate(tokens)
    ]


def _shares(logs: Log, reveal_religion: bool) -> dict[str, float]:
    return _rounded(probabilities_of(logs[None], reveal_religion=reveal_religion)[0], 2, reveal_religion)


def _added(logs: Log, reveal_religion: bool) -> dict[str, float]:
    """Return log-odds about their mean; folded, they are those of the folded probabilities."""
    shares = probabilities_of(logs[None], reveal_religion=reveal_religion)[0]
    kept = shares > 0
    levels = np.log(np.where(kept, shares, 1.0))
    return _rounded(levels - levels[kept].mean(), 2, reveal_religion)


def _rounded(values: Log, digits: int, reveal_religion: bool) -> dict[str, float]:
    """Return values by origin, without origins that reveal religion unless these may be shown."""
    shown = zip(ORIGINS, values, strict=True)
    return {
        origin: round(float(value), digits) for origin, value in shown if reveal_religion or origin not in FOLD_INTO
    }
