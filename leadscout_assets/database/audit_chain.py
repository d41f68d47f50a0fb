"""The chain of the audit trail: each event's hash covers the event and the hash before it. Pure, no database here.

What is changed, taken out or put elsewhere later no longer fits; what is cut off at the end shows against a known `Head`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

GENESIS = "0" * 64
"""What the first event is chained to."""

FIELDS = ("id", "at", "actor", "action", "subject", "reason", "detail", "prev_hash")
"""What a hash covers."""


@dataclass(frozen=True)
class Head:
    """The end of the chain: the newest event's id (0 for none) and its hash."""

    id: int
    hash: str


EMPTY = Head(0, GENESIS)


@dataclass(frozen=True)
class Break:
    """The first place where the chain does not hold: the row at fault and what is wrong with it."""

    id: int
    sentence: str


@dataclass(frozen=True)
class Unreadable:
    """An event in whose row nothing can be read any more, whatever stands there: nobody records one like that."""

    id: int


@dataclass(frozen=True)
class Verified:
    """What a look at the whole chain found: how many events hold from the first on, where it ends, and what breaks it."""

    events: int
    head: Head
    broken: Break | None

    @property
    def ok(self) -> bool:
        """Whether every event holds."""
        return self.broken is None


def hash_of(event: Mapping[str, object]) -> str:
    """Return the SHA-256 of an event's `FIELDS` as canonical JSON, in hex.

    Canonical: keys sorted, no spaces, UTF-8, moments in UTC to the microsecond, and whole numbers without a fraction,
    because PostgreSQL gives 100.0 back as it likes. Raises `ValueError` for what JSON cannot hold.
    """
    text = json.dumps(
        {field: _canonical(event[field]) for field in FIELDS},
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )
    return hashlib.sha256(text.encode()).hexdigest()


def follow(events: Iterable[Mapping[str, object] | Unreadable], anchors: Iterable[Head] = ()) -> Verified:
    """Walk the events in the order of their ids and return where the chain ends or first breaks.

    An event has `FIELDS` and `hash`, or cannot be read. `anchors` are heads that were once seen, kept somewhere else: the event with the id
    of each must be there and have its hash, which shows a trail that was cut off or written anew from some point on.
    """
    head, count = EMPTY, 0
    known = {anchor.id: anchor.hash for anchor in anchors if anchor != EMPTY}
    for event in events:
        if isinstance(event, Unreadable):
            return Verified(count, head, Break(event.id, "its content cannot be read: it was changed"))
        number, stored = int(str(event["id"])), str(event["hash"])
        if event["prev_hash"] != head.hash:
            return Verified(count, head, Break(number, _gap(head, number, str(event["prev_hash"]))))
        if not _holds(event, stored):
            return Verified(count, head, Break(number, "its content is not what was recorded: it was changed"))
        if known.pop(number, stored) != stored:
            return Verified(
                count, head, Break(number, "the trail was written anew up to here: the anchor knows another")
            )
        head, count = Head(number, stored), count + 1
    if known:
        missing = min(known)
        return Verified(
            count, head, Break(missing, "it is missing at the end: the trail was cut off, the anchor knows it")
        )
    return Verified(count, head, None)


def _holds(event: Mapping[str, object], stored: str) -> bool:
    try:
        return hash_of(event) == stored
    except (ValueError, TypeError, ArithmeticError, RecursionError):
        # What has no hash was never recorded: bytes, endless numbers, moments outside the calendar, nests without an end.
        return False


def _gap(before: Head, number: int, prev_hash: str) -> str:
    if before == EMPTY and prev_hash != GENESIS:
        return "the events before it are missing"
    if number > before.id + 1:
        missing = f"{before.id + 1}" if number == before.id + 2 else f"{before.id + 1} to {number - 1}"
        return f"it does not follow event {before.id}: {missing} missing"
    return f"it does not follow event {before.id}: it was put here from elsewhere, or the one before was replaced"


def _canonical(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float | Decimal):
        if not math.isfinite(value):
            raise ValueError("audit event: a number is not finite")
        exact = Decimal(repr(value)) if isinstance(value, float) else value
        return int(exact) if exact == exact.to_integral_value() else float(exact)
    if isinstance(value, Mapping):
        return {str(key): _canonical(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(inner) for inner in value]
    raise ValueError("audit event: a value is of a type that cannot be stored")
