"""What people decided about performance: new normals that they accepted, runs that they marked as incidents. Audited.

Records and verdicts are not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from leadscout_assets.database.audit import record_event
from leadscout_assets.database.engine import Database
from leadscout_assets.database.models import accepted_baselines, incidents


@dataclass(frozen=True)
class Decision:
    """Who decided it, when (UTC) and why. `subject` is the asset with a new normal, or the run that was an incident."""

    subject: str
    at: datetime
    actor: str
    reason: str


def accept(database: Database, asset: str, *, actor: str, reason: str, at: datetime | None = None) -> Decision:
    """Make what an asset costs from `at` (now) on its new normal."""
    decided = Decision(asset, at or datetime.now(UTC), actor, reason)
    # Recorded first: a decision that counts and was not recorded would be worse than the reverse.
    record_event(database, actor=actor, action="performance.accepted", reason=reason, detail={"asset": asset})
    with database.begin() as connection:
        connection.execute(accepted_baselines.insert().values(asset=asset, at=decided.at, actor=actor, reason=reason))
    return decided


def accepted(database: Database) -> list[Decision]:
    """Return the new normals accepted so far, the newest last."""
    table = accepted_baselines
    query = sa.select(table.c.asset, table.c.at, table.c.actor, table.c.reason).order_by(table.c.at, table.c.id)
    with database.read() as connection:
        return [Decision(*row) for row in connection.execute(query)]


def mark_incident(database: Database, run_id: str, *, actor: str, reason: str) -> bool:
    """Keep a run out of all baselines; return False where it was marked before, and leave that as it was."""
    if any(decision.subject == run_id for decision in marked_incidents(database)):
        return False
    record_event(database, actor=actor, action="performance.incident", reason=reason, detail={"run_id": run_id})
    with database.begin() as connection:
        row = {"run_id": run_id, "at": datetime.now(UTC), "actor": actor, "reason": reason}
        connection.execute(incidents.insert().values(row))
    return True


def marked_incidents(database: Database) -> list[Decision]:
    """Return the runs marked as incidents, the newest last."""
    columns = (incidents.c.run_id, incidents.c.at, incidents.c.actor, incidents.c.reason)
    with database.read() as connection:
        return [Decision(*row) for row in connection.execute(sa.select(*columns).order_by(incidents.c.at))]
