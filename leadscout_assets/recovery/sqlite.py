"""Copies of SQLite databases that are in use, and what stands in a copy. The originals are never opened as files.

Closing a file drops every lock that this process holds on it: read by hand, a database that Dagster has open here would
lose its locks. SQLite's own backup interface knows of its other connections.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from leadscout_assets.errors import EdgeFailed

ENDINGS = (".db", ".sqlite", ".sqlite3")
BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database; its content is in the copy."""

BUSY_SECONDS = 30

FIXES = {
    "SQLITE_FULL": "the disk of the backups is full; free space there, or name another in LEADSCOUT_BACKUP_DIR",
    "SQLITE_IOERR_WRITE": "the disk of the backups is full or fails; free space there, or check it",
    "SQLITE_IOERR_SHM": "the disk is full, or its file system has no shared memory; free space below the home",
    "SQLITE_BUSY": "another process holds the database for too long; end it and try again",
}
"""What to do, by the beginning of SQLite's error name. Only the copy is written to, beside the backups."""

FIX_OTHERWISE = "check its folder, and `leadscout doctor`"


@dataclass(frozen=True)
class Inside:
    """What a copy holds: the revision of its schema, None where it has none, and the rows of its tables."""

    revision: str | None
    rows: dict[str, int]


def is_database(path: Path) -> bool:
    """Say whether a file is a SQLite database, by its name. (The first of Dagster's event logs is called `.db`.)"""
    return path.name.endswith(ENDINGS)


def is_beside(path: Path) -> bool:
    """Say whether a file is SQLite's own, beside a database."""
    return path.name.endswith(tuple(ending + beside for ending in ENDINGS for beside in BESIDE))


def copy(source: Path, target: Path) -> None:
    """Copy a database at one moment, while others write to it, into an empty file, and check the copy.

    Raises `FileNotFoundError` where it is gone and `EdgeFailed` where it cannot be copied or is damaged.
    """
    if not source.exists():
        raise FileNotFoundError(source)
    with (
        _explained(source),
        closing(sqlite3.connect(_uri(source, "ro"), uri=True, timeout=BUSY_SECONDS)) as original,
        closing(sqlite3.connect(target)) as made,
    ):
        original.backup(made)
    with _explained(source), opened(target) as made:
        verdict = str(made.execute("PRAGMA quick_check(1)").fetchone()[0])
    if verdict != "ok":
        raise EdgeFailed(f"database {source.name} is damaged; restore it from a backup")


def look_inside(copy: Path) -> Inside:
    """Return what a copy holds. Raises `EdgeFailed` where it cannot be read."""
    with _explained(copy), opened(copy) as found:
        tables = found.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        names = sorted(str(name) for (name,) in tables)
        rows = {name: int(found.execute(_count(name)).fetchone()[0]) for name in names}
        revision = None
        if "alembic_version" in names:
            row = found.execute("SELECT version_num FROM alembic_version").fetchone()
            revision = str(row[0]) if row else None
    return Inside(revision, rows)


def _count(table: str) -> str:
    import sqlalchemy as sa

    # Names cannot be bound; SQLAlchemy knows how to quote them.
    return str(sa.select(sa.func.count()).select_from(sa.table(table)))


@contextmanager
def opened(copy: Path) -> Iterator[sqlite3.Connection]:
    """Open a copy that nobody writes to; nothing appears beside it."""
    with closing(sqlite3.connect(_uri(copy, "ro") + "&immutable=1", uri=True)) as connection:
        yield connection


def _uri(path: Path, mode: str) -> str:
    return f"file:{quote(str(path))}?mode={mode}"


@contextmanager
def _explained(source: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if not source.exists():
            # Deleted while we were at it, as Dagster deletes a run's events with the run.
            raise FileNotFoundError(source) from None
        code = getattr(error, "sqlite_errorname", type(error).__name__)
        fix = next((fix for start, fix in FIXES.items() if code.startswith(start)), FIX_OTHERWISE)
        raise EdgeFailed(f"database {source.name} cannot be copied or read ({code}); {fix}") from None
