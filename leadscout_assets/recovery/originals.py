"""Takes files, databases and tables of a living home into a repository, and remembers what need not be read again.

In which order, and what belongs to a backup, is decided in `backup`.
"""

from __future__ import annotations

import stat
import time
from pathlib import Path

from leadscout_assets.progress import current
from leadscout_assets.recovery import sqlite, table_versions
from leadscout_assets.recovery.content import Content
from leadscout_assets.recovery.manifest import DatabaseEntry, FileEntry, Manifest, TableEntry
from leadscout_assets.recovery.repository import Repository, Stored

YOUNG_SECONDS = 2.0
"""A file changed less than this long ago could change again within the same tick of the file system's clock."""

OWNER = 0o700
"""A restored file is its owner's alone."""


class Originals:
    """The files taken so far, by path, and the contents that were new to the repository, with their sizes in bytes."""

    def __init__(self, home: Path, repository: Repository, before: Manifest | None, *, distrust: bool) -> None:
        """`before` is the backup whose knowledge is used; `distrust` reads everything again, in home and repository."""
        self.files: dict[str, FileEntry] = {}
        self.written: dict[str, int] = {}
        self._home = home
        self._repository = repository
        self._distrust = distrust
        trusted = None if distrust else before
        self._known = {file.path: file for file in trusted.files} if trusted else {}
        self._parts = {table.name: table.parts for table in trusted.tables} if trusted else {}
        self._unread: set[str] = set()

    def take(self, path: Path) -> bool:
        """Take one file as it is, or a SQLite database as it was at one moment; say whether it was still there."""
        name = path.relative_to(self._home).as_posix()
        try:
            self._take(path, name, database=sqlite.is_database(path))
        except FileNotFoundError:
            return False
        return True

    def take_database(self, path: Path, name: str, place: str) -> DatabaseEntry:
        """Take a SQLite database, wherever it lies, to be restored at `place`, where the platform looks for it."""
        self._take(path, place, database=True)
        found = sqlite.look_inside(self._repository.object_path(self.files[place].sha256))
        return DatabaseEntry(name, "sqlite", place, found.revision, found.rows)

    def take_dump(self, written: Path, place: str) -> None:
        """Take a dump that was written into one of the repository's new files."""
        self._note(place, self._repository.adopt(written, distrust=self._distrust), 0o600, None)

    def take_table(self, folder: Path, version: int) -> TableEntry:
        """Take one version of a table, and the digest of its rows. Raises `FileNotFoundError` where a file of it is gone."""
        inside = folder.relative_to(self._home).as_posix()
        parts: dict[str, tuple[int, str]] = {}
        whole = Content()
        for data in table_versions.data_files(folder, version):
            place = f"{inside}/{data.path}"
            self._take(folder / data.path, place, database=False)
            known = self._parts.get(folder.name, {}).get(data.path) if place in self._unread else None
            with table_versions.reading(folder.name):
                content = Content.read(*known) if known else data.content()
            parts[data.path] = (content.rows, content.digest)
            whole += content
        for name in table_versions.log_files(folder, version):
            self._take(folder / name, f"{inside}/{name}", database=False)
        return TableEntry(folder.name, version, whole.rows, whole.digest, parts)

    def forget(self, folder: Path) -> None:
        """Leave out what was taken below a folder, to take it again."""
        inside = folder.relative_to(self._home).as_posix() + "/"
        self.files = {path: file for path, file in self.files.items() if not path.startswith(inside)}

    def _take(self, path: Path, place: str, *, database: bool) -> None:
        seen, mode = _seen(path, database=database)
        known = self._known.get(place)
        if known and seen == known.seen and self._repository.has(known.sha256, known.size):
            self.files[place] = known
            self._unread.add(place)
            current("bytes").advance(known.size)
            return
        if database:
            with self._repository.new_file() as temporary:
                sqlite.copy(path, temporary)
                stored = self._repository.adopt(temporary, distrust=self._distrust)
        else:
            stored = self._repository.put(path, distrust=self._distrust)
        self._note(place, stored, mode, seen)

    def _note(self, place: str, stored: Stored, mode: int, seen: tuple[int, ...] | None) -> None:
        self.files[place] = FileEntry(place, stored.sha256, stored.size, mode, seen)
        current("bytes").advance(stored.size)
        if stored.new:
            self.written[stored.sha256] = stored.size


def _seen(path: Path, *, database: bool) -> tuple[tuple[int, ...] | None, int]:
    """Return by what a file is known unchanged the next time, None where it is too young to tell, and its mode."""
    status = path.stat()
    seen = [status.st_size, status.st_mtime_ns, status.st_ino]
    newest = status.st_mtime
    if database:
        # What was committed last stands in the log beside it.
        log = path.with_name(path.name + "-wal")
        beside = log.stat() if log.exists() else None
        seen += [beside.st_size, beside.st_mtime_ns] if beside and beside.st_size else [0, 0]
        newest = max(newest, beside.st_mtime) if beside and beside.st_size else newest
    return (tuple(seen) if newest < time.time() - YOUNG_SECONDS else None), stat.S_IMODE(status.st_mode) & OWNER
