"""The progress files on disk: written whole or not at all, and all of them together in `batch-status.json`.

What stands in them is `tracking`'s, what it means `reading`'s.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from leadscout_assets.folders import make_private

FOLDER = "progress"
TOGETHER = "batch-status.json"
LOCK = ".together.lock"

PATIENCE_SECONDS = 1.0

KEPT = 50
"""Files of ended operations that stay; what `retention` removes by age comes on top."""

TYPES: Mapping[str, type | tuple[type, ...]] = {
    "operation": str,
    "stage": str,
    "state": str,
    "processed": int,
    "total": (int, type(None)),
    "percentage": (int, float, type(None)),
    "rate_per_second": (int, float),
    "elapsed_seconds": (int, float),
    "eta_seconds": (int, float, type(None)),
    "current_item": (str, type(None)),
    "pid": int,
    "host": str,
    "run_id": (str, type(None)),
    "started_at": str,
    "timestamp": str,
}
"""The keys that are always there. A file without them is somebody else's, whatever its name."""

WANTED = re.compile(r"[a-z0-9_-]+-[0-9A-Za-z_-]+\.json")


def file_of(folder: Path, operation: str, mark: str) -> Path:
    """Return the file of an operation; `mark` is its run id or its process id."""
    return folder / f"{operation}-{re.sub(r'[^0-9A-Za-z_-]', '_', mark)}.json"


def write_atomically(path: Path, value: object) -> None:
    """Replace a JSON file so that a reader sees the old one or the new one. Raises `OSError`."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.touch(mode=0o600)
        temporary.write_bytes(orjson.dumps(value))
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise


def read(path: Path) -> dict[str, Any] | None:
    """Return what a file holds; None where it is gone or none of ours."""
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    ours = isinstance(found, dict) and all(isinstance(found.get(key, ...), kind) for key, kind in TYPES.items())
    return found if ours else None


def all_files(folder: Path) -> list[Path]:
    """Return the progress files of a folder, in order of their names."""
    try:
        return sorted(path for path in folder.iterdir() if path.name != TOGETHER and WANTED.fullmatch(path.name))
    except OSError:
        return []


def write_together(folder: Path, *, wait: bool) -> bool:
    """Write `batch-status.json` anew from all files; say whether it was done.

    Readers of the files and writer of the result hold a lock: the last one to write has seen what all others wrote.
    Nothing is done while another process is at it; with `wait`, for more than `PATIENCE_SECONDS`: it may have been stopped.
    """
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + (PATIENCE_SECONDS if wait else 0.0)
        while not _locked(descriptor):
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)
        found = [one for path in all_files(folder) if (one := read(path)) is not None]
        newest = max((one["timestamp"] for one in found), default=None)
        write_atomically(folder / TOGETHER, {"timestamp": newest, "operations": found})
    finally:
        os.close(descriptor)
    return True


def _locked(descriptor: int) -> bool:
    import fcntl  # POSIX only, like the platform

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def make_folder(folder: Path) -> None:
    """Make the folder, and remove the oldest files of ended operations where there are many. Raises `OSError`."""
    make_private(folder)
    files = all_files(folder)
    if len(files) <= KEPT:
        return
    ended = [(path.stat().st_mtime, path) for path in files if _has_ended(read(path))]
    for _, path in sorted(ended)[: len(files) - KEPT]:
        path.unlink(missing_ok=True)


def ended_files(folder: Path) -> list[Path]:
    """Return the files of operations that have ended."""
    return [path for path in all_files(folder) if _has_ended(read(path))]


def _has_ended(found: Mapping[str, Any] | None) -> bool:
    from leadscout_assets.progress.reading import judged

    return found is None or judged(found).state != "running"
