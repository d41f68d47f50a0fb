"""Writes calls into the ledger's tables: their intent, their end, their answers. Decides nothing.

Every function is called within a transaction that no other process has at the same time.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from leadscout_assets.database.models import llm_answers, llm_call_batches, llm_call_names, llm_calls
from leadscout_assets.llm.booked import Used, Wanted, counts_of, shares_of
from leadscout_assets.llm.schema import Item


def book(connection: sa.Connection, wanted: Wanted, now: datetime, *, job: str | None = None) -> str:
    """Write the intent of a call with its worst case, and return its id."""
    call = uuid.uuid4().hex
    row = {
        "id": call, "at": now, "provider": wanted.provider, "model": wanted.model, "kind": wanted.kind, "job_id": job,
        "state": "reserved", "names": len(wanted.names), "most_tokens": wanted.most.tokens, "most_nano": wanted.most_nano,
        "booked_nano": wanted.most_nano, "prompt_hash": wanted.prompt_hash,
    }  # fmt: skip
    connection.execute(llm_calls.insert().values(row))
    shares, counts = shares_of(wanted, wanted.most_nano), counts_of(wanted)
    connection.execute(
        llm_call_batches.insert(),
        [{"call_id": call, "batch_id": b, "names": counts[b], "booked_nano": share} for b, share in shares.items()],
    )
    connection.execute(
        llm_call_names.insert(),
        [
            {"call_id": call, "place": place, "question": question, "answer_key": key}
            for place, (question, key, _) in enumerate(wanted.names)
        ],
    )
    return call


def close(connection: sa.Connection, call: str, state: str, outcome: str, booked: int | None, used: Used) -> None:
    """Note how a call ended; `booked` None leaves what is booked."""
    values: dict[str, object] = {"state": state, "outcome": outcome, "seconds": round(used.seconds, 3)}
    values |= {"tokens_in": used.tokens_in, "tokens_out": used.tokens_out}
    this = llm_calls.c.id == call
    if booked is not None:
        values["booked_nano"] = booked
        names = connection.execute(sa.select(llm_calls.c.names).where(this)).scalar_one()
        # Rounded up, so that the batches' shares never come to less than the whole.
        share = (llm_call_batches.c.names * booked + (names - 1)) // names
        connection.execute(
            llm_call_batches.update().where(llm_call_batches.c.call_id == call).values(booked_nano=share)
        )
    connection.execute(llm_calls.update().where(this).values(**values))


def store_answers(connection: sa.Connection, row: Any, answers: Mapping[int, Item], now: datetime) -> None:
    """Store the answers of a call, those that are not there yet."""
    query = sa.select(llm_call_names.c.place, llm_call_names.c.answer_key).where(llm_call_names.c.call_id == row.id)
    keys = {place: key for place, key in connection.execute(query) if place in answers}
    if not keys:
        return
    known = set(
        connection.execute(sa.select(llm_answers.c.key).where(llm_answers.c.key.in_(list(keys.values())))).scalars()
    )
    rows = [
        {
            "key": key, "origin": answers[place].origin and str(answers[place].origin), "band": answers[place].band,
            "language": answers[place].language, "provider": row.provider, "model": row.model,
            "prompt_hash": row.prompt_hash, "call_id": row.id, "at": now,
        }
        for place, key in keys.items()
        if key not in known
    ]  # fmt: skip
    if rows:
        connection.execute(llm_answers.insert(), rows)
