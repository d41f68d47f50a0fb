"""Rows of the audit trail as they lie in the table, those too that somebody changed until nobody can read them.

What an event means is `audit`'s, whether it fits the chain `audit_chain`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import sqlalchemy as sa

from leadscout_assets.database.audit_chain import Unreadable
from leadscout_assets.database.models import audit_events

Row = dict[str, object]

READ_AT_ONCE = 1_000

_KINDS: dict[str, type | tuple[type, ...]] = {
    "at": datetime,
    "actor": str,
    "action": str,
    "subject": (str, type(None)),
    "reason": (str, type(None)),
    "detail": dict,
    "hash": str,
}
"""SQLite keeps whatever is put into a column; this is what LeadScout puts there."""


def all_rows(connection: sa.Connection) -> Iterator[Row | Unreadable]:
    """Yield every event in order, some at a time: a trail may be longer than memory should hold."""
    after: int | None = None
    while True:
        query = audit_events.select().order_by(audit_events.c.id).limit(READ_AT_ONCE)
        found = rows(connection, query if after is None else query.where(audit_events.c.id > after))
        if not found:
            return
        yield from found
        after = id_of(found[-1])


def rows(connection: sa.Connection, query: sa.Select[tuple[object, ...]]) -> list[Row | Unreadable]:
    """Return what a query on the table finds, in its order. One row that cannot be read takes no other with it."""
    try:
        return _read(connection, query)
    except Exception as error:
        if not _is_of_a_row(error):
            raise
    ids = list(connection.scalars(query.with_only_columns(audit_events.c.id)))
    known = {id_of(one): one for one in _halved(connection, sorted(ids))}
    return [known[number] for number in ids]


def is_readable(row: Row) -> bool:
    """Say whether each value is of its kind, so that an event can be made of it."""
    return all(isinstance(row[name], kind) for name, kind in _KINDS.items())


def id_of(row: Row | Unreadable) -> int:
    """Return the id of an event, which can always be read."""
    return row.id if isinstance(row, Unreadable) else int(str(row["id"]))


def _halved(connection: sa.Connection, ids: Sequence[int]) -> list[Row | Unreadable]:
    """Read these events, in halves where not all can be read: who changed one event of many is found in a few looks."""
    try:
        return _read(connection, audit_events.select().where(audit_events.c.id.in_(ids)))
    except Exception as error:
        if not _is_of_a_row(error):
            raise
    if len(ids) == 1:
        return [Unreadable(ids[0])]
    middle = len(ids) // 2
    return [*_halved(connection, ids[:middle]), *_halved(connection, ids[middle:])]


def _read(connection: sa.Connection, query: sa.Select[tuple[object, ...]]) -> list[Row | Unreadable]:
    return [dict(row._mapping) for row in connection.execute(query)]


def _is_of_a_row(error: Exception) -> bool:
    """Tell what a row does, by what stands in it, from a database that does not answer."""
    if isinstance(error, sa.exc.OperationalError):
        return "decode" in str(error.orig)  # SQLite's word for text that is none
    return isinstance(error, ValueError | TypeError | ArithmeticError | RecursionError | sa.exc.DataError)
