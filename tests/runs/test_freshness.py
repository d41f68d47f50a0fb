"""Freshness goes by when the newest batch was delivered, and every verdict explains itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from leadscout_assets.runs.freshness import backed_up, deliveries_arrive, newest_materialized, restore_proven

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
WEEK, HOUR, MINUTE = timedelta(weeks=1), timedelta(hours=1), timedelta(minutes=1)


def test_before_the_first_delivery_nothing_is_late():
    assert deliveries_arrive(NOW, None, WEEK).fresh
    assert newest_materialized(NOW, None, None, HOUR).fresh


@pytest.mark.parametrize(("age", "fresh"), [(timedelta(0), True), (WEEK, True), (WEEK + MINUTE, False)])
def test_deliveries_are_late_once_the_newest_is_older_than_the_time_between_two(age, fresh):
    verdict = deliveries_arrive(NOW, NOW - age, WEEK)
    assert verdict.fresh is fresh
    assert "7 days are allowed" in verdict.sentence
    assert ("LEADSCOUT_DELIVER_EVERY_HOURS" in verdict.sentence) is not fresh


@pytest.mark.parametrize(("age", "fresh"), [(timedelta(0), True), (HOUR, True), (HOUR + MINUTE, False)])
def test_a_batch_not_yet_here_is_late_only_after_the_time_allowed(age, fresh):
    verdict = newest_materialized(NOW, NOW - age, None, HOUR)
    assert verdict.fresh is fresh
    assert "60 minutes" in verdict.sentence


def test_a_batch_that_is_here_is_fresh_however_long_ago_it_came():
    delivered = NOW - 10 * WEEK
    verdict = newest_materialized(NOW, delivered, delivered + 3 * MINUTE, HOUR)
    assert verdict.fresh
    assert "3 minutes after its delivery" in verdict.sentence


@pytest.mark.parametrize(("took", "fresh"), [(timedelta(0), True), (HOUR, True), (HOUR + MINUTE, False)])
def test_a_batch_that_arrived_later_than_allowed_is_not_fresh(took, fresh):
    delivered = NOW - WEEK
    assert newest_materialized(NOW, delivered, delivered + took, HOUR).fresh is fresh


def test_a_late_arrival_says_how_late_and_what_clears_it():
    delivered = NOW - WEEK
    sentence = newest_materialized(NOW, delivered, delivered + 3 * HOUR, HOUR).sentence
    assert "3 hours after its delivery, 2 hours later than allowed" in sentence
    assert "next delivery" in sentence
    assert "clears this" in sentence


def test_a_file_dated_in_the_future_gives_no_negative_ages():
    assert "0 seconds" in deliveries_arrive(NOW, NOW + HOUR, WEEK).sentence
    assert "0 seconds" in newest_materialized(NOW, NOW + HOUR, None, HOUR).sentence
    assert "0 seconds" in newest_materialized(NOW, NOW + HOUR, NOW, HOUR).sentence


@pytest.mark.parametrize(
    ("age", "words"),
    [(timedelta(seconds=30), "30 seconds"), (timedelta(minutes=5), "5 minutes"), (timedelta(hours=30), "30 hours"), (3 * WEEK, "21 days")],
)  # fmt: skip
def test_ages_are_told_in_the_unit_a_person_would_use(age, words):
    assert f"is {words} old" in deliveries_arrive(NOW, NOW - age, WEEK).sentence


def test_an_age_above_what_is_allowed_never_reads_like_what_is_allowed():
    """`2 hours old, 2 hours are allowed` would explain nothing."""
    verdict = deliveries_arrive(NOW, NOW - timedelta(hours=2, minutes=20), timedelta(hours=2))
    assert not verdict.fresh
    assert "2 hours old, 2 hours are allowed" not in verdict.sentence


AGES = pytest.mark.parametrize("judge", [backed_up, restore_proven])
DAY = timedelta(days=1)


@AGES
@pytest.mark.parametrize(("age", "fresh"), [(timedelta(0), True), (DAY, True), (DAY + MINUTE, False)])
def test_a_backup_and_a_proof_are_good_for_as_long_as_allowed(judge, age, fresh):
    verdict = judge(NOW, NOW - age, NOW - 10 * WEEK, DAY)
    assert verdict.fresh is fresh
    assert "24 hours are allowed" in verdict.sentence


@AGES
@pytest.mark.parametrize(
    ("ahead", "fresh"), [(MINUTE, True), (5 * MINUTE, True), (6 * MINUTE, False), (3 * DAY, False)]
)
def test_what_is_dated_in_the_future_is_not_young_but_of_no_age_that_could_be_told(judge, ahead, fresh):
    verdict = judge(NOW, NOW + ahead, NOW - WEEK, DAY)
    assert verdict.fresh is fresh
    assert ("ahead of the clock" in verdict.sentence) is not fresh
    assert ("0 seconds old" in verdict.sentence) is fresh


@AGES
@pytest.mark.parametrize(("waited", "fresh"), [(timedelta(0), True), (DAY, True), (DAY + MINUTE, False)])
def test_before_the_first_backup_the_oldest_delivery_counts(judge, waited, fresh):
    assert judge(NOW, None, NOW - waited, DAY).fresh is fresh


@AGES
def test_with_nothing_delivered_there_is_nothing_to_lose(judge):
    assert judge(NOW, None, None, DAY).fresh
