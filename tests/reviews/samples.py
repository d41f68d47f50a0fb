"""Leads, questions and reviews for the tests of reviews. All names are made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa

from leadscout_assets.reviews.questions import Question, name_hashes
from leadscout_assets.reviews.standing import Review
from leadscout_assets.terms import ReviewKind

BATCH = "2026-03-02_leads_0123abcd"
START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
NAME_HASH = name_hashes(b"k" * 32)


def lead_id(number: int) -> str:
    return f"{number:016x}"


def people(*names: tuple[str | None, str]) -> pa.Table:
    """Leads numbered from 0, one per (given names, surname)."""
    return pa.table(
        {
            "lead_id": [lead_id(number) for number in range(len(names))],
            "director_given_names": pa.array([given for given, _ in names], pa.string()),
            "director_surname": [surname for _, surname in names],
        }
    )


def answers(*sets: tuple[str, ...], methods: dict[int, str] | None = None) -> pa.Table:
    """The model's answers on leads numbered from 0: the sets as given, and other methods where named."""
    found = ["lexicon" if origins else "abstained" for origins in sets]
    for number, method in (methods or {}).items():
        found[number] = method
    return pa.table(
        {
            "batch_id": [BATCH] * len(sets),
            "lead_id": [lead_id(number) for number in range(len(sets))],
            "origin_set": pa.array([list(origins) for origins in sets], pa.list_(pa.string())),
            "method": found,
            "model_version": ["1"] * len(sets),
        }
    )


def question(
    number: int, name: str = "sipho dlamini", *origins: str, sampled: bool = False, full: bool = True
) -> Question:
    """The question on the lead of this number; `name` is the name's comparison key."""
    return Question(f"0123456789-{number}", BATCH, lead_id(number), NAME_HASH(name), full, sampled, origins, "1")


def review(number: int, lead: int, origin: str, reviewer: str = "Ann", *, name: str | None = "n", **more) -> Review:
    """A review with this number, which is also its place in time."""
    given = {
        "question_id": f"0123456789-{lead}",
        "batch_id": BATCH,
        "language": None,
        "kind": ReviewKind.REVIEWER,
        "at": START + timedelta(minutes=number),
    } | more
    return Review(number=number, lead_id=lead_id(lead), name_hash=name, origin=origin, reviewer=reviewer, **given)
