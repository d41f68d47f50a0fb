"""The restore drill: restores the newest backup into a scratch home, proves it, remembers the proof, removes the home."""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

from leadscout_assets.errors import BadInput, DamagedBackup, EdgeFailed
from leadscout_assets.recovery import postgres
from leadscout_assets.recovery.manifest import DatabaseEntry
from leadscout_assets.recovery.proofs import Proof, remember
from leadscout_assets.recovery.repository import Repository
from leadscout_assets.recovery.restore import Fill, Restored, restore
from leadscout_assets.settings import Settings

SCRATCH = ".drill"
"""Below the folder of the backups: the disk that holds them has to hold one home more."""


def drill(settings: Settings, *, now: datetime | None = None) -> Proof:
    """Restore the newest backup, hold it against its manifest, and return what was found; damage is no exception here.

    Raises `AlreadyRunning` while another drill is under way, `EdgeFailed` where storage fails.
    """
    repository, started = Repository(settings.backups_dir), time.perf_counter()
    scratch = repository.root / SCRATCH
    with repository.drilling(), repository.reading():
        _clear(scratch)
        try:
            backup_id = (repository.ids() or [""])[-1]
            try:
                sentence, ok = _restored(repository, backup_id, scratch / "home", settings).sentence, True
            except (DamagedBackup, BadInput) as error:
                sentence, ok = str(error), False
        finally:
            _clear(scratch)
        proof = Proof(backup_id, now or datetime.now(UTC), ok, sentence, round(time.perf_counter() - started, 2))
        remember(repository, proof)
    return proof


def _restored(repository: Repository, backup_id: str, target: Path, settings: Settings) -> Restored:
    if not backup_id:
        raise BadInput("there is no backup to restore: leadscout backup")
    target.parent.mkdir(mode=0o700)
    return restore(repository, repository.read(backup_id), target, _fill_scratch(settings), durable=False)


def _fill_scratch(settings: Settings) -> Fill:
    """Return how the drill fills PostgreSQL databases: one after the other in its own, or not at all without one."""

    def fill(_: DatabaseEntry, dump: Path) -> dict[str, int] | None:
        if settings.drill_database_url is None:
            postgres.read_through(dump)
            return None
        url = postgres.with_password(settings.drill_database_url.get_secret_value(), settings)
        try:
            postgres.clear_for_drill(url)
        except EdgeFailed as error:
            # What the database says of itself names the setting of another one.
            raise EdgeFailed(
                f"the drill's own database, LEADSCOUT_DRILL_DATABASE_URL, cannot be used: {error}"
            ) from None
        try:
            return postgres.load(dump, url)
        finally:
            postgres.clear_for_drill(url)

    return fill


def _clear(scratch: Path) -> None:
    # Also what a drill that was killed left behind.
    if scratch.exists():
        shutil.rmtree(scratch)
