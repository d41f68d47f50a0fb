"""Reading newest first: the newest event is in the first page, none is left out, and late commits are found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from leadscout_assets.alerts.reading import OVERLAP_EVERY, OVERLAP_SECONDS, Cursor, read

NOW = 1_000_000.0


@dataclass(frozen=True)
class Event:
    storage_id: int
    timestamp: float = NOW


class Log:
    """Numbered events, some of which appear late."""

    def __init__(self, numbers: Sequence[int] = ()) -> None:
        self.events = {number: Event(number) for number in numbers}
        self.fetched: list[int] = []

    def fetch(self, after: int, before: int | None, limit: int) -> list[Event]:
        among = [n for n in self.events if after < n and (before is None or n < before)]
        page = [self.events[n] for n in sorted(among, reverse=True)[:limit]]
        self.fetched += [event.storage_id for event in page]
        return page


def step(log: Log, cursor: Cursor, *, pages: int = 1, size: int = 10, now: float = NOW, overlap: bool = False):
    return read(cursor, log.fetch, now=now, oldest=NOW - 3_600, size=size, pages=pages, overlap=overlap)


def ids(events: Sequence[Event]) -> list[int]:
    return [event.storage_id for event in events]


def test_the_newest_is_read_first_and_the_rest_is_worked_off_later():
    log = Log(range(1, 36))
    first = step(log, Cursor())
    assert ids(first.new) == list(range(35, 25, -1))
    assert first.cursor.behind
    log.events[36] = Event(36)
    second = step(log, first.cursor, pages=2)
    assert ids(second.new) == [36, *range(25, 15, -1)]
    third = step(log, second.cursor, pages=9)
    assert ids(third.new) == list(range(15, 0, -1))
    assert not third.cursor.behind
    assert step(log, third.cursor).new == []


def test_an_old_event_log_is_not_read_to_its_beginning():
    log = Log()
    log.events = {n: Event(n, NOW - 7_200 if n <= 1_000 else NOW) for n in range(1, 1_006)}
    found = step(log, Cursor(), pages=500)
    assert ids(found.new) == list(range(1_005, 1_000, -1))
    assert len(log.fetched) == 10
    assert not found.cursor.behind


def test_what_is_committed_late_is_read_within_the_overlap():
    log = Log([1, 2, 4])
    cursor = step(log, Cursor(), overlap=True).cursor
    later = step(log, cursor, now=NOW + 1, overlap=True).cursor
    log.events[3] = Event(3)
    found = step(log, later, now=NOW + 1 + OVERLAP_EVERY, overlap=True)
    assert (ids(found.new), 3 in ids(found.again)) == ([], True)
    assert 3 not in ids(step(log, later, now=NOW + 1 + OVERLAP_EVERY).again)


def test_the_overlap_stays_as_long_as_it_says_and_no_longer():
    log, cursor = Log([1]), Cursor()
    for number in range(2, 80):
        now = NOW + number * OVERLAP_EVERY
        log.events[number] = Event(number, now)
        found = step(log, cursor, now=now, overlap=True)
        cursor = found.cursor
    again = ids(found.again)
    assert min(again) == 79 - OVERLAP_SECONDS / OVERLAP_EVERY
    assert len(again) == len(set(again))


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 4)), max_size=12),
    st.integers(2, 7),
    st.booleans(),
)
def test_every_event_is_read_exactly_once_whatever_arrives_when(rounds, size, through_json):
    log, cursor, seen = Log(), Cursor(top=0), []
    newest = 0
    for arriving, pages in rounds:
        for _ in range(arriving):
            newest += 1
            log.events[newest] = Event(newest)
        found = step(log, cursor, pages=pages, size=size)
        if arriving:
            assert found.new[0].storage_id == newest
        seen += ids(found.new)
        cursor = Cursor.from_json(found.cursor.to_json()) if through_json else found.cursor
    while cursor.behind:
        found = step(log, cursor, pages=3, size=size)
        seen, cursor = seen + ids(found.new), found.cursor
    assert sorted(seen) == sorted(log.events)
