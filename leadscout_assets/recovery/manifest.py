"""What a backup says of itself: every file, table and database with their digests. Reads and writes no file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from leadscout_assets.errors import BadInput, DamagedBackup

FORMAT = 1
"""Raised when an older version could no longer read what is written here."""


@dataclass(frozen=True)
class FileEntry:
    """One file of the home. `path` is below the home, with slashes; `sha256` and `size` (bytes) are of the content kept.

    `seen` is what the file system said of the original (size, time, inode, of a database also those of its log), by
    which the next backup knows it unchanged; None where it was too young to be sure.
    """

    path: str
    sha256: str
    size: int
    mode: int
    seen: tuple[int, ...] | None = None


@dataclass(frozen=True)
class TableEntry:
    """One Delta table at one version. `digest` is that of its rows in any order, `parts` the same per data file."""

    name: str
    version: int
    rows: int
    digest: str
    parts: Mapping[str, tuple[int, str]]


@dataclass(frozen=True)
class DatabaseEntry:
    """One database: `kind` is sqlite or postgresql, `path` where its copy or dump stands among the files.

    `revision` is that of its schema, None before the first; `rows` counts its tables.
    """

    name: str
    kind: str
    path: str
    revision: str | None
    rows: Mapping[str, int]


@dataclass(frozen=True)
class Manifest:
    """One backup. What it holds is at least as new as `taken_at`; `product` is the version of LeadScout that took it."""

    backup_id: str
    taken_at: datetime
    finished_at: datetime
    product: str
    files: tuple[FileEntry, ...]
    tables: tuple[TableEntry, ...]
    databases: tuple[DatabaseEntry, ...]

    @property
    def size_bytes(self) -> int:
        """Bytes that a restore writes."""
        return sum(file.size for file in self.files)

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables)

    def to_text(self) -> str:
        """Return the manifest as JSON with its own digest."""
        found = asdict(self) | {
            "taken_at": self.taken_at.isoformat(),
            "finished_at": self.finished_at.isoformat(),
        }
        return json.dumps({"format": FORMAT, "digest": _digest(found), "manifest": found}, sort_keys=True)

    @classmethod
    def from_text(cls, text: str, name: str) -> Manifest:
        """Read what `to_text` wrote; `name` is what an error calls it.

        Raises `DamagedBackup` where the text is not as it was written, `BadInput` where a newer version wrote it.
        """
        try:
            outer = json.loads(text)
            if outer["format"] > FORMAT:
                raise BadInput(f"backup {name} was taken by a newer LeadScout; install that version to restore it")
            found = outer["manifest"]
            if _digest(found) != outer["digest"]:
                raise ValueError
            return cls._from_plain(found)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise DamagedBackup(f"the manifest of backup {name} is damaged; restore another backup") from None

    @classmethod
    def _from_plain(cls, found: Mapping[str, Any]) -> Manifest:
        files = tuple(
            FileEntry(**file | {"seen": tuple(file["seen"]) if file["seen"] is not None else None})
            for file in found["files"]
        )
        if not all(_stays_inside(file.path) for file in files):
            raise ValueError
        return cls(
            backup_id=found["backup_id"],
            taken_at=datetime.fromisoformat(found["taken_at"]),
            finished_at=datetime.fromisoformat(found["finished_at"]),
            product=found["product"],
            files=files,
            tables=tuple(
                TableEntry(
                    **table | {"parts": {path: (rows, digest) for path, (rows, digest) in table["parts"].items()}}
                )
                for table in found["tables"]
            ),
            databases=tuple(DatabaseEntry(**database) for database in found["databases"]),
        )


def _digest(found: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def _stays_inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and ".." not in parts and not path.startswith("/") and "\0" not in path
