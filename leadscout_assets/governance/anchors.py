"""The end of the audit trail, written down outside the database: what is cut off the trail later is missed here.

One line per anchor in a file that is only ever added to; each line holds the digest of the one before. Backed up with the home.
"""

from __future__ import annotations

import fcntl  # POSIX only, like the platform
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from leadscout_assets.database import audit
from leadscout_assets.database.audit_chain import GENESIS, Break, Head, Verified
from leadscout_assets.database.engine import Database
from leadscout_assets.errors import EdgeFailed
from leadscout_assets.folders import make_private
from leadscout_assets.settings import Settings

FILE = "heads.jsonl"

RESTORED = "restored"
"""Why of the anchor that a restore sets: heads from after the backup was taken are no heads of the restored trail."""


@dataclass(frozen=True)
class Anchors:
    """The heads that the trail must still have, and the first line that is not as it was written (starts at 1)."""

    heads: tuple[Head, ...]
    broken_line: int | None = None


def anchor(settings: Settings, database: Database, *, why: str, at: datetime | None = None) -> Head:
    """Write the end of the trail down, and return it. `why` is a code such as `daily`.

    The trail says so too, so that a file that was taken away is missed. Raises `EdgeFailed` where storage refuses.
    """
    now = at or datetime.now(UTC)
    audit.record_event(database, action="trail.anchored", detail={"why": why}, at=now)
    found = audit.head(database)
    with _storage():
        path = settings.anchors_dir / FILE
        make_private(path.parent)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            lines = file.read().splitlines(keepends=True)
            line = {"at": now.isoformat(), "id": found.id, "hash": found.hash, "why": why, "after": _digest(lines)}
            # A line that a killed writer left half-written stays, closed, and is found by whoever verifies.
            closed = b"" if not lines or lines[-1].endswith(b"\n") else b"\n"
            file.write(closed + orjson.dumps(line) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    return found


def read_anchors(settings: Settings) -> Anchors:
    """Return the heads written down, those from before a restore only as far as the restored trail goes."""
    path = settings.anchors_dir / FILE
    with _storage():
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    heads: list[Head] = []
    for number, line in enumerate(lines, start=1):
        try:
            told = orjson.loads(line)
            head, why, after = Head(told["id"], told["hash"]), told["why"], told["after"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return Anchors(tuple(heads), number)
        if after != _digest(lines[: number - 1]):
            return Anchors(tuple(heads), number)
        if why == RESTORED:
            heads = [one for one in heads if one.id < head.id]
        heads.append(head)
    return Anchors(tuple(heads))


def verify_trail(settings: Settings, database: Database) -> Verified:
    """Walk the trail, hold it against every anchor, and say where it first breaks."""
    anchors = read_anchors(settings)
    found = audit.verify(database, anchors.heads)
    if found.broken is not None:
        return found
    if anchors.broken_line is not None:
        sentence = f"the file of the anchors was changed: its line {anchors.broken_line} is not as it was written"
        return Verified(found.events, found.head, Break(found.head.id, sentence))
    if not anchors.heads and audit.events(database, action="trail.anchored", limit=1):
        sentence = "the file of the anchors is gone: whether the trail was cut off at its end cannot be told"
        return Verified(found.events, found.head, Break(found.head.id, sentence))
    return found


def _digest(lines: list[bytes]) -> str:
    return hashlib.sha256(lines[-1].rstrip(b"\n")).hexdigest() if lines else GENESIS


@contextmanager
def _storage() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EdgeFailed(
            f"the anchors of the audit trail cannot be read or written: {error.strerror}; check LEADSCOUT_HOME"
        ) from None
