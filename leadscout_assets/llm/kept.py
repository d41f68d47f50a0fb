"""What is kept about a name: that it was asked about, where it was sent, what was answered. Found by keyed hashes; changes nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from leadscout_assets.database.engine import Database
from leadscout_assets.database.models import llm_answers, llm_call_batches, llm_call_names, llm_calls, llm_outcomes

AT_ONCE = 500


@dataclass(frozen=True)
class Kept:
    """One call about a name. `state` is the call's; `answered` whether its answer is kept, the rest then says which."""

    at: datetime
    provider: str
    model: str
    state: str
    answered: bool
    origin: str | None
    band: str | None
    language: str | None


def kept_about(database: Database, questions: Collection[str]) -> list[Kept]:
    """Return every call about some names, given by question key, the oldest first."""
    calls, names, answers = llm_calls.c, llm_call_names.c, llm_answers.c
    joined = llm_call_names.join(llm_calls, calls.id == names.call_id).outerjoin(
        llm_answers, sa.and_(answers.key == names.answer_key, answers.call_id == calls.id)
    )
    columns = (
        calls.at, calls.provider, calls.model, calls.state, answers.key.is_not(None), answers.origin, answers.band,
        answers.language,
    )  # fmt: skip
    whole, found = sorted(questions), list[Kept]()
    with database.read() as connection:
        for at in range(0, len(whole), AT_ONCE):
            query = sa.select(*columns).select_from(joined).where(names.question.in_(whole[at : at + AT_ONCE]))
            found += [Kept(*row) for row in connection.execute(query)]
    return sorted(found, key=lambda one: one.at)


def was_asked(database: Database, batch: str) -> bool:
    """Return whether a language model was asked about names of a batch, be it that all answers were there already."""
    sent = sa.select(llm_call_batches.c.call_id).where(llm_call_batches.c.batch_id == batch)
    known = sa.select(llm_outcomes.c.batch_id).where(llm_outcomes.c.batch_id == batch, llm_outcomes.c.names > 0)
    with database.read() as connection:
        return any(connection.execute(query.limit(1)).first() for query in (sent, known))
