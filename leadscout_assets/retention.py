"""What the home keeps for how long, apart from Dagster's history: progress files, log files, old versions of tables.

Each function says what is there to be removed, and removes it when told to. Dagster's part is `defs/history_pruning`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from leadscout_assets.settings import Settings

if TYPE_CHECKING:
    from leadscout_assets.home import Home


@dataclass(frozen=True)
class Pruned:
    """What there was to remove of one kind: how many, of how many bytes (None where not known), and for how long it is kept."""

    kind: str
    count: int
    size_bytes: int | None
    kept_days: float

    def to_json(self) -> dict[str, object]:
        """Return plain values."""
        return {"kind": self.kind, "count": self.count, "bytes": self.size_bytes, "kept_days": self.kept_days}


def utc_now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


def prune_files(settings: Settings, now: datetime, *, apply: bool) -> list[Pruned]:
    """Remove, with `apply`, the progress files of operations that ended long ago, and log files of days long past."""
    return [
        _removed("progress files", _old_progress(settings, now), settings.keep_progress_days, apply=apply),
        _removed("log files", _old_logs(settings, now), settings.log_keep_days, apply=apply),
    ]


def prune_tables(home: Home, *, apply: bool) -> Pruned:
    """Remove, with `apply`, the files of tables that no version within `LEADSCOUT_UNDO_DAYS` needs, and compact the tables."""
    from leadscout_assets.lead_tables import KNOWN_TABLES, LEAD_TABLES
    from leadscout_assets.runs.history import RUN_PERFORMANCE

    keep = timedelta(days=home.settings.undo_days)
    count = 0
    for table in (*LEAD_TABLES, *KNOWN_TABLES, RUN_PERFORMANCE):
        if apply:
            done = home.tables.maintain(table, keep)
            count += done.removed if done else 0
        else:
            count += home.tables.obsolete_files(table, keep)
    return Pruned("files of old table versions", count, None, home.settings.undo_days)


def _old_progress(settings: Settings, now: datetime) -> Sequence[Path]:
    from leadscout_assets.progress.files import ended_files

    before = (now - timedelta(days=settings.keep_progress_days)).timestamp()
    return [path for path in ended_files(settings.progress_dir) if _changed_at(path) < before]


def _old_logs(settings: Settings, now: datetime) -> Sequence[Path]:
    from leadscout_assets.logs.files import outdated

    return outdated(settings.logs_dir, now, settings.log_keep_days)


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        # Gone meanwhile: nothing to remove.
        return float("inf")


def _removed(kind: str, paths: Sequence[Path], kept_days: float, *, apply: bool) -> Pruned:
    size = 0
    for path in paths:
        try:
            size += path.stat().st_size
        except FileNotFoundError:
            continue
        if apply:
            path.unlink(missing_ok=True)
    return Pruned(kind, len(paths), size, kept_days)
