"""A restore that a person asks for: choose the backup, fill the databases of the settings, remember the proof."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from leadscout_assets.errors import BadInput, DamagedBackup
from leadscout_assets.recovery.backup import APPLICATION
from leadscout_assets.recovery.proofs import Proof, remember
from leadscout_assets.recovery.repository import Repository
from leadscout_assets.recovery.restore import Restored, check_targets, fill_from, restore
from leadscout_assets.runs.freshness import lies_ahead
from leadscout_assets.settings import Settings


def restore_by_hand(
    settings: Settings,
    source: Path,
    target: Path,
    backup_id: str | None,
    after: Callable[[Path], None] | None = None,
) -> Restored:
    """Restore a backup, the newest unless named, from a repository or a copy of one to an empty place; `after` as `restore` has it.

    Raises `BadInput` where there is no such backup, where it cannot be told which is the newest, or the place is in use;
    `DamagedBackup` naming what is damaged.
    """
    repository = Repository(source)
    ids = repository.ids()
    if not ids:
        raise BadInput("there is no backup in this folder; it must hold `manifests` and `objects`")
    chosen = backup_id or _newest(repository, ids)
    with repository.reading():
        manifest = repository.read(chosen)
        check_targets(manifest, settings)
        try:
            restored = restore(repository, manifest, target, fill_from(settings), after=after)
        except DamagedBackup as error:
            _remember(repository, chosen, ok=False, sentence=str(error), seconds=0.0)
            raise
        _remember(repository, chosen, ok=True, sentence=restored.sentence, seconds=restored.seconds)
    for entry in manifest.databases:
        if entry.name == APPLICATION:
            # SQLite was restored below the target, wherever the settings have theirs.
            url = None if entry.kind == "sqlite" else settings.database_url
            _record(settings.model_copy(update={"home": target, "database_url": url}), manifest.taken_at)
    return restored


def _newest(repository: Repository, ids: Sequence[str]) -> str:
    # What was taken next by a version that went by the clock alone has an earlier id.
    if len(ids) > 1 and lies_ahead(datetime.now(UTC), repository.taken_at(ids[-1])):
        raise BadInput(
            f"the backup with the latest date, {ids[-1]}, is dated ahead of the clock, and may not be the one taken last: "
            f"see that the clock is right, or name one with --backup; the one before it is {ids[-2]}"
        )
    return ids[-1]


def _record(restored: Settings, taken_at: datetime) -> None:
    """Tell the restored audit trail, and anchor it anew: heads from after the backup are not its own."""
    from leadscout_assets.database.audit import record_event
    from leadscout_assets.database.engine import database_of, upgrade
    from leadscout_assets.governance.anchors import RESTORED, anchor

    database = database_of(restored)
    try:
        upgrade(database)
        record_event(database, action="home.restored", detail={"backed_up": taken_at.astimezone(UTC).isoformat()})
        anchor(restored, database, why=RESTORED)
    finally:
        database.close()


def _remember(repository: Repository, backup_id: str, *, ok: bool, sentence: str, seconds: float) -> None:
    # A copy elsewhere may be read-only, which takes nothing from the restore.
    if os.access(repository.root, os.W_OK):
        remember(repository, Proof(backup_id, datetime.now(UTC), ok, sentence, seconds))
