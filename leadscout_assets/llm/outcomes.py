"""What became of the names of batches, and what the calls about them took, read from the ledger. Books nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from leadscout_assets.database.engine import Database
from leadscout_assets.database.models import llm_call_batches, llm_call_names, llm_calls, llm_outcomes
from leadscout_assets.llm.answered import Why
from leadscout_assets.llm.prices import dollars
from leadscout_assets.names.outcome import CallFigures, ModelOutcome, quantile

AT_ONCE = 500

_MADE = sa.func.coalesce(llm_calls.c.outcome, "").not_in(Why.UNSENT)
"""Of what was booked: what was sent. The rest was given up first, its run being over."""


def outcomes_of(database: Database, batches: Sequence[str]) -> dict[str, ModelOutcome]:
    """Return what became of the names of some batches; those that were never asked about are left out."""
    found: dict[str, ModelOutcome] = {}
    for at in range(0, len(batches), AT_ONCE):
        found |= _outcomes(database, list(batches[at : at + AT_ONCE]))
    return found


def _outcomes(database: Database, batches: list[str]) -> dict[str, ModelOutcome]:
    with database.read() as connection:
        outcomes = connection.execute(sa.select(llm_outcomes).where(llm_outcomes.c.batch_id.in_(batches))).all()
        if not outcomes:
            return {}
        calls = connection.execute(_calls_of(batches)).all()
        again = {tuple(row) for row in connection.execute(_repeated(batches))}
    by_batch: dict[str, list[sa.Row[Any]]] = {batch: [] for batch in batches}
    for call in calls:
        by_batch[call.batch_id].append(call)
    return {
        row.batch_id: ModelOutcome(
            row.names,
            row.decided,
            row.cached,
            row.undecided,
            dollars(sum(int(call.booked_nano) for call in by_batch[row.batch_id])),
            _figures(by_batch[row.batch_id], sum(batch == row.batch_id for batch, _ in again)),
        )
        for row in outcomes
    }


def _calls_of(batches: list[str]) -> sa.Select[Any]:
    shares, calls = llm_call_batches.c, llm_calls.c
    columns = (
        shares.batch_id, shares.booked_nano, shares.names.label("mine"), calls.names, calls.kind, calls.outcome,
        calls.tokens_in, calls.tokens_out, calls.seconds,
    )  # fmt: skip
    joined = llm_call_batches.join(llm_calls, calls.id == shares.call_id)
    return sa.select(*columns).select_from(joined).where(shares.batch_id.in_(batches), _MADE)


def _repeated(batches: list[str]) -> sa.Select[Any]:
    """Select batch and call for each call about a name that an earlier call for the same batch was about."""
    earlier_batch, earlier_name, earlier = llm_call_batches.alias(), llm_call_names.alias(), llm_calls.alias()
    before = (
        sa.select(sa.literal(1))
        .select_from(
            earlier_name.join(earlier, earlier.c.id == earlier_name.c.call_id).join(
                earlier_batch, earlier_batch.c.call_id == earlier.c.id
            )
        )
        .where(
            earlier_name.c.question == llm_call_names.c.question,
            earlier_batch.c.batch_id == llm_call_batches.c.batch_id,
            earlier.c.at < llm_calls.c.at,
        )
    )
    joined = llm_call_batches.join(llm_calls, llm_calls.c.id == llm_call_batches.c.call_id).join(
        llm_call_names, llm_call_names.c.call_id == llm_calls.c.id
    )
    chosen = sa.select(llm_call_batches.c.batch_id, llm_calls.c.id).select_from(joined).distinct()
    return chosen.where(llm_call_batches.c.batch_id.in_(batches), _MADE, before.exists())


def _figures(calls: Sequence[sa.Row[Any]], retries: int) -> CallFigures:
    # A job's requests took as long as the vendor liked: that is no latency.
    seconds = [call.seconds for call in calls if call.kind != "job" and call.seconds is not None]
    return CallFigures(
        calls=len(calls),
        # A call may be about names of several batches: each bears its share.
        tokens_in=sum((call.tokens_in or 0) * call.mine // call.names for call in calls),
        tokens_out=sum((call.tokens_out or 0) * call.mine // call.names for call in calls),
        retries=retries,
        refusals=sum(call.outcome == Why.REFUSED for call in calls),
        p50_seconds=round(quantile(seconds, 0.5), 3),
        p95_seconds=round(quantile(seconds, 0.95), 3),
    )
