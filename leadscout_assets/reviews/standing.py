"""Whose word counts: from all reviews ever given to the one answer of each lead and each name that stands.

Pure; the database gives the reviews, `names.remembered` uses the result.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from leadscout_assets.names.remembered import Answer, Remembered
from leadscout_assets.terms import CANNOT_TELL, Origin, ReviewKind

LEADS_FOR_MEMORY = 2
"""Leads of one name that must be answered alike before the answer counts for everybody of that name."""

MOST_CERTAIN = 0.99
"""Confidence of a person's own word, and the most of any: a row may have been mixed up on its way."""

PRIOR_AGREEING, PRIOR = 19, 20
"""What is assumed of people before enough is measured: they agree in 19 of 20 cases, as if 20 had been seen. Set by judgement."""


@dataclass(frozen=True)
class Review:
    """One answer as it was given. `number` grows with every one stored; `origin` may be `cannot_tell`.

    `name_hash` is None where the answer can count for this lead only.
    """

    number: int
    question_id: str
    batch_id: str
    lead_id: str
    name_hash: str | None
    origin: str
    language: str | None
    kind: ReviewKind
    reviewer: str
    at: datetime
    note: str | None = None


@dataclass(frozen=True)
class Standing:
    """The reviews that stand: per lead the one that counts, and beside it what each other source says now."""

    counts: Mapping[str, Review]
    current: Mapping[str, tuple[Review, ...]]


def standing(reviews: Iterable[Review]) -> Standing:
    """Return what stands. A changed mind is a newer review by the same source, which replaces the older one.

    A person's own word, whoever recorded it, counts before any reviewer's; among reviewers the newest counts. A reviewer
    who cannot tell says nothing; a person who does not wish to say is heard.
    """
    newest: dict[tuple[str, str], Review] = {}
    for review in sorted(reviews, key=lambda one: one.number):
        source = review.reviewer if review.kind is ReviewKind.REVIEWER else ""
        newest[review.lead_id, f"{review.kind}:{source}"] = review
    current: dict[str, list[Review]] = defaultdict(list)
    for review in sorted(newest.values(), key=lambda one: (one.kind is ReviewKind.SELF_DECLARED, one.number)):
        if review.origin != CANNOT_TELL or review.kind is ReviewKind.SELF_DECLARED:
            current[review.lead_id].append(review)
    return Standing({lead: said[-1] for lead, said in current.items()}, {k: tuple(v) for k, v in current.items()})


def remembered(reviews: Iterable[Review], digest: Callable[[str], str]) -> Remembered:
    """Return the answers that the classifier takes before its own, with how sure they are."""
    stands = standing(reviews)
    of_reviewers, of_names = reviewer_agreement(stands), name_agreement(stands)
    certainty = {ReviewKind.REVIEWER: of_reviewers, ReviewKind.SELF_DECLARED: MOST_CERTAIN}
    verified = {
        lead: _answer(review.origin, review.language, certainty[review.kind]) for lead, review in stands.counts.items()
    }
    memory = {
        name: _answer(alike[0].origin, _common(review.language for review in alike), of_reviewers * of_names)
        for name, alike in _confirmed_names(stands).items()
    }
    return Remembered(verified, memory, digest)


def reviewer_agreement(stands: Standing) -> float:
    """Return how likely a reviewer's answer is right, 0..1: the share in which it agrees with another source on the lead.

    Measured against the person's own word where there is one, else between reviewers; towards the prior while few are.
    """
    agreeing = trials = 0
    for said in stands.current.values():
        against = said[-1]
        if against.origin == CANNOT_TELL:
            continue
        others = [one for one in said[:-1] if one.kind is ReviewKind.REVIEWER]
        agreeing += sum(one.origin == against.origin for one in others)
        trials += len(others)
    return min(MOST_CERTAIN, (agreeing + PRIOR_AGREEING) / (trials + PRIOR))


def name_agreement(stands: Standing) -> float:
    """Return how likely two people of one full name have one origin, 0..1: the share of leads whose name-sakes agree."""
    agreeing = trials = 0.0
    for said in _by_name(stands).values():
        count, same = len(said), Counter(review.origin for review in said)
        pairs = sum(n * (n - 1) for n in same.values()) / (count * (count - 1)) if count > 1 else 0.0
        agreeing, trials = agreeing + pairs * (count - 1), trials + count - 1
    return min(MOST_CERTAIN, (agreeing + PRIOR_AGREEING) / (trials + PRIOR))


def _confirmed_names(stands: Standing) -> dict[str, Sequence[Review]]:
    """Return the names that enough leads confirm and nobody contradicts, an outvoted reviewer included."""
    contradicted = {
        one.name_hash
        for said in stands.current.values()
        for one in said
        if one.origin != said[-1].origin and CANNOT_TELL not in (one.origin, said[-1].origin)
    }
    return {
        name: said
        for name, said in _by_name(stands).items()
        if len(said) >= LEADS_FOR_MEMORY and name not in contradicted and len({one.origin for one in said}) == 1
    }


def _by_name(stands: Standing) -> dict[str, list[Review]]:
    found: dict[str, list[Review]] = defaultdict(list)
    for review in stands.counts.values():
        if review.name_hash is not None and review.origin != CANNOT_TELL:
            found[review.name_hash].append(review)
    return found


def _answer(origin: str, language: str | None, confidence: float) -> Answer:
    return Answer(None, 0.0) if origin == CANNOT_TELL else Answer(Origin(origin), confidence, language)


def _common(languages: Iterable[str | None]) -> str | None:
    (first, *others) = set(languages)
    return None if others else first
