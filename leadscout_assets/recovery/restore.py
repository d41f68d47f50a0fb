"""Makes a home from a backup, and proves it: every file by its hash, every table and database by rows and digest.

Nothing counts before all of it is proven: until then the home grows beside its place.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from leadscout_assets.database.engine import is_postgres_url
from leadscout_assets.errors import AlreadyRunning, BadInput, BadSetting, DamagedBackup, EdgeFailed
from leadscout_assets.folders import make_private
from leadscout_assets.governance.ledger import ledger_beside_backups, ledger_of
from leadscout_assets.pace import told
from leadscout_assets.progress import current
from leadscout_assets.recovery import postgres, sqlite, table_versions
from leadscout_assets.recovery.content import Content
from leadscout_assets.recovery.manifest import DatabaseEntry, Manifest, TableEntry
from leadscout_assets.recovery.repository import Repository
from leadscout_assets.settings import Settings

AFTER_RESTORE: tuple[Callable[[Path], None], ...] = ()
"""Steps that are done in the restored home before anything serves it, each given its folder: what was decided after the
backup was taken and must hold all the same. What a step raises ends the restore, and no home is there."""

Fill = Callable[[DatabaseEntry, Path], dict[str, int] | None]
"""(database, its dump) -> the rows of its tables once it is filled; None where the dump was only read."""


@dataclass(frozen=True)
class Compared:
    """One table or database after the restore, against the backup. `rows` is None where a dump was only read."""

    name: str
    kind: str
    version: str
    rows_backed_up: int
    rows: int | None
    equal: bool


@dataclass(frozen=True)
class Restored:
    """What was restored and how it compares."""

    backup_id: str
    taken_at: datetime
    files: int
    size_bytes: int
    seconds: float
    compared: tuple[Compared, ...]

    def to_json(self) -> dict[str, object]:
        """Return everything as plain values."""
        return asdict(self) | {"taken_at": self.taken_at.isoformat()}

    @property
    def sentence(self) -> str:
        """What was proven, in one sentence."""
        tables = [one for one in self.compared if one.kind == "table"]
        only_read = [one.name for one in self.compared if one.rows is None]
        others = [one.name for one in self.compared if one.kind != "table"]
        return (
            f"{self.files:,} files, {len(tables)} tables with {sum(one.rows or 0 for one in tables):,} rows and the "
            f"{' and '.join(others) or 'no'} database are as they were backed up"
        ) + (f"; the dump of {', '.join(only_read)} was read, not restored" if only_read else "")


def fill_from(settings: Settings) -> Fill:
    """Return how a restore fills PostgreSQL databases: those that the settings name, which must be empty."""

    def fill(entry: DatabaseEntry, dump: Path) -> dict[str, int]:
        return postgres.load(dump, _url_of(settings, entry))

    return fill


def check_targets(manifest: Manifest, settings: Settings) -> None:
    """Raise `BadSetting` where the settings name no database of the kind that the backup holds."""
    for entry in manifest.databases:
        if entry.kind == "postgresql":
            _url_of(settings, entry)
        elif is_postgres_url(settings.database):
            raise BadSetting("LEADSCOUT_DATABASE_URL names PostgreSQL, but the backup holds SQLite; restore without it")


def restore(
    repository: Repository,
    manifest: Manifest,
    target: Path,
    fill: Fill,
    *,
    durable: bool = True,
    after: Callable[[Path], None] | None = None,
) -> Restored:
    """Restore a backup to `target`, which must not exist or be empty, and return how it compares.

    Raises `BadInput` where `target` is in use or the backup is of a newer version, `DamagedBackup` naming what is
    damaged; then nothing is at `target`. `durable`: forced to the disk before it counts. The home gets the ledger of decisions
    about persons as it is beside the backups today, however old the backup is, and `after` is given its folder to hold it to that.
    """
    started = time.perf_counter()
    _refuse(repository, manifest, target)
    progress = current("bytes")
    # Every byte is written once and read once.
    progress.expect(2 * manifest.size_bytes)
    with _growing(target) as folder:
        progress.stage("files", 0.5)
        for file in manifest.files:
            place = folder / file.path
            make_private(place.parent)
            repository.copy_out(file, place)
            progress.advance(file.size)
        progress.stage("databases", 0.7)
        compared = [_compare_database(entry, folder, fill) for entry in manifest.databases]
        shutil.rmtree(folder / "dumps", ignore_errors=True)
        progress.stage("tables")
        compared += [
            _compare_table(entry, folder / "tables" / entry.name)
            for entry in told(manifest.tables, len(manifest.tables), progress.tell)
        ]
        if wrong := [one for one in compared if not one.equal]:
            raise DamagedBackup(f"what was restored is not what was backed up: {'; '.join(map(_difference, wrong))}")
        ledger_of(folder).merge(ledger_beside_backups(repository.root))
        _take_newer_keys(repository, folder)
        for step in (*AFTER_RESTORE, *filter(None, [after])):
            step(folder)
        if durable:
            _force(folder)
    return Restored(
        backup_id=manifest.backup_id,
        taken_at=manifest.taken_at.astimezone(UTC),
        files=len(manifest.files),
        size_bytes=manifest.size_bytes,
        seconds=round(time.perf_counter() - started, 2),
        compared=tuple(compared),
    )


def _take_newer_keys(repository: Repository, folder: Path) -> None:
    """Take the keys that were made since: under them is hashed what the ledger holds by now."""
    try:
        newest = repository.newest()
    except DamagedBackup:
        return
    for file in newest.files if newest else ():
        place = folder / file.path
        if file.path.startswith("keys/") and not place.exists():
            make_private(place.parent)
            repository.copy_out(file, place)


def _url_of(settings: Settings, entry: DatabaseEntry) -> str:
    named = {"application": "database_url", "dagster": "dagster_database_url"}[entry.name]
    secret = getattr(settings, named)
    if secret is None or not is_postgres_url(secret.get_secret_value()):
        raise BadSetting(
            f"LEADSCOUT_{named.upper()}: the backup holds a PostgreSQL database; name an empty one to restore it into"
        )
    return postgres.with_password(secret.get_secret_value(), settings)


def _refuse(repository: Repository, manifest: Manifest, target: Path) -> None:
    from leadscout_assets.database.engine import HEAD

    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BadInput("the home to restore to is not empty; name a folder that is empty or not there yet")
    for entry in manifest.databases:
        if entry.name != "dagster" and entry.revision is not None and entry.revision > HEAD:
            raise BadInput("the backup was taken by a newer LeadScout; install that version to restore it")
    # Before anything is written: most damage shows in what is missing or cut.
    for file in manifest.files:
        if not repository.has(file.sha256, file.size):
            raise DamagedBackup(
                f"{file.path} is missing or cut in the backup (object {file.sha256}); restore another backup, and take "
                "a new one with --full"
            )


@contextmanager
def _growing(target: Path) -> Iterator[Path]:
    """Give a folder beside `target` that becomes it at the end of the block; what a killed restore left is removed."""
    import fcntl  # POSIX only, like the platform

    beside = target.with_name(f".{target.name}.restoring")
    try:
        make_private(beside)
        # The kernel drops the lock with its holder; one that is free is of a restore that was killed.
        lock = os.open(beside, os.O_RDONLY | os.O_CLOEXEC)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyRunning("another restore to this home is under way; wait for its end") from None
            home = beside / "home"
            try:
                _remove(home)
                make_private(home)
                yield home
                home.replace(target)
            finally:
                _remove(beside)
        finally:
            os.close(lock)
    except OSError as error:
        where = "; a mount point cannot be replaced, name a folder below it" if error.errno == errno.EBUSY else ""
        raise EdgeFailed(
            f"the home could not be restored: {error.strerror}{where}; check free space and permissions"
        ) from None


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _compare_database(entry: DatabaseEntry, folder: Path, fill: Fill) -> Compared:
    if entry.kind == "postgresql":
        rows = fill(entry, folder / entry.path)
    else:
        rows = sqlite.look_inside(folder / entry.path).rows
    return Compared(
        name=entry.name,
        kind=entry.kind,
        version=entry.revision or "-",
        rows_backed_up=sum(entry.rows.values()),
        rows=None if rows is None else sum(rows.values()),
        equal=rows is None or rows == dict(entry.rows),
    )


def _compare_table(entry: TableEntry, folder: Path) -> Compared:
    content = Content()
    try:
        with table_versions.reading(entry.name):
            for data in table_versions.data_files(folder, entry.version):
                content += data.content()
        equal = content == Content.read(entry.rows, entry.digest)
    except (EdgeFailed, FileNotFoundError):
        equal = False
    return Compared(entry.name, "table", str(entry.version), entry.rows, content.rows, equal)


def _difference(one: Compared) -> str:
    if one.rows != one.rows_backed_up:
        return f"{one.kind} {one.name} has {one.rows} rows instead of {one.rows_backed_up}"
    return f"{one.kind} {one.name} has its {one.rows} rows, but not the same ones"


def _force(folder: Path) -> None:
    """Force everything below a folder to the disk, once all of it is written."""
    for at, _, names in os.walk(folder):
        for path in [Path(at), *(Path(at) / name for name in names)]:
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
