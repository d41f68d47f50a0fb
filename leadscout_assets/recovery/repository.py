"""The folder that backups lie in: contents by their hash, one manifest per backup, and the locks. Knows no home.

objects/ab/<sha256>     a content, read-only, once for all backups
manifests/<id>.json     one backup; written last, so that what was interrupted does not count
proofs.json             what became of the latest restores
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from leadscout_assets.digests import sha256_of
from leadscout_assets.errors import AlreadyRunning, BadInput, DamagedBackup, EdgeFailed
from leadscout_assets.folders import make_private
from leadscout_assets.recovery.manifest import FileEntry, Manifest

BACKUP_ID = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{6}Z", re.ASCII)
ID = "%Y-%m-%dT%H-%M-%S.%fZ"
"""The moment of a backup, in UTC: what else lies among the manifests is none of ours. Ids stand in the order in which the
backups were taken, also where the clock was set back in between: then an id is later than its moment."""

TAKEN_AT = re.compile(rb'"taken_at": "([^"]{1,40})"')
TAIL_BYTES = 4_096
"""The moment itself is the last thing in a manifest, which may have megabytes."""

CHUNK = 1 << 20
NEW = ".new-"
OBJECT_MODE = 0o400
WRITING, READING, DRILLING = ".lock", ".reading", ".drilling"
"""Lock files: one backup at a time, no pruning under a reader, one drill at a time."""


@dataclass(frozen=True)
class Stored:
    """A content in the repository, and whether this call had to write it."""

    sha256: str
    size: int
    new: bool


class Repository:
    """Backups in one folder. Raises `EdgeFailed` where the folder cannot be read or written."""

    def __init__(self, root: Path) -> None:
        """Take the folder; it is made by the first backup."""
        self.root = root

    def object_path(self, sha256: str) -> Path:
        """Return where a content lies."""
        return self.root / "objects" / sha256[:2] / sha256

    def has(self, sha256: str, size: int) -> bool:
        """Say whether a content lies there in its full size; its bytes are not read."""
        try:
            return self.object_path(sha256).stat().st_size == size
        except FileNotFoundError:
            return False

    def put(self, source: Path, *, distrust: bool = False) -> Stored:
        """Store the content of a file. With `distrust`, one that is there is read, and written again where damaged."""
        # A source that is gone is the caller's affair, hence opened first.
        with source.open("rb") as incoming, self.new_file() as temporary:
            digest, size = hashlib.sha256(), 0
            with _on_disk("written"), temporary.open("wb") as copy:
                while chunk := incoming.read(CHUNK):
                    digest.update(chunk)
                    size += copy.write(chunk)
            return self._keep(temporary, digest.hexdigest(), size, distrust=distrust)

    def adopt(self, temporary: Path, *, distrust: bool = False) -> Stored:
        """Store a file that was written into `new_file`."""
        return self._keep(temporary, sha256_of(temporary), temporary.stat().st_size, distrust=distrust)

    @contextmanager
    def new_file(self) -> Iterator[Path]:
        """Give a temporary file below the repository, gone at the end of the block unless it was stored."""
        with _on_disk("written"):
            make_private(self.root)
            handle, name = tempfile.mkstemp(prefix=NEW, dir=self.root)
            os.close(handle)
        try:
            # What the block raises may be the original's fault, and is left as it is.
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def check(self, sha256: str, size: int) -> bool:
        """Read a content and say whether it is what its name says."""
        return self.has(sha256, size) and sha256_of(self.object_path(sha256)) == sha256

    def copy_out(self, entry: FileEntry, target: Path) -> None:
        """Write a file of a backup to `target`. Raises `DamagedBackup` naming it where it is not as it was stored."""
        damaged = DamagedBackup(
            f"{entry.path} is {{}} in the backup (object {entry.sha256}); restore another backup, and take a new one "
            "with --full"
        )
        digest = hashlib.sha256()
        try:
            stored = self.object_path(entry.sha256).open("rb")
        except FileNotFoundError:
            raise DamagedBackup(str(damaged).format("missing")) from None
        with stored, target.open("xb") as copy:
            while chunk := stored.read(CHUNK):
                digest.update(chunk)
                copy.write(chunk)
        if digest.hexdigest() != entry.sha256:
            raise DamagedBackup(str(damaged).format("damaged"))
        target.chmod(entry.mode)

    def ids(self) -> list[str]:
        """Return the ids of all backups, the oldest first."""
        return sorted(path.stem for path in (self.root / "manifests").glob("*.json") if moment_of(path.stem))

    def next_id(self, now: datetime) -> str:
        """Return the id of a backup that is taken now: later than every one that is there, whatever the clock says.

        For the holder of the lock. Raises `EdgeFailed` where an id leaves no room behind it.
        """
        newest = moment_of((self.ids() or [""])[-1])
        try:
            moment = now.astimezone(UTC) if newest is None else max(now, newest + timedelta(microseconds=1))
        except OverflowError:
            raise EdgeFailed(
                "the newest backup bears the last moment that there is, and none can follow it; rename its manifest"
            ) from None
        return moment.astimezone(UTC).strftime(ID)

    def taken_at(self, backup_id: str) -> datetime:
        """Return when a backup was taken, by the clock of then; by its id where the manifest does not say. Reads its end only."""
        by_id = moment_of(backup_id)
        if by_id is None:
            raise BadInput(f"{backup_id} is no backup's id")
        try:
            with self._manifest_path(backup_id).open("rb") as manifest:
                manifest.seek(max(0, manifest.seek(0, os.SEEK_END) - TAIL_BYTES))
                said = TAKEN_AT.findall(manifest.read())
            at = datetime.fromisoformat(said[-1].decode())
        except (OSError, ValueError, IndexError):
            # A damaged one is the drill's to tell of.
            return by_id
        return by_id if at.tzinfo is None else at

    def read(self, backup_id: str) -> Manifest:
        """Return a backup's manifest. Raises `BadInput` for an unknown one, `DamagedBackup` for a damaged one."""
        if backup_id not in self.ids():
            raise BadInput(f"there is no backup {backup_id}; there are: {', '.join(self.ids()) or 'none'}")
        with _on_disk("read"):
            text = self._manifest_path(backup_id).read_bytes().decode("utf-8", errors="replace")
        return Manifest.from_text(text, backup_id)

    def newest(self) -> Manifest | None:
        """Return the newest backup, None before the first. Raises `DamagedBackup`."""
        ids = self.ids()
        return self.read(ids[-1]) if ids else None

    def write(self, manifest: Manifest) -> None:
        """Make a backup count: its manifest is there whole or not at all."""
        self.write_text(self._manifest_path(manifest.backup_id), manifest.to_text())

    def write_text(self, path: Path, text: str) -> None:
        """Replace a file below the repository, atomically and for good."""
        with self.new_file() as temporary, _on_disk("written"):
            temporary.write_text(text, encoding="utf-8")
            _rename(temporary, path)

    def prune(self, keep: int, always: Iterable[str] = ()) -> int:
        """Remove all but the `keep` newest backups (1 or more) and those named, then contents that none needs; return how many backups went.

        For the holder of the lock. Waits for nobody: while something is being restored it is left to the next backup.
        """
        with self._lock(READING, exclusive=True) as alone:
            if not alone:
                return 0
            doomed = [one for one in self.ids()[:-keep] if one not in set(always)]
            for backup_id in doomed:
                self._manifest_path(backup_id).unlink()
            for left in self.root.glob(f"{NEW}*"):
                left.unlink(missing_ok=True)
            try:
                needed = {file.sha256 for one in self.ids() for file in self.read(one).files}
            except (BadInput, DamagedBackup):
                # What a manifest that cannot be read still needs, nobody knows.
                return len(doomed)
            for stored in (self.root / "objects").glob("*/*"):
                if stored.name not in needed:
                    stored.unlink()
            return len(doomed)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the repository for a backup while the block runs. Raises `AlreadyRunning`."""
        with self._lock(WRITING, exclusive=True) as held:
            if not held:
                raise AlreadyRunning("another backup into this folder is under way; wait for its end")
            yield

    @contextmanager
    def drilling(self) -> Iterator[None]:
        """Hold the scratch home while the block runs. Raises `AlreadyRunning`."""
        with self._lock(DRILLING, exclusive=True) as held:
            if not held:
                raise AlreadyRunning("another restore drill is under way; wait for its end")
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Keep what is there from being pruned while the block runs; a read-only copy of a repository needs no lock."""
        if not os.access(self.root, os.W_OK):
            yield
            return
        with self._lock(READING, exclusive=False, wait=True):
            yield

    @contextmanager
    def _lock(self, name: str, *, exclusive: bool, wait: bool = False) -> Iterator[bool]:
        import fcntl  # POSIX only, like the platform

        with _on_disk("locked"):
            make_private(self.root)
            # The kernel drops the lock with its holder, however that ended.
            descriptor = os.open(self.root / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
            try:
                fcntl.flock(descriptor, kind if wait else kind | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True
        finally:
            os.close(descriptor)

    def _manifest_path(self, backup_id: str) -> Path:
        return self.root / "manifests" / f"{backup_id}.json"

    def _keep(self, temporary: Path, sha256: str, size: int, *, distrust: bool) -> Stored:
        there: Callable[[str, int], bool] = self.check if distrust else self.has
        with _on_disk("written"):
            if there(sha256, size):
                return Stored(sha256, size, False)
            temporary.chmod(OBJECT_MODE)
            _rename(temporary, self.object_path(sha256))
        return Stored(sha256, size, True)


def moment_of(backup_id: str) -> datetime | None:
    """Return the moment that a backup's id names, None for what is no id."""
    if not BACKUP_ID.fullmatch(backup_id):
        return None
    try:
        return datetime.strptime(backup_id, ID).replace(tzinfo=UTC)
    except ValueError:
        return None


def _rename(temporary: Path, final: Path) -> None:
    """Move a file to its place so that it is there whole, whatever happens next."""
    make_private(final.parent)
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(final)
    folder = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _on_disk(done: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EdgeFailed(
            f"the folder of the backups cannot be {done}: {error.strerror}; check LEADSCOUT_BACKUP_DIR, its "
            "permissions and free space"
        ) from None
