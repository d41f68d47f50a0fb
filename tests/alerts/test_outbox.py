"""Delivery: at least once, with pauses that grow, and no channel in the way of another."""

from __future__ import annotations

import threading
from datetime import timedelta
from itertools import pairwise

import pytest
from structlog.contextvars import get_contextvars

from leadscout_assets.alerts import outbox
from leadscout_assets.alerts.outbox import GIVE_UP_AFTER, deliver, pause_after
from leadscout_assets.alerts.store import DatabaseStore
from leadscout_assets.logs import bound
from tests.alerts.conftest import NOON, Clock, Recorder, message, refusal


@pytest.fixture
def store(sqlite):
    return DatabaseStore(sqlite)


def put(store: DatabaseStore, *keys: str, channels: tuple[str, ...] = ("slack",)) -> None:
    store.save(store.memory(), now=NOON, messages=[message(key) for key in keys], channels=channels)


def test_everything_due_is_sent_in_order_and_only_once(store, clock):
    channel = Recorder()
    put(store, "a", "b", "c")
    for _ in range(2):
        assert deliver([store], {"slack": channel}, clock=clock)
    assert [one.key for one in channel.sent] == ["a", "b", "c"]


def test_what_a_channel_logs_bears_the_ids_of_whoever_delivers(store, clock):
    found = []

    class Channel:
        """Says which ids stand on its lines."""

        def send(self, _message: object) -> None:
            found.append(get_contextvars().get("request_id"))

    put(store, "a")
    with bound(request_id="abc"):
        deliver([store], {"slack": Channel()}, clock=clock)
    assert found == ["abc"]


def test_a_failed_attempt_is_made_again_after_a_pause_with_the_same_key(store, clock):
    channel = Recorder()
    channel.failing = [refusal(), refusal()]
    put(store, "a")
    deliver([store], {"slack": channel}, clock=clock)
    deliver([store], {"slack": channel}, clock=clock)
    assert channel.failing == [channel.failing[0]]  # only one attempt was made: the pause is not over
    clock.pass_(seconds=13)
    deliver([store], {"slack": channel}, clock=clock)
    assert (channel.failing, channel.sent) == ([], [])
    clock.pass_(seconds=26)
    deliver([store], {"slack": channel}, clock=clock)
    assert [one.key for one in channel.sent] == ["a"]


def test_a_server_that_asks_to_be_left_alone_is(store, clock):
    channel = Recorder()
    channel.failing = [refusal(pause=300)]
    put(store, "a")
    deliver([store], {"slack": channel}, clock=clock)
    clock.pass_(seconds=299)
    deliver([store], {"slack": channel}, clock=clock)
    assert channel.sent == []
    clock.pass_(seconds=2)
    deliver([store], {"slack": channel}, clock=clock)
    assert len(channel.sent) == 1


def test_a_message_is_given_up_after_a_day_and_said_so(store, clock, caplog):
    channel = Recorder()
    channel.failing = [refusal()] * 1_000
    put(store, "a")
    while clock.now < NOON + GIVE_UP_AFTER + timedelta(hours=2):
        deliver([store], {"slack": channel}, clock=clock)
        clock.pass_(minutes=10)
    (row,) = store.outbox()
    assert row["error"] == "the webhook answered HTTP 503"
    assert 20 < row["attempts"] < 70
    left = len(channel.failing)
    deliver([store], {"slack": channel}, clock=clock)
    assert len(channel.failing) == left
    assert "given_up" in caplog.text


def test_pauses_grow_to_half_an_hour_and_are_not_all_alike():
    pauses = [pause_after(attempts) for attempts in range(12)]
    assert all(second > first for first, second in pairwise(pauses[:8]))
    assert timedelta(minutes=30) <= pauses[-1] <= timedelta(minutes=38)
    assert len({pause_after(3) for _ in range(20)}) > 1


def test_a_channel_that_hangs_holds_up_nobody(store, clock):
    go_on, other = threading.Event(), Recorder()

    class Hanging(Recorder):
        def send(self, one):
            go_on.wait(60)
            super().send(one)

    hanging = Hanging()
    put(store, "a", channels=("slack", "log"))
    try:
        assert not deliver([store], {"slack": hanging, "log": other}, clock=clock, wait=0.1)
        # How long the other one takes is not what is asked here.
        outbox._busy["log"].join(30)
        assert len(other.sent) == 1
        # And is not started a second time while it hangs.
        assert not deliver([store], {"slack": hanging, "log": other}, clock=Clock(NOON + timedelta(hours=1)), wait=0.1)
    finally:
        go_on.set()
    outbox._busy["slack"].join(30)
    assert len(hanging.sent) == 1


def test_a_defect_of_a_channel_leaves_the_message_in_the_outbox_and_quotes_nothing(store, clock):
    channel = Recorder()
    channel.failing = [RuntimeError("Zanele Quagga")]
    put(store, "a")
    deliver([store], {"slack": channel}, clock=clock)
    (row,) = store.outbox()
    assert row["error"] == "a defect of the channel (RuntimeError)"
    clock.pass_(minutes=1)
    deliver([store], {"slack": channel}, clock=clock)
    assert len(channel.sent) == 1


def test_an_outbox_that_fails_does_not_keep_the_other_from_being_sent(store, clock, tmp_path):
    from leadscout_assets.errors import EdgeFailed

    class Broken:
        def claim(self, *_):
            raise EdgeFailed("away")

        def settle(self, *_, **__):
            raise EdgeFailed("away")

    channel = Recorder()
    put(store, "a")
    deliver([Broken(), store], {"slack": channel}, clock=clock)
    assert len(channel.sent) == 1
