"""Takes a backup of a home that is in use. The order of the steps is the promise: a restore never claims more than it has.

Databases first, since they say what is done; then the tables at one moment; then everything else.
"""

from __future__ import annotations

import importlib.metadata
import os
import time
from collections.abc import Collection, Iterator, Set
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from leadscout_assets.database.engine import is_postgres_url
from leadscout_assets.errors import BadInput, DamagedBackup, EdgeFailed, LostData
from leadscout_assets.governance.ledger import ledger_beside_backups, ledger_of
from leadscout_assets.progress import current
from leadscout_assets.recovery import postgres, sqlite, table_versions
from leadscout_assets.recovery.losses import Losses, check_whole, losses, records
from leadscout_assets.recovery.manifest import DatabaseEntry, Manifest, TableEntry
from leadscout_assets.recovery.originals import Originals
from leadscout_assets.recovery.proofs import last_proven, proofs
from leadscout_assets.recovery.repository import Repository
from leadscout_assets.settings import Settings

NOT_KEPT = frozenset({"inbox", "logs", "background", "exports", "leadscout.pid"})
"""At the top of the home: what was delivered lies in `deliveries`, what was exported can be again, and the rest belongs to the processes of this moment."""

OF_THIS_PLACE = frozenset({"workspace.yaml", ".opening", ".logs_queue"})
"""Dagster's files that each start makes anew, with paths of this machine in them."""

HIDDEN_KEPT = frozenset({".storage-made", ".db"})
"""Hidden files are unfinished ones, but for these two of Dagster's instance."""

APPLICATION, DAGSTER = "application", "dagster"
"""The databases, as a manifest names them."""

FIRST = "history/runs.db"
"""Which runs have succeeded; before the events that say what they have made."""

Identity = tuple[int, int]
"""Device and inode: the same folder, by whatever path."""

TABLE_ATTEMPTS = 3
"""A vacuum may take a file away under us; the version that is newest then has all of its files."""


@dataclass(frozen=True)
class BackupTaken:
    """What a backup holds, and what of it had to be written. Bytes, seconds. `lost`: what it should hold and does not."""

    backup_id: str
    folder: str
    files: int
    size_bytes: int
    new_files: int
    new_bytes: int
    rows: int
    tables: int
    removed_backups: int
    seconds: float
    lost: Losses = field(default_factory=Losses)

    def insist_on_all(self) -> None:
        """Raise `LostData` where the backup lacks what the home should have."""
        if self.lost.sentence:
            raise LostData(self.lost.sentence)

    def to_json(self) -> dict[str, object]:
        """Return the figures as plain values."""
        return asdict(self)


def take_backup(
    settings: Settings, *, to: Path | None = None, full: bool = False, now: datetime | None = None
) -> BackupTaken:
    """Back up the home while the platform goes on, and remove the oldest backups above `backups_kept`; none where something is lost.

    With `full`, or when the last restore failed, everything is read again and damaged contents are written anew.
    Raises `AlreadyRunning` while another backup is under way, `BadInput` where there is no home, `LostData` where it lacks
    its database or key, `EdgeFailed` where storage fails; then no new backup is there.
    """
    home, repository = settings.home, Repository((to or settings.backups_dir).resolve())
    if not home.is_dir():
        raise BadInput("there is nothing to back up: LEADSCOUT_HOME names no folder")
    if home == repository.root or home.is_relative_to(repository.root):
        raise BadInput("the folder of the backups must not hold the home; name another")
    started = time.perf_counter()
    with _reading_home():
        check_whole(settings)
    with repository.exclusive(), _reading_home():
        known = records(settings)
        taken_at = now or datetime.now(UTC)
        distrust = full or _last_restore_failed(repository)
        originals = Originals(home, repository, _known(repository), distrust=distrust)
        progress = current("bytes")
        progress.expect(_size_of(home, {repository.root, settings.backups_dir.resolve()}))
        progress.stage("databases")
        databases = [*_application(settings, originals, repository), *_dagster(settings, originals, repository)]
        progress.stage("tables")
        tables = _tables(settings.tables_dir, originals)
        progress.stage("files")
        _rest(home, {repository.root, settings.backups_dir.resolve()}, originals)
        manifest = Manifest(
            backup_id=repository.next_id(taken_at),
            taken_at=taken_at,
            finished_at=max(datetime.now(UTC), taken_at),
            product=importlib.metadata.version("leadscout"),
            files=tuple(originals.files[path] for path in sorted(originals.files)),
            tables=tuple(tables),
            databases=tuple(databases),
        )
        progress.stage("reading back")
        _check_written(repository, manifest, originals)
        repository.write(manifest)
        ledger_beside_backups(repository.root).merge(ledger_of(home))
        lost = losses(settings, known, originals.files)
        proven = last_proven(repository)
        needed = {manifest.backup_id} | ({proven.backup_id} if proven else set())
        # What is missing here may be in any of the older ones.
        removed = 0 if lost.sentence else repository.prune(settings.backups_kept, needed)
    return BackupTaken(
        backup_id=manifest.backup_id,
        folder=str(repository.root),
        files=len(manifest.files),
        size_bytes=manifest.size_bytes,
        new_files=len(originals.written),
        new_bytes=sum(originals.written.values()),
        rows=manifest.rows,
        tables=len(tables),
        removed_backups=removed,
        seconds=round(time.perf_counter() - started, 2),
        lost=lost,
    )


