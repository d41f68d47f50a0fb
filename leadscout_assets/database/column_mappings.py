"""Columns that people named for a sender's lists, kept so that the next list with the same header is read alike. Audited.

How a mapping is read, and used, belongs to leads/column_maps.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from leadscout_assets.database.audit import record_event
from leadscout_assets.database.engine import Database
from leadscout_assets.database.models import column_mappings
from leadscout_assets.errors import BadInput

LONGEST = 100
"""Characters of a sender's name."""


@dataclass(frozen=True)
class SavedMapping:
    """One mapping: for lists whose headers have the digest `header`, field by folded header; who saved it, and when (UTC)."""

    sender: str
    header: str
    columns: Mapping[str, str]
    at: datetime
    actor: str


def save_mapping(database: Database, sender: str, header: str, columns: Mapping[str, str], *, actor: str) -> None:
    """Keep a mapping. It replaces the sender's earlier one, and any for the same header: of two, none could be chosen.

    Raises `BadInput` for a name that is blank, too long or not printable.
    """
    if not sender.strip() or len(sender) > LONGEST or not sender.isprintable():
        raise BadInput(f"a sender needs a name of 1 to {LONGEST} printable characters")
    row = {
        "sender": sender,
        "header": header,
        "columns": dict(columns),
        "at": datetime.now(UTC),
        "actor": actor,
    }
    table = column_mappings
    record_event(database, actor=actor, action="mapping.saved", detail={"header": header, "columns": len(columns)})
    with database.begin() as connection:
        connection.execute(table.delete().where((table.c.sender == sender) | (table.c.header == header)))
        connection.execute(table.insert().values(row))


def all_mappings(database: Database) -> list[SavedMapping]:
    """Return every mapping, by sender."""
    with database.read() as connection:
        rows = connection.execute(sa.select(column_mappings).order_by(column_mappings.c.sender))
        return [SavedMapping(**row._mapping) for row in rows]


def remove_mapping(database: Database, sender: str, *, actor: str) -> None:
    """Remove a sender's mapping. Raises `BadInput` where there is none."""
    with database.begin() as connection:
        removed = connection.execute(column_mappings.delete().where(column_mappings.c.sender == sender)).rowcount
    if not removed:
        raise BadInput("no mapping is saved under that name; leadscout mappings lists the ones there are")
    record_event(database, actor=actor, action="mapping.removed")
