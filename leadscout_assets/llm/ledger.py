"""The spend ledger: what a call may cost is booked before it is sent, and what it did cost after. The only writer of its tables.

Each method is one transaction, and one process at a time reserves: no two can both take what is left below a cap.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from leadscout_assets.database.engine import Database
from leadscout_assets.database.models import (
    llm_answers,
    llm_call_batches,
    llm_call_names,
    llm_calls,
    llm_outcomes,
    llm_providers,
)
from leadscout_assets.errors import BadInput
from leadscout_assets.llm.prices import Estimate, Price
from leadscout_assets.llm.schema import Item
from leadscout_assets.terms import TIME_ZONE, Origin

_LOCK = 0x1EAD5C0A
"""Key of the PostgreSQL advisory lock under which one process books while the others wait."""

FAILURES_UNTIL_OPEN = 3
"""Failures in a row after which a provider is left alone."""

PROBE_EVERY = timedelta(seconds=60)
"""How often a provider that is left alone is tried again, by one process: its probes cost at most one call a minute."""

MINUTE = timedelta(seconds=60)

OPEN_STATES = ("reserved", "in_doubt")
"""Calls of which nobody knows whether they were answered: booked at their worst case, and their names are not sent again."""

AT_ONCE = 500


@dataclass(frozen=True)
class Caps:
    """The most that may be booked, billionths of a dollar. `requests` and `tokens` are per minute and provider."""

    call: int
    batch: int
    day: int
    month: int
    requests: int
    tokens: int


@dataclass(frozen=True)
class Wanted:
    """A call as it is about to be made. `names`: for each its question key, answer key and the batch that it is booked to."""

    provider: str
    model: str
    price: Price
    most: Estimate
    names: Sequence[tuple[str, str, str]]
    prompt_hash: str
    kind: str = "call"

    @property
    def most_nano(self) -> int:
        """The most that it can cost."""
        return self.price.cost(self.most.tokens_in, self.most.tokens_out)


@dataclass(frozen=True)
class Reserved:
    """A call that is booked, and may be made."""

    id: str


@dataclass(frozen=True)
class Denied:
    """A call that must not be made, and the code of the reason."""

    code: str


@dataclass(frozen=True)
class Wait:
    """A call that may be made in so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Used:
    """What a call took, as the vendor counted; None where it did not say. `seconds` of wall time."""

    tokens_in: int | None
    tokens_out: int | None
    seconds: float


