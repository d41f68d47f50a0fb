"""Reads a stream of numbered events newest first, and works off what lies behind it later. Pure but for `fetch`.

However long the queue, the newest event is in the first page; what was left out is remembered as a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

OVERLAP_SECONDS = 600.0
"""On PostgreSQL an event may be committed after one with a higher number: so far back is read again."""

OVERLAP_EVERY = 30.0
"""Seconds between two such readings."""

FIRST_READ = -1


class Numbered(Protocol):
    """An event with its number and its time (seconds since 1970)."""

    @property
    def storage_id(self) -> int:
        """Number in the log."""

    @property
    def timestamp(self) -> float:
        """When it happened."""


Event = TypeVar("Event", bound=Numbered)

Fetch = Callable[[int, int | None, int], Sequence[Event]]
"""(after, before, limit) -> events with after < number < before, newest first."""


@dataclass(frozen=True)
class Cursor:
    """How far a stream is read: everything up to `top`, but for what lies strictly between the ends of each gap.

    marks: (seconds since 1970, top at that time), some of the last ten minutes, oldest first. overlapped: when the
    overlap was last read again.
    """

    top: int = FIRST_READ
    gaps: tuple[tuple[int, int], ...] = ()
    marks: tuple[tuple[float, int], ...] = ()
    overlapped: float = 0.0

    @property
    def behind(self) -> bool:
        """Whether something older is still unread."""
        return bool(self.gaps)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"top": self.top, "gaps": self.gaps, "marks": self.marks, "overlapped": self.overlapped}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Cursor:
        """Read what `to_json` gave."""
        gaps = tuple((int(low), int(high)) for low, high in value.get("gaps", ()))
        marks = tuple((float(at), int(top)) for at, top in value.get("marks", ()))
        return cls(int(value.get("top", FIRST_READ)), gaps, marks, float(value.get("overlapped", 0.0)))


@dataclass(frozen=True)
class Read(Generic[Event]):
    """Events that were read, the new ones apart from those that were read again, and the cursor afterwards."""

    new: Sequence[Event]
    again: Sequence[Event]
    cursor: Cursor


def read(
    cursor: Cursor, fetch: Fetch[Event], *, now: float, oldest: float, size: int, pages: int, overlap: bool
) -> Read[Event]:
    """Read up to `pages` pages of `size` events: first what is new, newest first, then the newest gap.

    What is older than `oldest` (seconds since 1970) is not wanted, and neither is anything below it. `overlap`: read the
    last ten minutes again from time to time, because the storage may show events late.
    """
    found: list[Event] = []
    gaps = [*cursor.gaps, (cursor.top, 0)]
    top, left = cursor.top, pages
    while gaps and left > 0:
        low, high = gaps.pop()
        before = high or None
        page = fetch(low, before, size)
        left -= 1
        if page:
            top = max(top, page[0].storage_id)
        wanted = [event for event in page if event.timestamp >= oldest]
        found += wanted
        if len(page) == size and len(wanted) == size and page[-1].storage_id > low + 1:
            gaps.append((low, page[-1].storage_id))
    rest = tuple((low, high) for low, high in gaps if high)
    again, overlapped = _again(cursor, fetch, now, size) if overlap else ([], cursor.overlapped)
    return Read(found, again, Cursor(top, rest, _marks(cursor, now, top), overlapped))


def _again(cursor: Cursor, fetch: Fetch[Event], now: float, size: int) -> tuple[list[Event], float]:
    if not 0 <= now - cursor.overlapped < OVERLAP_EVERY and cursor.top != FIRST_READ:
        old = [top for at, top in cursor.marks if at <= now - OVERLAP_SECONDS]
        low = max(old[-1:] or [mark[1] for mark in cursor.marks[:1]] or [cursor.top])
        found: list[Event] = []
        before = cursor.top + 1
        while page := fetch(low, before, size):
            found += page
            before = page[-1].storage_id
        return found, now
    return [], cursor.overlapped


def _marks(cursor: Cursor, now: float, top: int) -> tuple[tuple[float, int], ...]:
    """Keep one mark every half a minute, and of those before the overlap only the newest."""
    marks = [mark for mark in cursor.marks if mark[0] <= now]
    if not marks or now - marks[-1][0] >= OVERLAP_EVERY:
        marks.append((now, top))
    while len(marks) > 1 and marks[1][0] <= now - OVERLAP_SECONDS:
        del marks[0]
    return tuple(marks)
