"""The two figures of recovery: the age of the newest backup, and of the last restore that was proven."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from leadscout_assets.errors import EdgeFailed
from leadscout_assets.recovery.proofs import last_proven
from leadscout_assets.recovery.repository import Repository
from leadscout_assets.runs.freshness import Freshness, backed_up, lies_ahead, restore_proven
from leadscout_assets.settings import Settings


@dataclass(frozen=True)
class Ages:
    """When the newest backup was taken and a restore last proven, None before the first, with the verdicts on both."""

    backup_at: datetime | None
    proven_at: datetime | None
    backup: Freshness
    restore: Freshness

    def to_json(self, now: datetime) -> dict[str, float | None]:
        """Return the two ages in hours, None before the first and where the clock was ahead of `now` then: an age nobody knows."""
        return {
            "backup_age_hours": _hours(now, self.backup_at),
            "proven_restore_age_hours": _hours(now, self.proven_at),
        }


def ages(settings: Settings, now: datetime) -> Ages:
    """Return the ages by the repository alone; the database is only asked where there is none yet. Raises `EdgeFailed`."""
    repository = Repository(settings.backups_dir)
    newest = repository.ids()[-1:]
    backup_at = repository.taken_at(newest[0]) if newest else None
    proof = last_proven(repository)
    proven_at = proof.at if proof else None
    since = _first_recorded(settings) if backup_at is None or proven_at is None else None
    return Ages(
        backup_at,
        proven_at,
        backed_up(now, backup_at, since, timedelta(hours=settings.max_backup_age_hours)),
        restore_proven(now, proven_at, since, timedelta(hours=settings.max_proven_restore_age_hours)),
    )


def _first_recorded(settings: Settings) -> datetime | None:
    """Return since when there is something to lose: when the first delivery was recorded, however old it was then."""
    from leadscout_assets.database.audit import first_event
    from leadscout_assets.database.deliveries import Deliveries
    from leadscout_assets.database.engine import current_revision, database_of

    database = database_of(settings)
    try:
        if not database.is_there or not current_revision(database):
            return None
        recorded = first_event(database, "delivery.recorded")
        return recorded.at if recorded else Deliveries(database).first_delivered_at()
    except EdgeFailed:
        # Asked for a fresh home only, and a database that fails has checks of its own.
        return None
    finally:
        database.close()


def _hours(now: datetime, at: datetime | None) -> float | None:
    return None if at is None or lies_ahead(now, at) else round((now - at).total_seconds() / 3_600, 2)
