"""Whether a call may be made now: the caps, the pace of the last minute, and how its provider fares. Books nothing itself.

Every function is called within a transaction that no other process has at the same time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from leadscout_assets.database.models import llm_call_batches, llm_calls, llm_providers
from leadscout_assets.llm.booked import Caps, Denied, Wait, Wanted, shares_of
from leadscout_assets.terms import TIME_ZONE

FAILURES_UNTIL_OPEN = 3
"""Failures in a row after which a provider is left alone."""

PROBE_EVERY = timedelta(seconds=60)
"""How often a provider that is left alone is tried again, by one process: its probes cost at most one call a minute."""

MINUTE = timedelta(seconds=60)


def day_and_month(now: datetime) -> tuple[datetime, datetime]:
    """Return when the day and the month of a moment began, by South African time."""
    day = now.astimezone(TIME_ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    return day, day.replace(day=1)


def over_a_cap(connection: sa.Connection, wanted: Wanted, caps: Caps, now: datetime) -> Denied | None:
    """Return which cap a call would break, or None."""
    for start, cap, code in zip(day_and_month(now), (caps.day, caps.month), ("day", "month"), strict=True):
        booked = connection.execute(
            sa.select(sa.func.sum(llm_calls.c.booked_nano)).where(llm_calls.c.at >= start)
        ).scalar()
        if int(booked or 0) + wanted.most_nano > cap:
            return Denied(f"over_cap_per_{code}")
    for batch, share in shares_of(wanted, wanted.most_nano).items():
        of_batch = sa.select(sa.func.sum(llm_call_batches.c.booked_nano)).where(llm_call_batches.c.batch_id == batch)
        if int(connection.execute(of_batch).scalar() or 0) + share > caps.batch:
            return Denied("over_cap_per_batch")
    return None


def pace(connection: sa.Connection, wanted: Wanted, caps: Caps, now: datetime) -> float:
    """Return the seconds until the rates of the last minute admit the call; 0 for now."""
    recent = (llm_calls.c.provider == wanted.provider) & (llm_calls.c.at > now - MINUTE) & (llm_calls.c.kind != "job")
    query = sa.select(llm_calls.c.at, llm_calls.c.most_tokens).where(recent).order_by(llm_calls.c.at)
    calls = [(row.at, int(row.most_tokens)) for row in connection.execute(query)]
    requests, tokens = len(calls), sum(count for _, count in calls)
    for at, count in calls:
        if requests < caps.requests and tokens + wanted.most.tokens <= caps.tokens:
            break
        requests, tokens = requests - 1, tokens - count
        left = (at + MINUTE - now).total_seconds()
        if requests < caps.requests and (tokens + wanted.most.tokens <= caps.tokens or not requests):
            return float(max(left, 0.01))
    return 0.0


def _provider(connection: sa.Connection, name: str) -> Any:
    return connection.execute(sa.select(llm_providers).where(llm_providers.c.name == name)).one_or_none()


def held(connection: sa.Connection, name: str, now: datetime) -> Denied | Wait | None:
    """Return whether a provider is left alone, or wants to be; None where it may be asked."""
    row = _provider(connection, name)
    if row is None:
        return None
    if row.opened_at is not None and now - (row.probed_at or row.opened_at) < PROBE_EVERY:
        return Denied("provider_down")
    if row.hold_until is not None and row.hold_until > now:
        return Wait((row.hold_until - now).total_seconds())
    return None


def _set_provider(connection: sa.Connection, name: str, **values: object) -> None:
    changed = connection.execute(llm_providers.update().where(llm_providers.c.name == name).values(**values))
    if not changed.rowcount:
        connection.execute(llm_providers.insert().values(**{"name": name, "failures": 0, **values}))


def note_probe(connection: sa.Connection, name: str, now: datetime) -> bool:
    """Note that a provider is tried, where it is left alone otherwise; return whether it is."""
    row = _provider(connection, name)
    probes = row is not None and row.opened_at is not None
    if probes:
        _set_provider(connection, name, probed_at=now)
    return probes


def failed(connection: sa.Connection, name: str, now: datetime, retry_after: float | None, *, counts: bool) -> None:
    """Note a failure, which may make the provider be left alone, and when it wants to be asked again."""
    row = _provider(connection, name)
    failures = (row.failures if row else 0) + int(counts)
    opened = row.opened_at if row else None
    values: dict[str, object] = {"failures": failures}
    if failures >= FAILURES_UNTIL_OPEN and opened is None:
        values["opened_at"] = now
    if retry_after is not None:
        values["hold_until"] = now + timedelta(seconds=retry_after)
    _set_provider(connection, name, **values)


def well(connection: sa.Connection, name: str) -> None:
    """Note that a provider answers."""
    row = _provider(connection, name)
    if row is not None and (row.failures or row.opened_at is not None):
        _set_provider(connection, name, failures=0, opened_at=None, probed_at=None)
