"""The reviews, and the questions that they answer: added, read, and deleted without a trace. No rule of whose word counts.

No name in clear: names stand as keyed hashes. Answers are never changed; a changed mind is a new row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from leadscout_assets.database.engine import Database
from leadscout_assets.database.models import review_questions, reviews
from leadscout_assets.reviews.checking import Given
from leadscout_assets.reviews.questions import Question
from leadscout_assets.reviews.standing import Review
from leadscout_assets.terms import ReviewKind

CHUNK = 10_000
"""Ids bound in one statement: SQLite takes at most 32,766 parameters, PostgreSQL 65,535."""

_STORE_LOCK = 0x1EAD5C09
"""Key of the PostgreSQL advisory lock under which one process stores reviews while the others wait."""


@dataclass(frozen=True)
class Stored:
    """What storing answers came to: rows added, and answers that this source had given before."""

    new: int
    unchanged: int


@dataclass(frozen=True)
class Forgotten:
    """What was deleted, and the batches in which the leads were asked about."""

    reviews: int
    questions: int
    batches: tuple[str, ...]


class Reviews:
    """The reviews of one application database. `EdgeFailed` where the database fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, questions: Sequence[Question], at: datetime | None = None) -> None:
        """Note the questions that are put; those that are known already stay as they are."""
        rows = [_question_row(question) | {"at": at or datetime.now(UTC)} for question in questions]
        # SQLAlchemy spells ON CONFLICT once per dialect, and the two classes share no type.
        insert: Any = sqlite.insert if self._database.is_sqlite else postgresql.insert
        with self._database.begin() as connection:
            if rows:
                connection.execute(insert(review_questions).on_conflict_do_nothing(), rows)

    def questions(self, ids: Collection[str] | None = None) -> dict[str, Question]:
        """Return questions by id, in the order in which they were put: all, or those of `ids` that are known."""
        columns = [column for column in review_questions.c if column.name not in ("number", "at")]
        query = sa.select(*columns).order_by(review_questions.c.number)
        found: dict[str, Question] = {}
        with self._database.read() as connection:
            for chunk in [None] if ids is None else _chunks(ids):
                some = query if chunk is None else query.where(review_questions.c.question_id.in_(chunk))
                for row in connection.execute(some):
                    found[row.question_id] = _question(row)
        return found

    def store(self, answers: Sequence[Given], *, kind: ReviewKind, reviewer: str, at: datetime | None = None) -> Stored:
        """Add the answers that differ from what this source said last of the lead; all of them or, on a fault, none.

        So doing it again adds nothing. A person's own word is one source, whoever records it.
        """
        with self._database.begin() as connection:
            if not self._database.is_sqlite:  # there the transaction holds the write lock already
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _STORE_LOCK})
            last = _last_said(connection, [given.question.lead_id for given in answers], kind, reviewer)
            new = [given for given in answers if last.get(given.question.lead_id) != _said(given)]
            if new:
                moment = at or datetime.now(UTC)
                connection.execute(reviews.insert(), [_review_row(given, kind, reviewer, moment) for given in new])
        return Stored(len(new), len(answers) - len(new))

    def all(self) -> list[Review]:
        """Return every review, the oldest first."""
        with self._database.read() as connection:
            return [
                Review(**{**row._mapping, "kind": ReviewKind(row.kind)})
                for row in connection.execute(reviews.select().order_by(reviews.c.number))
            ]

    def answered_leads(self) -> set[str]:
        """Return the ids of all leads of which anything was said."""
        with self._database.read() as connection:
            return set(connection.execute(sa.select(reviews.c.lead_id).distinct()).scalars())

    def forget(self, lead_ids: Collection[str], name_hashes: Collection[str] = ()) -> Forgotten:
        """Delete all reviews of, and questions on, these leads, or anybody with these names, so that no copy stays in the database's files.

        Safe to repeat, and to be called with leads of which nothing was ever said: what an interrupted call had left is gone then.
        """
        gone: dict[str, int] = {}
        batches: set[str] = set()
        with self._database.begin() as connection:
            for table, hashes in ((reviews, reviews.c.name_hash), (review_questions, review_questions.c.name_hash)):
                gone[table.name] = 0
                for column, values in ((table.c.lead_id, lead_ids), (hashes, name_hashes)):
                    for chunk in _chunks(values):
                        deleted = sa.delete(table).where(column.in_(chunk)).returning(table.c.batch_id)
                        found = connection.execute(deleted).scalars().all()
                        gone[table.name] += len(found)
                        batches.update(found)
        self._database.scrub([reviews, review_questions])
        return Forgotten(gone[reviews.name], gone[review_questions.name], tuple(sorted(batches)))

    def rename(self, leads: Mapping[str, str], names: Mapping[str, str]) -> None:
        """Put new lead ids and hashes of names in place of old ones, as a new key gives them. To do it again changes nothing."""
        with self._database.begin() as connection:
            for table in (reviews, review_questions):
                for column, renamed in ((table.c.lead_id, leads), (table.c.name_hash, names)):
                    for chunk in _chunks(renamed):
                        known = (
                            connection.execute(sa.select(column).where(column.in_(chunk)).distinct()).scalars().all()
                        )
                        for old in known:
                            changed = sa.update(table).where(column == old).values({column.name: renamed[old]})
                            connection.execute(changed)

    def forget_questions(self, batch_ids: Collection[str]) -> int:
        """Delete the questions on some batches, with the model's answers in them; what people said stays. Return how many."""
        gone = 0
        with self._database.begin() as connection:
            for chunk in _chunks(batch_ids):
                gone += connection.execute(
                    sa.delete(review_questions).where(review_questions.c.batch_id.in_(chunk))
                ).rowcount
        return gone


def _last_said(
    connection: sa.Connection, lead_ids: Collection[str], kind: ReviewKind, reviewer: str
) -> dict[str, tuple[object, ...]]:
    said: dict[str, tuple[object, ...]] = {}
    query = reviews.select().where(reviews.c.kind == kind.value).order_by(reviews.c.number)
    if kind is ReviewKind.REVIEWER:
        query = query.where(reviews.c.reviewer == reviewer)
    for chunk in _chunks(lead_ids):
        for row in connection.execute(query.where(reviews.c.lead_id.in_(chunk))):
            said[row.lead_id] = (row.origin, row.language, row.note, row.name_hash)
    return said


def _said(given: Given) -> tuple[object, ...]:
    return given.origin, given.language, given.note, _counting_hash(given.question)


def _counting_hash(question: Question) -> str | None:
    return question.name_hash if question.full_name else None


def _review_row(given: Given, kind: ReviewKind, reviewer: str, at: datetime) -> dict[str, object]:
    question = given.question
    return {
        "question_id": question.question_id,
        "batch_id": question.batch_id,
        "lead_id": question.lead_id,
        "name_hash": _counting_hash(question),
        "origin": given.origin,
        "language": given.language,
        "kind": kind.value,
        "reviewer": reviewer,
        "at": at,
        "note": given.note,
    }


def _question_row(question: Question) -> dict[str, object]:
    return asdict(question) | {"origin_set": " ".join(question.origin_set)}


def _question(row: sa.Row[Any]) -> Question:
    return Question(**{**row._mapping, "origin_set": tuple(row.origin_set.split())})


def _chunks(values: Iterable[str]) -> Iterator[list[str]]:
    distinct = list(dict.fromkeys(values))
    return (distinct[start : start + CHUNK] for start in range(0, len(distinct), CHUNK))