def _size_of(home: Path, repositories: Collection[Path]) -> int:
    """Return the bytes below the home that a backup has to look at, roughly: it changes meanwhile."""
    size = 0
    for path in _files(home, _identities(repositories)):
        with suppress(OSError):
            size += path.stat().st_size
    return size


def _known(repository: Repository) -> Manifest | None:
    try:
        return repository.newest()
    except (BadInput, DamagedBackup):
        # Its knowledge only saves reading; the drill tells of the damage.
        return None


def _last_restore_failed(repository: Repository) -> bool:
    found = proofs(repository)
    return bool(found) and not found[-1].ok


def _application(settings: Settings, originals: Originals, repository: Repository) -> Iterator[DatabaseEntry]:
    if is_postgres_url(settings.database):
        yield _dumped(APPLICATION, postgres.with_password(settings.database, settings), originals, repository)
        return
    from sqlalchemy.engine import make_url

    path = Path(str(make_url(settings.database).database))
    if path.exists():
        yield originals.take_database(path.resolve(), APPLICATION, "database/leadscout.sqlite")


def _dagster(settings: Settings, originals: Originals, repository: Repository) -> Iterator[DatabaseEntry]:
    if settings.dagster_database_url is not None:
        yield _dumped(
            DAGSTER,
            postgres.with_password(settings.dagster_database_url.get_secret_value(), settings),
            originals,
            repository,
        )
    first = settings.dagster_dir / FIRST
    if first.exists():
        originals.take(first)
    for path in _files(settings.dagster_dir):
        if path != first and path.name not in OF_THIS_PLACE:
            originals.take(path)


def _dumped(name: str, url: str, originals: Originals, repository: Repository) -> DatabaseEntry:
    place = f"dumps/{name}.dump"
    with repository.new_file() as written:
        found = postgres.dump(url, written)
        originals.take_dump(written, place)
    return DatabaseEntry(name, "postgresql", place, found.revision, found.rows)


def _tables(root: Path, originals: Originals) -> list[TableEntry]:
    for path in (root, *root.glob("*")):
        _check_link(path)
    for _ in range(TABLE_ATTEMPTS):
        originals.forget(root)
        try:
            versions = table_versions.one_moment(root)
            return [originals.take_table(root / name, version) for name, version in sorted(versions.items())]
        except FileNotFoundError:
            continue
    raise EdgeFailed("a table lacks files of its newest version; see `leadscout doctor`")


def _rest(home: Path, repositories: Collection[Path], originals: Originals) -> None:
    """Take what has no place of its own above: also folders that a later version adds, unless it is told otherwise."""
    apart, never = {"tables", "dagster", *NOT_KEPT}, _identities([home, *repositories])
    for top in sorted(home.iterdir()):
        if top.name in apart or top.name.startswith(".") or top in repositories:
            continue
        for path in [top] if top.is_file() else _files(top, never):
            if path.relative_to(home).as_posix() not in originals.files:
                originals.take(path)


def _files(folder: Path, never: Set[Identity] = frozenset()) -> Iterator[Path]:
    """Give the finished files below a folder, in order, also those that lie elsewhere and are linked to.

    `never`: what is not entered, the repositories and what this folder lies in: a link may lead back there.
    """
    _check_link(folder)
    try:
        own = _identity(folder)
        found = sorted(folder / entry.name for entry in os.scandir(folder) if _is_finished(entry.name))
    except FileNotFoundError:
        # Gone meanwhile. Whatever else keeps a folder from being listed must not leave it out without a word.
        return
    if own in never:
        return
    for path in found:
        if path.is_file():
            if not sqlite.is_beside(path):
                yield path
        elif path.is_dir() or path.is_symlink():
            yield from _files(path, never | {own})


def _check_link(path: Path) -> None:
    if path.is_symlink() and not path.exists():
        raise EdgeFailed(
            f"{path.name} is a link that leads nowhere; mount the disk that it leads to, or remove it. There is no new backup"
        )


def _is_finished(name: str) -> bool:
    return not name.startswith(".") or name in HIDDEN_KEPT


def _identity(folder: Path) -> Identity:
    status = folder.stat()
    return status.st_dev, status.st_ino


def _identities(folders: Collection[Path]) -> frozenset[Identity]:
    return frozenset(_identity(folder) for folder in folders if folder.exists())


@contextmanager
def _reading_home() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EdgeFailed(
            f"the home cannot be read: {error.strerror}; check its permissions and its disk. There is no new backup"
        ) from None


def _check_written(repository: Repository, manifest: Manifest, originals: Originals) -> None:
    """Read back what this backup wrote: a disk that loses writes must be known before the backup is needed."""
    for file in manifest.files:
        if file.sha256 in originals.written and not repository.check(file.sha256, file.size):
            raise EdgeFailed(
                f"{file.path} was not stored as it was read; check the disk of LEADSCOUT_BACKUP_DIR. There is no new backup"
            )
