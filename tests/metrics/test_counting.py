"""Counting: what was begun is 0, threads lose nothing, and availability is the share of the time that was observed."""

from __future__ import annotations

from threading import Thread

import pytest

from leadscout_assets.metrics.counting import LONGEST_STEP, Availability, Tally


def test_what_was_begun_shows_as_zero_before_its_first_time():
    tally = Tally()
    tally.begin("runs_ended_total", "lead_chain", "failed")
    assert [(s.labels, s.value) for s in tally.samples()] == [(("lead_chain", "failed"), 0)]
    tally.add("runs_ended_total", 2, "lead_chain", "failed")
    tally.begin("runs_ended_total", "lead_chain", "failed")
    assert [s.value for s in tally.samples()] == [2]


def test_threads_that_count_at_once_lose_nothing():
    tally = Tally()

    def count() -> None:
        for _ in range(2_000):
            tally.add("http_requests_total", 1, "/ready", "GET", "200")
            tally.observe("http_request_seconds", 0.02, "/ready")

    threads = [Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counter, histogram = sorted(tally.samples(), key=lambda s: s.family, reverse=True)
    assert counter.value == 8_000
    assert sum(histogram.counts) == 8_000
    assert histogram.value == pytest.approx(160)


def test_a_value_at_a_bound_is_in_the_bucket_of_that_bound():
    tally = Tally()
    for value in (0.005, 0.0051, 11.0):
        tally.observe("http_request_seconds", value, "/ready")
    (sample,) = tally.samples()
    assert (sample.counts[0], sample.counts[1], sample.counts[-1]) == (1, 1, 1)


def test_availability_is_the_share_of_the_observed_time():
    seen = Availability()
    assert seen.ratio is None
    for at in range(0, 105, 15):
        seen.look(at, well=at not in (30, 45))
    assert seen.observed == 90
    assert seen.ratio == pytest.approx(60 / 90)


def test_time_in_which_nobody_looked_counts_for_nothing():
    seen = Availability()
    for at in (0, 15, 15 + LONGEST_STEP + 1, 30 + LONGEST_STEP + 1):
        seen.look(at, well=True)
    assert seen.observed == 30


def test_what_is_older_than_the_window_is_forgotten():
    seen = Availability(window=60)
    for at in range(0, 300, 15):
        seen.look(at, well=at >= 200)
    assert seen.observed <= 75
    assert seen.ratio == 1.0