class Ledger:
    """The part of the application database that language models are booked in."""

    def __init__(self, database: Database, caps: Caps) -> None:
        self.database, self.caps = database, caps

    def reserve(self, wanted: Wanted, now: datetime) -> Reserved | Denied | Wait:
        """Book the worst case of a call, where every cap, the rates and the breaker admit it. After this it may be sent."""
        if wanted.most_nano > self.caps.call:
            return Denied("over_cap_per_call")
        with self.alone() as connection:
            if isinstance(held := _held(connection, wanted.provider, now), Denied):
                return held
            pace = _pace(connection, wanted, self.caps, now)
            wait = max(held.seconds if held else 0.0, pace)
            if wait > 0:
                return Wait(wait)
            if denied := over_a_cap(connection, wanted, self.caps, now):
                return denied
            _note_probe(connection, wanted.provider, now)
            return Reserved(book(connection, wanted, now))

    def settle(
        self, call: str, price: Price, used: Used, answers: Mapping[int, Item], outcome: str, now: datetime
    ) -> int:
        """Book what a call did cost and store its answers, by index; return what is booked for it, billionths of a dollar.

        Where the vendor did not say how many tokens it counted, the worst case stays booked.
        """
        with self.alone() as connection:
            row = connection.execute(sa.select(llm_calls).where(llm_calls.c.id == call)).one()
            if row.state not in OPEN_STATES:
                return int(row.booked_nano)
            known = used.tokens_in is not None and used.tokens_out is not None
            booked = price.cost(used.tokens_in or 0, used.tokens_out or 0) if known else row.most_nano
            close(connection, call, "settled", outcome, booked, used)
            _store(connection, row, answers, now)
            _well(connection, row.provider)
            return int(booked)

    def release(
        self,
        call: str,
        outcome: str,
        seconds: float,
        now: datetime,
        *,
        retry_after: float | None = None,
        counts: bool = True,
    ) -> None:
        """Book nothing for a call that the vendor did not charge: it was never sent, or was turned down.

        `counts`: whether that speaks against the provider.
        """
        with self.alone() as connection:
            close(connection, call, "released", outcome, 0, Used(None, None, seconds))
            _failed(
                connection,
                _provider_of(connection, call),
                now,
                retry_after,
                counts=counts and outcome != "rate_limited",
            )

    def doubt(self, call: str, outcome: str, seconds: float, now: datetime) -> None:
        """Leave a call booked at its worst case: whether it was answered, nobody here can know."""
        with self.alone() as connection:
            close(connection, call, "in_doubt", outcome, None, Used(None, None, seconds))
            _failed(connection, _provider_of(connection, call), now, None, counts=True)

    def answers(self, keys: Collection[str]) -> dict[str, Item]:
        """Return the stored answers, by answer key."""
        found: dict[str, Item] = {}
        columns = (llm_answers.c.key, llm_answers.c.origin, llm_answers.c.band, llm_answers.c.language)
        with self.database.read() as connection:
            for some in _pieces(keys):
                for key, origin, band, language in connection.execute(
                    sa.select(*columns).where(llm_answers.c.key.in_(some))
                ):
                    found[key] = Item(Origin(origin) if origin else None, band, language)
        return found

    def unknown(self, questions: Collection[str]) -> set[str]:
        """Return those questions that are in a call of which nobody knows whether it was answered."""
        found: set[str] = set()
        joined = llm_call_names.join(llm_calls, llm_calls.c.id == llm_call_names.c.call_id)
        with self.database.read() as connection:
            for some in _pieces(questions):
                query = sa.select(llm_call_names.c.question).select_from(joined)
                query = query.where(llm_call_names.c.question.in_(some), llm_calls.c.state.in_(OPEN_STATES))
                found.update(connection.execute(query).scalars())
        return found

    def write_off(self, batches: Collection[str], before: datetime) -> int:
        """Let the names of calls in doubt be sent again, and return how many calls these are. They stay booked.

        `before`: calls that were reserved later may still be under way.
        """
        of_batches = sa.select(llm_call_batches.c.call_id).where(llm_call_batches.c.batch_id.in_(list(batches)))
        doubtful = llm_calls.c.state.in_(OPEN_STATES) & (llm_calls.c.kind == "call") & llm_calls.c.id.in_(of_batches)
        with self.alone() as connection:
            old = (llm_calls.c.state == "in_doubt") | (llm_calls.c.at < before)
            return connection.execute(llm_calls.update().where(doubtful & old).values(state="written_off")).rowcount

    def reconcile(self, provider: str, billed: int) -> int:
        """Book for a provider's calls in doubt what its bill has beyond all others; return what is left booked for them.

        `billed`: all that it ever charged, billionths of a dollar. Raises `BadInput` where that cannot be.
        """
        mine = llm_calls.c.provider == provider
        doubtful = mine & llm_calls.c.state.in_(("in_doubt", "written_off"))
        with self.alone() as connection:
            under_way = connection.execute(
                sa.select(llm_calls.c.id).where(mine, llm_calls.c.state == "reserved")
            ).first()
            known = sa.select(sa.func.sum(llm_calls.c.booked_nano)).where(
                mine, llm_calls.c.state.in_(("settled", "reconciled"))
            )
            rest = billed - int(connection.execute(known).scalar() or 0)
            calls = connection.execute(sa.select(llm_calls.c.id, llm_calls.c.most_nano).where(doubtful)).all()
            if under_way or not 0 <= rest <= sum(call.most_nano for call in calls):
                raise BadInput(
                    "the bill does not fit: it must be all that this provider ever charged, with no call under way "
                    "(a killed process's call: backfill --retry-in-doubt first)"
                )
            left = rest
            for call in calls:
                part = min(left, call.most_nano)
                left -= part
                close(connection, call.id, "reconciled", "by_the_bill", part, Used(None, None, 0.0))
            return rest

    def note_outcomes(self, outcomes: Mapping[str, tuple[int, int, int, Mapping[str, int]]], now: datetime) -> None:
        """Note what became of the undecided names of each batch: names, decided, cached, and the rest by reason."""
        with self.alone() as connection:
            connection.execute(llm_outcomes.delete().where(llm_outcomes.c.batch_id.in_(list(outcomes))))
            rows = [
                {
                    "batch_id": batch,
                    "at": now,
                    "names": names,
                    "decided": decided,
                    "cached": cached,
                    "undecided": dict(why),
                }
                for batch, (names, decided, cached, why) in outcomes.items()
            ]
            if rows:
                connection.execute(llm_outcomes.insert(), rows)

    def alone(self) -> Any:
        """Open a transaction that no other process has at the same time."""
        return _Alone(self.database)


