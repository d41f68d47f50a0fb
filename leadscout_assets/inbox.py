"""Delivered files by content: the inbox people drop them in, the store that keeps them, the manifest beside each.

What a delivery's rows mean, and which runs it needs, is decided elsewhere.
"""

import hashlib
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from leadscout_assets.digests import sha256_of
from leadscout_assets.errors import BadInput, EdgeFailed, StillGrowing, UnreadableFile
from leadscout_assets.folders import make_private
from leadscout_assets.leads.delivery import Delivery, batch_key, shown_name
from leadscout_assets.progress import current

SETTLE_SECONDS = 1.0
"""A file modified less than this long ago may still be growing."""

SECOND_LOOK_SECONDS = 0.3
"""A file whose size or time changes between two looks this far apart is still growing."""

CHUNK = 1 << 20
"""Bytes copied at a time."""

NEW = ".new-"
STALE_SECONDS = 3_600
"""Beginning of the names of files being written, and the age at which their writer is known to be gone."""

TAKEN = "taken"
"""Folder below the inbox that files move to once a run has them."""

NOT_DELIVERIES = frozenset({TAKEN, "desktop.ini", "thumbs.db"})
"""A file where our own folder should be, and files that desktops leave in any folder they show."""

UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".download", "~")
"""Endings of files that another program is still writing."""


@dataclass(frozen=True)
class Seen:
    """A file as it was at one look: enough to notice any later change. Times in nanoseconds since the epoch."""

    path: Path
    size: int
    modified_ns: int
    arrived_ns: int
    inode: int


