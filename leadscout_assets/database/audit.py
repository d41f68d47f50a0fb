"""The audit trail: who did what to which batch or lead, when and why. Events are added, chained and read, never changed.

An event holds ids, codes and counts, and a reason. The only writer of the trail; the chain is `audit_chain`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from leadscout_assets.contracts import BATCH_ID, LEAD_ID
from leadscout_assets.database.audit_chain import EMPTY, Head, Unreadable, Verified, follow, hash_of
from leadscout_assets.database.audit_rows import all_rows, is_readable, rows
from leadscout_assets.database.engine import Database
from leadscout_assets.database.models import audit_events
from leadscout_assets.errors import EdgeFailed
from leadscout_assets.processes import user

CODE = r"[a-z][a-z0-9_.-]{0,63}"
"""Actions, keys of details and codes in them: lower case, no spaces."""

_APPEND_LOCK = 0x1EAD5C08
"""Key of the PostgreSQL advisory lock under which one process appends while the others wait: a chain has one end."""

_HASH_OR_RUN = r"[0-9a-f-]{8,64}"
_MOMENT = r"\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d))?"

_SUBJECT = re.compile(f"(?:{BATCH_ID})|(?:{LEAD_ID})")
_DETAIL_TEXT = re.compile(f"(?:{CODE})|(?:{BATCH_ID})|(?:{_HASH_OR_RUN})|(?:{_MOMENT})")


@dataclass(frozen=True)
class AuditEvent:
    """One event. `id` counts up from 1; `at` is UTC; `subject` is a batch id or a lead id, or None."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str | None
    reason: str | None
    detail: dict[str, object]
    hash: str = field(default="", compare=False)


def record_event(
    database: Database,
    *,
    action: str,
    actor: str | None = None,
    subject: str | None = None,
    reason: str | None = None,
    detail: Mapping[str, object] | None = None,
    at: datetime | None = None,
) -> int:
    """Add one event to the end of the chain and return its id. Safe from any number of processes at once.

    `action` is one of `audit_kinds.KINDS`; `actor` the user of the machine (the default) or the part that acts; `reason`
    the purpose, or why a person did it; `detail` holds numbers, booleans, None, ids, codes and dates, also nested; `at`
    is now unless given. Raises `ValueError`, naming the field and not its value, where something else is given.
    """
    actor = user() if actor is None else actor
    if not re.fullmatch(CODE, action):
        raise ValueError("audit event: action is not a lower-case code")
    if not actor.strip():
        raise ValueError("audit event: actor is blank")
    if subject is not None and not _SUBJECT.fullmatch(subject):
        raise ValueError("audit event: subject is neither a batch id nor a lead id")
    _check_detail(detail or {}, "detail")
    values = {
        "at": at or datetime.now(UTC),
        "actor": actor,
        "action": action,
        "subject": subject,
        "reason": reason,
        "detail": detail or {},
    }
    with database.begin() as connection:
        if not database.is_sqlite:  # there the transaction holds the write lock already
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _APPEND_LOCK})
        before = _head(connection)
        chained = {**values, "id": before.id + 1, "prev_hash": before.hash}
        connection.execute(audit_events.insert().values({**chained, "hash": hash_of(chained)}))
        return before.id + 1


def head(database: Database) -> Head:
    """Return the end of the chain, for whoever keeps it elsewhere as an anchor."""
    with database.read() as connection:
        return _head(connection)


def verify(database: Database, anchors: Iterable[Head] = ()) -> Verified:
    """Walk the whole trail and say where its chain first breaks, if it does; `anchors` as in `audit_chain.follow`."""
    with database.read() as connection:
        return follow(all_rows(connection), anchors)


def _head(connection: sa.Connection) -> Head:
    newest = sa.select(audit_events.c.id, audit_events.c.hash).order_by(audit_events.c.id.desc()).limit(1)
    row = connection.execute(newest).first()
    return EMPTY if row is None else Head(row.id, row.hash)


def events(
    database: Database,
    since: datetime | None = None,
    *,
    action: str | None = None,
    subject: str | None = None,
    limit: int | None = None,
) -> list[AuditEvent]:
    """Return the events from `since` on (inclusive), oldest first; with `limit` only the newest so many.

    Raises `EdgeFailed`, naming the event, where one of them was changed until it cannot be read.
    """
    found: list[AuditEvent] = []
    for one in all_events(database, since, action=action, subject=subject, limit=limit):
        if isinstance(one, Unreadable):
            raise EdgeFailed(
                f"event {one.id} of the audit trail cannot be read: it was changed; see leadscout audit verify"
            )
        found.append(one)
    return found


def all_events(
    database: Database,
    since: datetime | None = None,
    *,
    action: str | None = None,
    subject: str | None = None,
    limit: int | None = None,
) -> list[AuditEvent | Unreadable]:
    """Return the same events, and in their places those that cannot be read."""
    query = audit_events.select().order_by(audit_events.c.id.desc()).limit(limit)
    if since is not None:
        query = query.where(audit_events.c.at >= since)
    if action is not None:
        query = query.where(audit_events.c.action == action)
    if subject is not None:
        query = query.where(audit_events.c.subject == subject)
    return _found(database, query)[::-1]


def first_event(database: Database, action: str) -> AuditEvent | None:
    """Return the oldest event of a kind; None before the first, and where it was changed until it cannot be read."""
    oldest = audit_events.select().where(audit_events.c.action == action).order_by(audit_events.c.id).limit(1)
    return next((one for one in _found(database, oldest) if isinstance(one, AuditEvent)), None)


def _found(database: Database, query: sa.Select[Any]) -> list[AuditEvent | Unreadable]:
    with database.read() as connection:
        return [one if isinstance(one, Unreadable) else _event(one) for one in rows(connection, query)]


def _event(row: Mapping[str, Any]) -> AuditEvent | Unreadable:
    if not is_readable(dict(row)):
        return Unreadable(row["id"])
    return AuditEvent(**{name: value for name, value in row.items() if name != "prev_hash"})


def about(
    found: Sequence[AuditEvent], ids: Iterable[str], rows: Mapping[str, Collection[int]] | None = None
) -> list[AuditEvent]:
    """Return the events that name any of some ids, as their subject or anywhere in their detail, or one of some `rows`, by batch.

    One that names a single lead, or a row that became none, is about that alone, and about no other of its batch.
    """
    wanted, mine = frozenset(ids), rows or {}

    def concerned(event: AuditEvent) -> bool:
        if "lead_id" in event.detail:
            return event.detail["lead_id"] in wanted or event.detail.get("source_row") in mine.get(
                str(event.subject), ()
            )
        if event.subject is not None and re.fullmatch(LEAD_ID, event.subject):
            return event.subject in wanted or not wanted.isdisjoint(_texts(event.detail.get("persons")))
        return event.subject in wanted or not wanted.isdisjoint(_texts(event.detail))

    return [event for event in found if concerned(event)]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def _check_detail(value: object, place: str) -> None:
    """Refuse what could be a personal value: free text anywhere, and keys that are not codes."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"audit event: {place} is not a finite number")
    if value is None or isinstance(value, bool | int | float):
        return
    if isinstance(value, str):
        if not _DETAIL_TEXT.fullmatch(value):
            raise ValueError(f"audit event: {place} is neither an id nor a code")
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if not (isinstance(key, str) and _DETAIL_TEXT.fullmatch(key)):
                raise ValueError(f"audit event: a key in {place} is neither an id nor a code")
            _check_detail(inner, f"{place}.{key}")
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_detail(inner, f"an element of {place}")
    else:
        raise ValueError(f"audit event: {place} is of a type that cannot be stored")