class _Alone:
    """A transaction that no other process has at the same time: on SQLite every one that writes is."""

    def __init__(self, database: Database) -> None:
        self._database, self._context = database, database.begin()

    def __enter__(self) -> sa.Connection:
        connection = self._context.__enter__()
        if not self._database.is_sqlite:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        return connection

    def __exit__(self, *ended: Any) -> bool | None:
        return self._context.__exit__(*ended)


def _pieces(keys: Collection[str]) -> list[list[str]]:
    whole = list(keys)
    return [whole[at : at + AT_ONCE] for at in range(0, len(whole), AT_ONCE)]


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
    for batch, share in _shares(wanted, wanted.most_nano).items():
        of_batch = sa.select(sa.func.sum(llm_call_batches.c.booked_nano)).where(llm_call_batches.c.batch_id == batch)
        if int(connection.execute(of_batch).scalar() or 0) + share > caps.batch:
            return Denied("over_cap_per_batch")
    return None


def _shares(wanted: Wanted, booked: int) -> dict[str, int]:
    counts = _counts(wanted)
    return {batch: -(-booked * count // len(wanted.names)) for batch, count in counts.items()}


def _counts(wanted: Wanted) -> dict[str, int]:
    counts: dict[str, int] = {}
    for _, _, batch in wanted.names:
        counts[batch] = counts.get(batch, 0) + 1
    return counts


def _pace(connection: sa.Connection, wanted: Wanted, caps: Caps, now: datetime) -> float:
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
            return max(left, 0.01)
    return 0.0


def _provider(connection: sa.Connection, name: str) -> Any:
    return connection.execute(sa.select(llm_providers).where(llm_providers.c.name == name)).one_or_none()


def _held(connection: sa.Connection, name: str, now: datetime) -> Denied | Wait | None:
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


def _note_probe(connection: sa.Connection, name: str, now: datetime) -> None:
    row = _provider(connection, name)
    if row is not None and row.opened_at is not None:
        _set_provider(connection, name, probed_at=now)


def _failed(connection: sa.Connection, name: str, now: datetime, retry_after: float | None, *, counts: bool) -> None:
    row = _provider(connection, name)
    failures = (row.failures if row else 0) + int(counts)
    opened = row.opened_at if row else None
    values: dict[str, object] = {"failures": failures}
    if failures >= FAILURES_UNTIL_OPEN and opened is None:
        values["opened_at"] = now
    if retry_after is not None:
        values["hold_until"] = now + timedelta(seconds=retry_after)
    _set_provider(connection, name, **values)


def _well(connection: sa.Connection, name: str) -> None:
    row = _provider(connection, name)
    if row is not None and (row.failures or row.opened_at is not None):
        _set_provider(connection, name, failures=0, opened_at=None, probed_at=None)


def _provider_of(connection: sa.Connection, call: str) -> str:
    return str(connection.execute(sa.select(llm_calls.c.provider).where(llm_calls.c.id == call)).scalar_one())


def book(connection: sa.Connection, wanted: Wanted, now: datetime, *, job: str | None = None) -> str:
    """Write the intent of a call with its worst case, and return its id."""
    call = uuid.uuid4().hex
    row = {
        "id": call, "at": now, "provider": wanted.provider, "model": wanted.model, "kind": wanted.kind, "job_id": job,
        "state": "reserved", "names": len(wanted.names), "most_tokens": wanted.most.tokens, "most_nano": wanted.most_nano,
        "booked_nano": wanted.most_nano, "prompt_hash": wanted.prompt_hash,
    }  # fmt: skip
    connection.execute(llm_calls.insert().values(row))
    shares, counts = _shares(wanted, wanted.most_nano), _counts(wanted)
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


def _store(connection: sa.Connection, row: Any, answers: Mapping[int, Item], now: datetime) -> None:
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