class DeliveryStore:
    """Delivered files, read-only, named by their SHA-256, each with a manifest that holds its file name."""

    def __init__(self, root: Path) -> None:
        """Take the store's folder; it is created at the first delivery."""
        self.root = root

    def path(self, sha256: str) -> Path:
        """Return where the content with this hash lies."""
        return self.root / sha256[:2] / sha256

    def manifest(self, sha256: str) -> Delivery | None:
        """Return the manifest of a stored content, None where there is none."""
        try:
            return Delivery.from_json(self._manifest_path(sha256).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def put(self, source: Path, clean: Callable[[Path], None] = lambda _: None) -> str:
        """Copy a file into the store and return its SHA-256. Content that is there already is not written again.

        `clean` may change the copy before it counts; it is stored under the hash of what was delivered all the same.
        """
        digest, progress = hashlib.sha256(), current("bytes")
        with self._new_file() as temporary:
            with source.open("rb") as incoming, temporary.open("wb") as copy:
                while chunk := incoming.read(CHUNK):
                    digest.update(chunk)
                    copy.write(chunk)
                    progress.advance(len(chunk))
                os.fsync(copy.fileno())
            sha256 = digest.hexdigest()
            if not self.path(sha256).exists():
                clean(temporary)
                temporary.chmod(stat.S_IRUSR | stat.S_IRGRP)
                self._rename(temporary, self.path(sha256))
        return sha256

    def rewrite(self, sha256: str, write: Callable[[Path, Path], None]) -> str:
        """Have a stored content written anew by `write(old, new)`, in one step; return the SHA-256 of what is stored now."""
        with self._new_file() as temporary:
            write(self.path(sha256), temporary)
            with temporary.open("rb+") as copy:
                os.fsync(copy.fileno())
            temporary.chmod(stat.S_IRUSR | stat.S_IRGRP)
            now = sha256_of(temporary)
            self._rename(temporary, self.path(sha256))
        return now

    def remove(self, sha256: str) -> None:
        """Remove a stored content; its manifest stays."""
        self.path(sha256).unlink(missing_ok=True)

    def keep(self, delivery: Delivery) -> None:
        """Write a stored content's manifest."""
        with self._new_file() as temporary:
            with temporary.open("w", encoding="utf-8") as manifest:
                manifest.write(delivery.to_json())
                manifest.flush()
                os.fsync(manifest.fileno())
            self._rename(temporary, self._manifest_path(delivery.sha256))

    def _manifest_path(self, sha256: str) -> Path:
        return self.path(sha256).with_suffix(".json")

    @contextmanager
    def _new_file(self) -> Iterator[Path]:
        try:
            make_private(self.root)
            self._clear_stale()
            handle, name = tempfile.mkstemp(prefix=NEW, dir=self.root)
            os.close(handle)
            temporary = Path(name)
            try:
                yield temporary
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            raise EdgeFailed(
                f"the delivery was not stored: {error.strerror}; check free space and permissions"
            ) from None

    def _clear_stale(self) -> None:
        """Remove what writers that were killed left behind long ago."""
        for left in self.root.glob(f"{NEW}*"):
            # Another writer's file may be done and gone between the look and the question.
            with suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > STALE_SECONDS:
                    left.unlink()

    def _rename(self, temporary: Path, final: Path) -> None:
        final.parent.mkdir(exist_ok=True)
        temporary.replace(final)
        folder = os.open(final.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def take(
    source: Path,
    store: DeliveryStore,
    count_rows: Callable[[Path], int],
    *,
    now: datetime,
    slug: bool,
    clean: Callable[[Path], None] = lambda _: None,
) -> Delivery:
    """Store a file and return its delivery; for content the store knows, the delivery it was the first time.

    `clean` may change what is stored, as `DeliveryStore.put` has it.
    A file that the second reader cannot count is a delivery too, with `rows_counted` None: its batch will be refused.
    Safe to repeat after an interruption at any point. Raises `StillGrowing` for a file that changes meanwhile.
    """
    if not source.is_file():
        raise BadInput("there is no such file to deliver; check the path")
    before = _state(source)
    sha256 = store.put(source, clean)
    if _state(source) != before:
        raise StillGrowing("the file changed while it was being stored; deliver it again once it is whole")
    known = store.manifest(sha256)
    if known is not None:
        return known
    stored = store.path(sha256)
    try:
        rows_counted: int | None = count_rows(stored)
    except UnreadableFile:
        rows_counted = None
    delivery = Delivery(
        batch_id=batch_key(now, source.name, sha256, slug=slug),
        sha256=sha256,
        file_name=shown_name(source.name),
        size_bytes=stored.stat().st_size,
        delivered_at=now,
        rows_counted=rows_counted,
    )
    store.keep(delivery)
    return delivery


def settled_files(inbox: Path, *, now: Callable[[], float], sleep: Callable[[float], None]) -> list[Seen]:
    """Return the inbox's deliverable files that have stopped growing, oldest first.

    `now` gives seconds since the epoch. A file that is too young is waited for, up to `SETTLE_SECONDS`, since the next
    look may be a whole tick away; one that grows meanwhile is left for then. Lock files (`~$...`), hidden and unfinished
    files, links and folders are no deliveries. A file dated in the future is judged by the looks alone.
    """
    first = list(_look(inbox))
    if not first:
        return []
    youngest = max((seen.modified_ns / 1e9 for seen in first if seen.modified_ns / 1e9 <= now()), default=0.0)
    sleep(max(SECOND_LOOK_SECONDS, SETTLE_SECONDS - (now() - youngest)))
    again = set(_look(inbox))
    settled = [seen for seen in first if seen in again and not 0 <= now() - seen.modified_ns / 1e9 < SETTLE_SECONDS]
    return sorted(settled, key=lambda seen: (seen.modified_ns, seen.path.name))


def unchanged(seen: Seen) -> bool:
    """Return whether the file is still the one that was seen."""
    return _seen(seen.path) == seen


def move_to_taken(seen: Seen, batch_id: str) -> Path | None:
    """Move an inbox file to `taken/<batch_id>/`; return its new place, None where it changed since it was seen."""
    folder = seen.path.parent / TAKEN / batch_id
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / seen.path.name
    if not unchanged(seen):
        return None
    seen.path.replace(target)
    return target


def _look(inbox: Path) -> Iterator[Seen]:
    if not inbox.is_dir():
        return
    for path in inbox.iterdir():
        name = path.name.casefold()
        if name.startswith((".", "~$")) or name in NOT_DELIVERIES or name.endswith(UNFINISHED):
            continue
        seen = _seen(path)
        if seen is not None:
            yield seen


def _seen(path: Path) -> Seen | None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return Seen(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def _state(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_size, status.st_mtime_ns
