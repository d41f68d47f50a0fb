"""Undos: begun with what was there, finished when nothing of it is left to do. Taking a batch out is undoing.py's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from leadscout_assets.database.engine import Database
from leadscout_assets.database.models import undos


@dataclass(frozen=True)
class UndoRecord:
    """One undo. `finished_at` is None while anything of it is still to be done; times are UTC."""

    number: int
    batch_id: str
    actor: str
    reason: str | None
    begun_at: datetime
    finished_at: datetime | None
    figures: Mapping[str, Any]


def newest_undo(database: Database, batch_id: str) -> UndoRecord | None:
    """Return the batch's newest undo, None where it was never undone."""
    query = undos.select().where(undos.c.batch_id == batch_id).order_by(undos.c.number.desc()).limit(1)
    with database.read() as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else UndoRecord(**row._mapping)


def begin_undo(
    database: Database, batch_id: str, figures: Mapping[str, Any], *, actor: str, reason: str | None, at: datetime
) -> None:
    """Note that an undo begins, and what is there."""
    row = {"batch_id": batch_id, "actor": actor, "reason": reason, "begun_at": at, "figures": dict(figures)}
    with database.begin() as connection:
        connection.execute(undos.insert().values(row))


def finish_undo(database: Database, number: int, at: datetime) -> None:
    """Note that nothing of an undo is left to do."""
    with database.begin() as connection:
        connection.execute(sa.update(undos).where(undos.c.number == number).values(finished_at=at))
