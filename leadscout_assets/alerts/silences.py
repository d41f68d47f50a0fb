"""Silences: a rule about which nobody is told for a while, with an end and a reason. Each is audited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from leadscout_assets.alerts.rules import by_name
from leadscout_assets.database.audit import record_event
from leadscout_assets.database.engine import Database
from leadscout_assets.database.models import silences
from leadscout_assets.errors import BadInput

LONGEST = timedelta(days=90)
"""What is to be quiet for longer is no silence but a rule to be changed: LEADSCOUT_ALERT_LEVELS."""


@dataclass(frozen=True)
class Silence:
    """One silence. `since` and `until` are UTC, the latter not included."""

    number: int
    rule: str
    since: datetime
    until: datetime
    reason: str
    actor: str


def silence(database: Database, rule: str, *, until: datetime, reason: str, actor: str, now: datetime) -> None:
    """Silence a rule from `now` until `until`. Raises `BadInput` for an unknown rule, no reason, or an end that is none."""
    _check_rule(rule)
    if not reason.strip():
        raise BadInput("no reason: say with --reason why nobody is to be told")
    if not now < until <= now + LONGEST:
        raise BadInput(f"the end of a silence lies ahead, at most {LONGEST.days} days")
    row = {"rule": rule, "since": now, "until": until, "reason": reason.strip(), "actor": actor}
    # Recorded first: a silence that nobody can account for would be worse than a record without one.
    record_event(
        database,
        actor=actor,
        action="alerts.silenced",
        reason=reason.strip(),
        detail={"rule": rule, "until": until.isoformat(timespec="seconds")},
        at=now,
    )
    with database.begin() as connection:
        connection.execute(silences.insert().values(row))


def end_silences(database: Database, rule: str, *, actor: str, now: datetime) -> int:
    """End the silences of a rule now; return how many there were. Raises `BadInput` for an unknown rule.

    Recorded only where there is one: the trail tells what was done, not what was typed.
    """
    _check_rule(rule)
    if not any(one.rule == rule for one in silences_at(database, now)):
        return 0
    record_event(database, actor=actor, action="alerts.silence_ended", detail={"rule": rule}, at=now)
    with database.begin() as connection:
        done = connection.execute(
            silences.update().where(silences.c.rule == rule, silences.c.until > now).values(until=now)
        )
    return int(done.rowcount)


def silences_at(database: Database, now: datetime) -> list[Silence]:
    """Return the silences in force at `now`, the one that ends first first."""
    query = silences.select().where(silences.c.since <= now, silences.c.until > now).order_by(silences.c.until)
    with database.read() as connection:
        return [Silence(**row._mapping) for row in connection.execute(query)]


def _check_rule(rule: str) -> None:
    if rule not in by_name():
        raise BadInput(f"there is no rule {rule}; leadscout alerts list --rules shows all")
