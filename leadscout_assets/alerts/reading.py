"""Reads a stream of numbered events newest first, and works off what lies behind it later. Pure but for `fetch`.

However long the queue, the newest event is in the first page; what was left out is remembered as a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

OVERLAP_SECONDS = 600.0
"""On PostgreSQL an event may be committed after one with a higher number: so far back is read again."""

OVERLAP_PAGES = 4
"""Pages of it at most: commits come seconds late, not thousands of events."""

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

    overlapped: when the last ten minutes were last read again, seconds since 1970.
    """

    top: int = FIRST_READ
    gaps: tuple[tuple[int, int], ...] = ()
    overlapped: float = 0.0

    @property
    def behind(self) -> bool:
        """Whether something older is still unread."""
        return bool(self.gaps)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"top": self.top, "gaps": self.gaps, "overlapped": self.overlapped}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Cursor:
        """Read what `to_json` gave."""
        gaps = tuple((int(low), int(high)) for low, high in value.get("gaps", ()))
        return cls(int(value.get("top", FIRST_READ)), gaps, float(value.get("overlapped", 0.0)))


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
    return Read(found, again, Cursor(top, rest, overlapped))


def _again(cursor: Cursor, fetch: Fetch[Event], now: float, size: int) -> tuple[list[Event], float]:
    if cursor.top == FIRST_READ or cursor.gaps or 0 <= now - cursor.overlapped < OVERLAP_EVERY:
        return [], cursor.overlapped
    found: list[Event] = []
    before = cursor.top + 1
    for _ in range(OVERLAP_PAGES):
        page = fetch(FIRST_READ, before, size)
        found += [event for event in page if event.timestamp >= now - OVERLAP_SECONDS]
        if not page or page[-1].timestamp < now - OVERLAP_SECONDS:
            break
        before = page[-1].storage_id
    return found, now
