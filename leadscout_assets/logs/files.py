"""The log files: JSON lines, one file for each kind and day (UTC), written by any number of processes at once.

A line is one write to a file opened for appending, and a new day is a new name: nothing is ever renamed under a writer.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from leadscout_assets.folders import make_private

FRAME = ("timestamp", "level", "event", "logger", "process_id", "run_id", "batch_id", "asset", "step", "request_id")
"""What stands on every line, in this order; an id that does not apply is null."""

FOLDERS = ("production", "debug")

GRACE = timedelta(minutes=10)
"""How long after its end a day's files are left alone: a line that was made before midnight may still be on its way."""

FILE_NAME = re.compile(r"(?P<kind>[a-z-]+)-(?P<day>\d{4}-\d{2}-\d{2})\.log(?P<gz>\.gz)?")

_LOCK = ".tidying"
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


@dataclass(frozen=True)
class Tidied:
    """What tidying did: files compressed and files removed."""

    compressed: int = 0
    removed: int = 0


def line_of(event: dict[str, Any]) -> bytes:
    """Return a private line as JSON with a newline at its end."""
    told = {key: event.get(key) for key in FRAME}
    told["process_id"] = os.getpid()
    return orjson.dumps(told | event) + b"\n"


class LogFiles:
    """The files below one folder. Open files are kept; a day's are closed with the first line of the next."""

    def __init__(self, root: Path, keep_days: int) -> None:
        """Take the folder, which is made with the first line; files of more than `keep_days` days ago are removed."""
        self.root = root
        self._keep_days = keep_days
        self._open: dict[str, int] = {}
        self._day = ""
        self._torn: set[int] = set()
        self._tidy_at = 0.0

    def write(self, kind: str, day: str, line: bytes) -> None:
        """Append one line to the file of a kind (`folder/kind`) and day (ISO). Raises `OSError` where it cannot.

        For one thread at a time; processes need not agree on anything.
        """
        name = f"{kind}-{day}.log"
        descriptor = self._descriptor(name, day)
        _append(descriptor, line, self._torn)
        if os.fstat(descriptor).st_nlink == 0:
            # Somebody removed or compressed the file under us: once more, into the one of this name now.
            self._forget(name)
            _append(self._descriptor(name, day), line, self._torn)
        if time.time() >= self._tidy_at:
            self._tidy_aside()

    def _descriptor(self, name: str, day: str) -> int:
        if day > self._day:
            # Yesterday's are closed; a straggler's line opens its file again.
            for old in list(self._open):
                self._forget(old)
            self._day = day
        if name not in self._open:
            path = self.root / name
            make_private(path.parent)
            self._open[name] = os.open(path, _FLAGS, 0o600)
        return self._open[name]

    def _forget(self, name: str) -> None:
        descriptor = self._open.pop(name)
        self._torn.discard(descriptor)
        os.close(descriptor)

    def close(self) -> None:
        """Close the open files; the next line opens them again."""
        for name in list(self._open):
            self._forget(name)

    def _tidy_aside(self) -> None:
        """Tidy in a thread of its own, once now and once after each midnight; compressing a day may take seconds."""
        now = datetime.now(UTC)
        due = now.replace(hour=0, minute=0, second=0, microsecond=0) + GRACE
        self._tidy_at = (due if due > now else due + timedelta(days=1)).timestamp()
        if any(_closed(self.root, now, self._keep_days)):
            threading.Thread(target=_quietly, args=(self.tidy,), name="log files", daemon=True).start()

    def tidy(self, now: datetime | None = None) -> Tidied:
        """Compress the files of the days that are over, and remove those that are too old. One process at a time does it."""
        return tidy(self.root, now or datetime.now(UTC), self._keep_days)


def tidy(root: Path, now: datetime, keep_days: int) -> Tidied:
    """Compress the log files of past days below `root`, and remove those of more than `keep_days` days ago.

    `now` has a time zone. Nothing is done while another process does it. An interruption loses nothing: a file is removed once its
    compressed copy is on the disk. Raises `OSError`.
    """
    compressed = removed = 0
    with _alone(root) as alone:
        if not alone:
            return Tidied()
        for folder in FOLDERS:
            for stale in (root / folder).glob(".*.gz.tmp"):
                stale.unlink()
        for path in _closed(root, now, keep_days):
            if _day_of(path) < _oldest(now, keep_days):
                path.unlink()
                removed += 1
            else:
                _compress(path)
                compressed += 1
    return Tidied(compressed, removed)


def outdated(root: Path, now: datetime, keep_days: int) -> list[Path]:
    """Return the log files of more than `keep_days` days ago, which the next midnight removes by itself."""
    return [path for path in log_paths(root) if _day_of(path) < _oldest(now, keep_days)]


def log_paths(root: Path) -> list[Path]:
    """Return the log files below a folder, compressed ones too, in the order of their days."""
    found = [
        path
        for folder in FOLDERS
        if (root / folder).is_dir()
        for path in (root / folder).iterdir()
        if FILE_NAME.fullmatch(path.name)
    ]
    return sorted(found, key=lambda path: (_day_of(path), str(path)))


def _append(descriptor: int, line: bytes, torn: set[int]) -> None:
    # After a write that the disk cut short, the next line begins on a line of its own.
    whole = b"\n" + line if descriptor in torn else line
    torn.discard(descriptor)
    if os.write(descriptor, whole) < len(whole):
        torn.add(descriptor)
        raise OSError("a line was cut short")


def _closed(root: Path, now: datetime, keep_days: int) -> Iterator[Path]:
    """Yield the files that nobody writes to any more and that there is something to do about."""
    open_from, oldest = (now - GRACE).astimezone(UTC).date().isoformat(), _oldest(now, keep_days)
    for path in log_paths(root):
        day = _day_of(path)
        if day < oldest or (day < open_from and path.suffix != ".gz"):
            yield path


def _oldest(now: datetime, keep_days: int) -> str:
    return (now.astimezone(UTC).date() - timedelta(days=keep_days)).isoformat()


def _day_of(path: Path) -> str:
    match = FILE_NAME.fullmatch(path.name)
    return match["day"] if match else ""


def _compress(path: Path) -> None:
    import gzip

    packed = path.with_name(f"{path.name}.gz")
    temporary = path.with_name(f".{packed.name}.tmp")
    with temporary.open("wb") as file:
        if packed.exists():
            # A straggler wrote after the file had been compressed. Two compressed parts in a row are one compressed file.
            file.write(packed.read_bytes())
        with path.open("rb") as plain, gzip.GzipFile("", "wb", fileobj=file, compresslevel=6, mtime=0) as compressing:
            shutil.copyfileobj(plain, compressing, 1 << 20)
        file.flush()
        os.fsync(file.fileno())
    temporary.chmod(0o600)
    temporary.replace(packed)
    path.unlink()


@contextmanager
def _alone(root: Path) -> Iterator[bool]:
    import fcntl  # POSIX only, like the platform

    make_private(root)
    descriptor = os.open(root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _quietly(work: Callable[[], object]) -> None:
    # A full disk, or a folder that went away; the next day tries again, and `leadscout logs` reads plain files as well.
    with suppress(OSError):
        work()
