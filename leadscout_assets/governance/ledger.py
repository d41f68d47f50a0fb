"""Decisions about persons in one append-only file: erasures, suppressions, consents. Keyed hashes only, no value.

Outside the database and in the folder of the backups as well, so that a restored backup, however old, is held to them.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from leadscout_assets.errors import EdgeFailed
from leadscout_assets.folders import make_private

FILE = "decisions.jsonl"
"""In the home's folder `governance`, and at the top of the folder of the backups."""

ERASURE, FOUND, SUPPRESSION, LIFTING, CONSENT, CLEANSING = (
    "erasure", "found", "suppression", "lifting", "consent", "cleansing",
)  # fmt: skip


@dataclass(frozen=True)
class Decision:
    """One line: what was decided, about whom as hashes, when. `about` holds what belongs to the kind, plain values."""

    kind: str
    id: str
    at: datetime
    about: Mapping[str, Any] = field(default_factory=dict)

    def to_line(self) -> bytes:
        """Return the line, its end included."""
        plain = {"kind": self.kind, "id": self.id, "at": self.at.astimezone(UTC).isoformat(), "about": self.about}
        return orjson.dumps(plain, option=orjson.OPT_SORT_KEYS) + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Decision:
        """Read what `to_line` wrote."""
        plain = orjson.loads(line)
        return cls(plain["kind"], plain["id"], datetime.fromisoformat(plain["at"]), plain["about"])


def new_id() -> str:
    """Return an id that no other decision has."""
    return uuid.uuid4().hex


class Ledger:
    """The decisions of one file, the oldest first. `EdgeFailed` where it cannot be read or written."""

    def __init__(self, path: Path) -> None:
        """Take the file; it is made by the first decision."""
        self.path = path

    def read(self) -> list[Decision]:
        """Return every decision that was written whole."""
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise EdgeFailed(
                f"the ledger of decisions cannot be read: {error.strerror}; check its permissions"
            ) from None
        # What follows the last line's end was cut off by a kill, before anybody relied on it.
        try:
            return [Decision.from_line(line) for line in lines[:-1] if line.strip()]
        except (orjson.JSONDecodeError, KeyError, ValueError, TypeError):
            raise EdgeFailed("the ledger of decisions is damaged; restore it from the folder of the backups") from None

    def append(self, decision: Decision) -> Decision:
        """Write a decision to the end, for good before this returns."""
        try:
            make_private(self.path.parent)
            with self.path.open("ab+") as file:
                file.seek(0)
                kept = file.read()
                if kept and not kept.endswith(b"\n"):
                    file.truncate(kept.rfind(b"\n") + 1)
                file.write(decision.to_line())
                file.flush()
                os.fsync(file.fileno())
            self.path.chmod(0o600)
        except OSError as error:
            raise EdgeFailed(f"the ledger of decisions cannot be written: {error.strerror}; nothing was done") from None
        return decision

    def replace(self, decisions: Iterable[Decision]) -> None:
        """Put other decisions in place of all, in one step."""
        beside = self.path.with_name(f".{self.path.name}.new")
        try:
            make_private(self.path.parent)
            with beside.open("wb") as file:
                file.writelines(decision.to_line() for decision in decisions)
                file.flush()
                os.fsync(file.fileno())
            beside.chmod(0o600)
            beside.replace(self.path)
        except OSError as error:
            raise EdgeFailed(f"the ledger of decisions cannot be written: {error.strerror}") from None

    def merge(self, other: Ledger) -> int:
        """Take over what the other ledger has and this has not; return how many decisions those were."""
        mine = self.read()
        known = {(one.kind, one.id) for one in mine}
        new = [one for one in other.read() if (one.kind, one.id) not in known]
        if new:
            self.replace(sorted([*mine, *new], key=lambda one: one.at))
        return len(new)


def ledger_of(home: Path) -> Ledger:
    """Return the ledger of a home."""
    return Ledger(home / "governance" / FILE)


def ledger_beside_backups(root: Path) -> Ledger:
    """Return the ledger in the folder of the backups."""
    return Ledger(root / FILE)
