"""What the alerts keep in the application database: states, occurrences, memory and the outbox. Decides nothing.

What one evaluation decided is stored in one transaction, and only if nobody else stored in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from leadscout_assets.alerts.engine import Key, State
from leadscout_assets.alerts.facts import CRITICAL, Group
from leadscout_assets.alerts.messages import Message
from leadscout_assets.alerts.occurrences import Occurrence, Subject
from leadscout_assets.database.engine import Database
from leadscout_assets.database.models import alert_memory, alert_notifications, alert_occurrences, alert_states
from leadscout_assets.errors import EdgeFailed

MEMORY = "engine"

AT_ONCE = 500
"""Rows per statement: SQLite admits some ten thousand values in one."""

KEPT = timedelta(days=30)
"""How long occurrences, and notifications that were sent or given up, are kept after their last change."""

CLAIM = timedelta(seconds=30)
"""How long a notification is one sender's; longer than any attempt takes. A killed sender's is free again after it."""


class SavedByAnother(EdgeFailed):
    """Another process stored what it decided in between: this decision is void, and the next one begins anew."""


@dataclass(frozen=True)
class Memory:
    """What the engine remembers between two evaluations, as plain values, and the version to store against."""

    value: Mapping[str, Any] = field(default_factory=dict)
    version: int = 0


@dataclass(frozen=True)
class Queued:
    """One message for one channel, waiting in the outbox. `attempts`: how often it was tried before."""

    number: int
    channel: str
    message: Message
    created_at: datetime
    attempts: int


class DatabaseStore:
    """The alerts' part of the application database."""

    def __init__(self, database: Database) -> None:
        """Open nothing yet."""
        self._database = database

    def memory(self) -> Memory:
        """Return what was remembered last."""
        with self._database.read() as connection:
            row = connection.execute(alert_memory.select().where(alert_memory.c.name == MEMORY)).first()
        return Memory() if row is None else Memory(row.value, row.version)

    def states(self) -> dict[Key, State]:
        """Return every state that is not over."""
        with self._database.read() as connection:
            found = [State(**row._mapping) for row in connection.execute(alert_states.select())]
        return {state.key: state for state in found}

    def occurrences(self, subjects: Iterable[Subject]) -> dict[Subject, Occurrence]:
        """Return the occurrences that these subjects have."""
        by_rule: dict[str, set[str]] = {}
        for rule, subject in subjects:
            by_rule.setdefault(rule, set()).add(subject)
        found: dict[Subject, Occurrence] = {}
        with self._database.read() as connection:
            for rule, wanted in by_rule.items():
                for some in _some(sorted(wanted)):
                    query = alert_occurrences.select().where(
                        alert_occurrences.c.rule == rule, alert_occurrences.c.subject.in_(some)
                    )
                    for row in connection.execute(query):
                        one = Occurrence(**row._mapping)
                        found[one.key] = one
        return found

    def groups(self, since: Mapping[str, datetime]) -> dict[str, list[Group]]:
        """Return what is open of each rule, by root, as far as its newest event happened after `since[rule]`."""
        table = alert_occurrences.c
        found: dict[str, list[Group]] = {}
        with self._database.read() as connection:
            for rule, after in since.items():
                is_open = sa.and_(table.rule == rule, table.level.is_not(None), table.at >= after)
                critical = sa.func.sum(sa.case((table.level == CRITICAL, 1), else_=0))
                counted = connection.execute(
                    sa.select(table.root, sa.func.count(), critical, sa.func.max(table.opened_id))
                    .where(is_open)
                    .group_by(table.root)
                ).all()
                for root, count, worst, newest in counted:
                    row = connection.execute(
                        sa.select(table.sentence, table.at)
                        .where(is_open, table.root == root, table.opened_id == newest)
                        .order_by(table.event_id.desc())
                        .limit(1)
                    ).one()
                    group = Group(root, int(count), int(worst), int(newest), row.at, row.sentence)
                    found.setdefault(rule, []).append(group)
        return found

    def forgotten(self, since: Mapping[str, datetime]) -> set[Key]:
        """Return under which rule and root something is open that `groups` leaves out because it is so old."""
        table = alert_occurrences.c
        oldest = sa.or_(*(sa.and_(table.rule == rule, table.at < after) for rule, after in since.items()))
        # The bound on the moment alone is what the index on it answers: what is young is not looked at.
        query = sa.select(table.rule, table.root).where(
            table.at < max(since.values()), table.level.is_not(None), oldest
        )
        with self._database.read() as connection:
            return {(row.rule, row.root) for row in connection.execute(query.distinct())}

    def save(
        self,
        memory: Memory,
        *,
        now: datetime,
        states: Sequence[State] = (),
        over: Sequence[Key] = (),
        occurrences: Sequence[Occurrence] = (),
        forgotten: Mapping[Key, datetime] = MappingProxyType({}),
        messages: Sequence[Message] = (),
        channels: Sequence[str] = (),
    ) -> Memory:
        """Store one evaluation whole; each message goes to the outbox of each channel. Returns the memory to go on with.

        forgotten: under which rule and root what is open since before a moment is removed.

        Raises `SavedByAnother` where somebody stored since `memory` was read, and then stores nothing.
        """
        after = replace(memory, version=memory.version + 1)
        with self._database.begin() as connection:
            self._remember(connection, memory, after)
            for some in _some(occurrences):
                self._upsert(connection, alert_occurrences, [vars(one) for one in some], ("rule", "subject"))
            for some in _some(states):
                self._upsert(connection, alert_states, [vars(one) for one in some], ("rule", "root"))
            for rule, root in over:
                connection.execute(
                    alert_states.delete().where(alert_states.c.rule == rule, alert_states.c.root == root)
                )
            table = alert_occurrences.c
            for (rule, root), before in forgotten.items():
                old = sa.and_(table.rule == rule, table.root == root, table.at < before, table.level.is_not(None))
                connection.execute(alert_occurrences.delete().where(old))
            rows = [
                {
                    "key": message.key,
                    "channel": channel,
                    "created_at": now,
                    "body": message.to_json(),
                    "attempts": 0,
                    "next_attempt_at": now,
                }
                for message in messages
                for channel in channels
            ]
            for some in _some(rows):
                # Decided before and stored already: the same news has the same key.
                connection.execute(self._insert(alert_notifications).values(some).on_conflict_do_nothing())
        return after

    def end_batch(self, batch: str) -> None:
        """Take what is open on a batch for over: it was taken out of everything, and no later run will mend it."""
        # Kept as a good event: the failure itself may be read again.
        about = alert_occurrences.c.subject.endswith(f":{batch}", autoescape=True)
        with self._database.begin() as connection:
            connection.execute(alert_occurrences.update().where(about).values(level=None))

    def begin_anew(self) -> None:
        """Forget what was read of an event log that is another one now: its numbers mean nothing any more."""
        with self._database.begin() as connection:
            connection.execute(alert_occurrences.delete())
            connection.execute(alert_states.update().values(told_mark=0))

    def claim(self, now: datetime, channels: Sequence[str], limit: int = 100) -> list[Queued]:
        """Take what is due, oldest first: for a while it is nobody else's, also if the taker is killed."""
        table = alert_notifications.c
        due = (
            sa.select(table.number)
            .where(table.next_attempt_at <= now, table.channel.in_(channels))
            .order_by(table.number)
            .limit(limit)
        )
        with self._database.begin() as connection:
            if not self._database.is_sqlite:
                due = due.with_for_update(skip_locked=True)
            numbers = list(connection.execute(due).scalars())
            if not numbers:
                return []
            taken = (
                alert_notifications.update()
                .where(table.number.in_(numbers))
                .values(next_attempt_at=now + CLAIM, attempts=table.attempts + 1)
                .returning(table.number, table.channel, table.body, table.created_at, table.attempts)
            )
            rows = connection.execute(taken).all()
        found = [
            Queued(row.number, row.channel, Message.from_json(row.body), row.created_at, row.attempts - 1)
            for row in rows
        ]
        return sorted(found, key=lambda one: one.number)

    def settle(self, number: int, *, sent_at: datetime | None, again_at: datetime | None, error: str | None) -> None:
        """Note how an attempt ended: sent, to be tried again, or neither, which gives it up."""
        values = {"sent_at": sent_at, "next_attempt_at": again_at, "error": error}
        with self._database.begin() as connection:
            connection.execute(
                alert_notifications.update()
                .where(alert_notifications.c.number == number, alert_notifications.c.sent_at.is_(None))
                .values(values)
            )

    def oldest_waiting(self, besides: str) -> datetime | None:
        """Return when the oldest notification that is still to be sent was made, those about the rule `besides` alone left out."""
        table = alert_notifications.c
        query = sa.select(table.created_at, table.body).where(table.next_attempt_at.is_not(None))
        with self._database.read() as connection:
            for row in connection.execute(query.order_by(table.number).limit(AT_ONCE)):
                if any(alert["rule"] != besides for alert in row.body["alerts"]):
                    return row.created_at  # type: ignore[no-any-return]
        return None

    def waiting(self) -> int:
        """Return how many notifications are still to be sent."""
        query = sa.select(sa.func.count()).where(alert_notifications.c.next_attempt_at.is_not(None))
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def failing(self) -> dict[str, tuple[int, str]]:
        """Return by channel how many notifications wait after an attempt that failed, and why the newest of those did."""
        table = alert_notifications.c
        query = sa.select(table.channel, table.error).where(
            table.next_attempt_at.is_not(None), table.error.is_not(None)
        )
        found: dict[str, tuple[int, str]] = {}
        with self._database.read() as connection:
            for channel, error in connection.execute(query.order_by(table.number)):
                found[channel] = (found.get(channel, (0, ""))[0] + 1, error)
        return found

    def outbox(self, limit: int = 20) -> list[dict[str, Any]]:
        """Return the newest notifications, newest first, as plain values."""
        table = alert_notifications.c
        with self._database.read() as connection:
            rows = connection.execute(alert_notifications.select().order_by(table.number.desc()).limit(limit)).all()
        return [
            {
                "channel": row.channel,
                "title": row.body["title"],
                "created_at": row.created_at,
                "sent_at": row.sent_at,
                "attempts": row.attempts,
                "error": row.error,
            }
            for row in rows
        ]

    def tidy(self, now: datetime, channels: Sequence[str]) -> None:
        """Remove what nobody asks for any more, and give up what waits for a channel that is not set up any more."""
        table = alert_notifications.c
        with self._database.begin() as connection:
            connection.execute(
                alert_notifications.update()
                .where(table.next_attempt_at.is_not(None), table.channel.not_in(channels))
                .values(next_attempt_at=None, error="the channel is not set up any more")
            )
            connection.execute(alert_occurrences.delete().where(alert_occurrences.c.at < now - KEPT))
            connection.execute(
                alert_notifications.delete().where(table.created_at < now - KEPT, table.next_attempt_at.is_(None))
            )

    def _remember(self, connection: sa.Connection, before: Memory, after: Memory) -> None:
        row = {"name": MEMORY, "value": dict(after.value), "version": after.version}
        if before.version == 0:
            change = self._insert(alert_memory).values(row).on_conflict_do_nothing()
        else:
            here = sa.and_(alert_memory.c.name == MEMORY, alert_memory.c.version == before.version)
            change = alert_memory.update().where(here).values(row)
        if connection.execute(change.returning(alert_memory.c.version)).first() is None:
            raise SavedByAnother(
                "another evaluation of the alerts was stored in between; the next one goes on from there"
            )

    def _upsert(
        self, connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], key: tuple[str, ...]
    ) -> None:
        insert = self._insert(table).values(list(rows))
        changed = {name: insert.excluded[name] for name in rows[0] if name not in key}
        connection.execute(insert.on_conflict_do_update(index_elements=list(key), set_=changed))

    def _insert(self, table: sa.Table) -> Any:
        return (sqlite if self._database.is_sqlite else postgresql).insert(table)


def _some(rows: Sequence[Any]) -> Iterable[Sequence[Any]]:
    for start in range(0, len(rows), AT_ONCE):
        yield rows[start : start + AT_ONCE]
