"""What was spent, read from the ledger. Books nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from leadscout_assets.database.engine import Database
from leadscout_assets.database.models import llm_call_batches, llm_calls, llm_outcomes
from leadscout_assets.llm.admitting import day_and_month
from leadscout_assets.llm.answered import Why
from leadscout_assets.llm.booked import Caps
from leadscout_assets.llm.ledger import OPEN_STATES
from leadscout_assets.llm.prices import dollars
from leadscout_assets.terms import TIME_ZONE


@dataclass(frozen=True)
class Spent:
    """One line of the spend: what it is of, calls, names in them, tokens as counted, US dollars booked, and of these in doubt."""

    of: str
    calls: int
    names: int
    tokens_in: int
    tokens_out: int
    usd: float
    in_doubt_usd: float
    decided: int | None = None
    usd_per_decided: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the line as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Spend:
    """All that was booked, in several ways; each adds up to the same."""

    total: Spent
    days: Sequence[Spent]
    batches: Sequence[Spent]
    providers: Sequence[Spent]
    models: Sequence[Spent]
    left_usd: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return all lines as plain values."""
        ways = {
            name: [line.to_json() for line in getattr(self, name)]
            for name in ("days", "batches", "providers", "models")
        }
        return {"total": self.total.to_json(), **ways, "left_usd": dict(self.left_usd)}


def calls_since(database: Database, since: datetime) -> tuple[int, int, int]:
    """Return of the calls made since a moment: how many are over, how many of them failed, and how many were too many."""
    late = (
        (llm_calls.c.at >= since)
        & (llm_calls.c.kind != "job")
        & llm_calls.c.state.in_(("settled", "released", "in_doubt"))
    )
    query = sa.select(llm_calls.c.state, llm_calls.c.outcome, sa.func.count().label("calls")).where(late)
    with database.read() as connection:
        rows = connection.execute(query.group_by(llm_calls.c.state, llm_calls.c.outcome)).all()
    # One that was never sent, its run being over, says nothing about the service.
    sent = [row for row in rows if row.outcome not in Why.UNSENT]
    failed = sum(row.calls for row in sent if row.state != "settled")
    return sum(row.calls for row in sent), failed, sum(row.calls for row in sent if row.outcome == "rate_limited")


def left_of(database: Database, caps: Caps, now: datetime) -> dict[str, int]:
    """Return what today and this month have left of their caps, billionths of a dollar; below 0 where a cap was lowered."""
    left = {}
    with database.read() as connection:
        for name, cap, start in zip(("day", "month"), (caps.day, caps.month), day_and_month(now), strict=True):
            booked = connection.execute(sa.select(sa.func.sum(llm_calls.c.booked_nano)).where(llm_calls.c.at >= start))
            left[name] = cap - int(booked.scalar() or 0)
    return left


def spend(database: Database, caps: Caps, now: datetime) -> Spend:
    """Return all that was ever booked, by day, batch, provider and model, and what today and this month have left."""
    calls = llm_calls.c
    query = sa.select(
        calls.id, calls.at, calls.provider, calls.model, calls.state, calls.names, calls.booked_nano, calls.tokens_in,
        calls.tokens_out,
    )  # fmt: skip
    with database.read() as connection:
        rows = [row._asdict() for row in connection.execute(query.order_by(calls.at))]
        decided = {row.batch_id: row.decided for row in connection.execute(sa.select(llm_outcomes))}
        shares = connection.execute(sa.select(llm_call_batches)).all()
    by_id = {row["id"]: row for row in rows}
    of_batches = [
        {
            **by_id[s.call_id],
            "batch": s.batch_id,
            "names": s.names,
            "booked_nano": s.booked_nano,
            **_share_of_tokens(by_id[s.call_id], s.names),
        }
        for s in shares
    ]
    return Spend(
        total=_line("all", rows, sum(decided.values()) if decided else None),
        days=_lines(rows, lambda row: row["at"].astimezone(TIME_ZONE).date().isoformat()),
        batches=_lines(of_batches, lambda row: row["batch"], decided),
        providers=_lines(rows, lambda row: row["provider"]),
        models=_lines(rows, lambda row: f"{row['provider']}/{row['model']}"),
        left_usd={name: dollars(max(nano, 0)) for name, nano in left_of(database, caps, now).items()},
    )


def _share_of_tokens(row: Mapping[str, Any], names: int) -> dict[str, int]:
    return {key: (row[key] or 0) * names // row["names"] for key in ("tokens_in", "tokens_out")}


def _lines(rows: Sequence[dict[str, Any]], of: Any, decided: Mapping[str, int] | None = None) -> list[Spent]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(of(row), []).append(row)
    return [_line(name, some, (decided or {}).get(name)) for name, some in groups.items()]


def _line(of: str, rows: Sequence[dict[str, Any]], decided: int | None) -> Spent:
    booked = sum(row["booked_nano"] for row in rows)
    doubtful = sum(row["booked_nano"] for row in rows if row["state"] in (*OPEN_STATES, "written_off"))
    return Spent(
        of=of,
        calls=len(rows),
        names=sum(row["names"] for row in rows),
        tokens_in=sum(row["tokens_in"] or 0 for row in rows),
        tokens_out=sum(row["tokens_out"] or 0 for row in rows),
        usd=dollars(booked),
        in_doubt_usd=dollars(doubtful),
        decided=decided,
        usd_per_decided=dollars(booked) / decided if decided else None,
    )
