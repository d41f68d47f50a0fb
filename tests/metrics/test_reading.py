"""Reading in the background: nothing before somebody asks, one bad source spoils no other, and old news tells its age."""

from __future__ import annotations

import threading

import pytest

from leadscout_assets.errors import EdgeFailed
from leadscout_assets.metrics.families import Sample
from leadscout_assets.metrics.reading import Reader


def value(samples: list[Sample], family: str, *labels: str) -> float | None:
    found = [s.value for s in samples if (s.family, s.labels) == (family, labels)]
    return found[0] if found else None


@pytest.fixture
def readers():
    made: list[Reader] = []
    yield made.append
    for reader in made:
        reader.stop()


def test_the_first_scrape_holds_everything_and_nothing_is_read_before_it(readers):
    asked: list[str] = []

    def source() -> list[Sample]:
        asked.append("batches")
        return [Sample("batches", 3)]

    readers(reader := Reader({"deliveries": source}, every=60))
    assert asked == []
    found = reader.samples()
    assert (value(found, "batches"), value(found, "source_up", "deliveries")) == (3, 1)
    reader.samples()
    assert asked == ["batches"]


def test_a_source_that_fails_keeps_what_it_said_with_its_age_and_the_others_go_on(readers):
    now = [100.0]
    fails: list[bool] = []

    def shaky() -> list[Sample]:
        if fails:
            raise EdgeFailed("storage is away")
        return [Sample("batches", 3)]

    readers(
        reader := Reader(
            {"deliveries": shaky, "assets": lambda: [Sample("queue_oldest_seconds", 0)]},
            every=3_600,
            clock=lambda: now[0],
        )
    )
    reader.samples()
    fails.append(True)
    now[0] += 40
    reader.read()
    found = reader.samples()
    assert (value(found, "batches"), value(found, "source_up", "deliveries")) == (3, 0)
    assert value(found, "source_age_seconds", "deliveries") == 40
    assert value(found, "source_up", "assets") == 1
    assert value(found, "source_age_seconds", "assets") == 0


def test_a_source_that_never_answered_is_down_and_has_no_age(readers):
    def broken() -> list[Sample]:
        raise ValueError("a value that must not be told")

    readers(reader := Reader({"deliveries": broken}, every=60))
    found = reader.samples()
    assert value(found, "source_up", "deliveries") == 0
    assert value(found, "source_age_seconds", "deliveries") is None


def test_a_source_that_hangs_holds_up_no_scrape(readers):
    began, hang, ended = threading.Event(), threading.Event(), threading.Event()

    def hanging() -> list[Sample]:
        began.set()
        hang.wait(120)
        ended.set()
        return []

    readers(reader := Reader({"first": lambda: [Sample("batches", 1)], "slow": hanging}, every=60, first=0.1))
    try:
        reader.samples()
        # On a busy machine the reading itself may begin later than that.
        assert began.wait(60)
        assert value(reader.samples(), "batches") == 1
        assert not ended.is_set()
    finally:
        hang.set()


def test_sources_are_read_again_and_again_until_it_is_stopped(readers):
    thrice = threading.Semaphore(0)

    def source() -> list[Sample]:
        thrice.release()
        return []

    readers(reader := Reader({"deliveries": source}, every=0.01))
    reader.samples()
    assert all(thrice.acquire(timeout=20) for _ in range(3))
    reader.stop()
    assert not any(thread.name == "metrics" and thread.is_alive() for thread in threading.enumerate())
