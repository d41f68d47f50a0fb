"""How often reviewers agree with the model: its live accuracy. Counts and intervals; no lead and no name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from leadscout_assets.names.measuring import wilson
from leadscout_assets.reports.origins import MIN_GROUP, suppress
from leadscout_assets.reviews.questions import Question
from leadscout_assets.reviews.standing import Standing, name_agreement, reviewer_agreement
from leadscout_assets.terms import CANNOT_TELL

OTHERS = "others"
"""Origins of too few answers to be shown, taken together."""


@dataclass(frozen=True)
class Share:
    """Answers of one kind: how many were reviewed, how many of them people agree with, and the 95 % Wilson interval."""

    of: str
    reviewed: int
    agreed: int
    share: float | None
    low: float
    high: float


@dataclass(frozen=True)
class Agreement:
    """Live accuracy. `answered` and `origins` (by the model's answer) are from the random samples only, `sets` from all
    undecided names; `asked`, `reviewed` and `could_not_tell` count all questions, each lead once. `reviewers` and `names` are 0..1: how
    often reviewers agree with another source, and people of one name with each other, towards the prior while few are.
    """

    asked: int
    reviewed: int
    could_not_tell: int
    answered: Share
    origins: tuple[Share, ...]
    sets: Share
    reviewers: float
    names: float
    model_versions: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """Return the figures as plain values."""
        return asdict(self)


def agreement(questions: Iterable[Question], stands: Standing, answered: set[str]) -> Agreement:
    """Compare the model's answers with those that stand; `answered` are the ids of the questions that were answered at all.

    A lead that was asked about more than once counts with its first answered question.
    """
    first: dict[str, Question] = {}
    for question in questions:
        known = first.get(question.lead_id)
        if known is None or (known.question_id not in answered and question.question_id in answered):
            first[question.lead_id] = question
    asked = list(first.values())
    replied = [one for one in asked if one.question_id in answered]
    told = [
        (one, stands.counts[one.lead_id].origin)
        for one in replied
        if one.lead_id in stands.counts and stands.counts[one.lead_id].origin != CANNOT_TELL
    ]
    sample = [(one.origin_set[0], origin) for one, origin in told if one.sampled]
    sets = [(one.origin_set, origin) for one, origin in told if not one.sampled and one.origin_set]
    return Agreement(
        asked=len(asked),
        reviewed=len(told),
        could_not_tell=len(replied) - len(told),
        answered=_share("answered", [model == origin for model, origin in sample]),
        origins=_by_origin(sample),
        sets=_share("sets", [origin in members for members, origin in sets]),
        reviewers=reviewer_agreement(stands),
        names=name_agreement(stands),
        model_versions=tuple(sorted({one.model_version for one, _ in told})),
    )


def _by_origin(sample: list[tuple[str, str]]) -> tuple[Share, ...]:
    named, hidden = suppress(Counter((model,) for model, _ in sample), MIN_GROUP)
    shown = [_share(one, [model == truth for model, truth in sample if model == one]) for (one,) in named]
    others = [model == truth for model, truth in sample if (model,) not in named]
    return (*shown, _share(OTHERS, others)) if hidden else tuple(shown)


def _share(of: str, agreed: list[bool]) -> Share:
    low, high = wilson(sum(agreed), len(agreed))
    share = round(sum(agreed) / len(agreed), 4) if agreed else None
    return Share(of, len(agreed), sum(agreed), share, round(low, 4), round(high, 4))
