"""A step is tried again where storage failed, a few times with growing pauses; never where the input is at fault."""

from __future__ import annotations

import random

import dagster as dg
import pytest

from leadscout_assets import pipeline
from leadscout_assets.defs.retrying import pause
from leadscout_assets.errors import BadInput, DamagedBackup, Defect, EdgeFailed, TookTooLong
from leadscout_assets.tables import Tables
from tests.defs.ground import opened, small_list
from tests.purposes import IN_TESTS


@pytest.fixture
def ground(home):
    settings = home.model_copy(
        update={
            "retry_seconds": 0.01,
            **IN_TESTS,
            "retries": "lead_scores=1,*=2",
        }
    )
    with opened(settings) as ground:
        yield ground


def failing(times: int, error: Exception, works):
    """Return `works` so that it fails so many times first, and the number of calls."""
    calls = []

    def call(*arguments, **named):
        calls.append(1)
        if len(calls) <= times:
            raise error
        return works(*arguments, **named)

    return call, calls


def tries(ground, run) -> list[str]:
    return [event.step_key for event in ground.events(run, dg.DagsterEventType.STEP_UP_FOR_RETRY)]


def test_storage_that_comes_back_costs_a_try_and_no_finished_step_is_repeated(ground, monkeypatch):
    batch = ground.deliver("a.csv", small_list(1)).batch_id
    call, calls = failing(2, EdgeFailed("the disk is away"), pipeline.validate)
    monkeypatch.setattr(pipeline, "validate", call)
    run = ground.run([batch])
    assert run.is_success
    assert tries(ground, run) == ["leads", "leads"]
    assert len(calls) == 3
    assert len(ground.events(run, dg.DagsterEventType.ASSET_MATERIALIZATION)) == 6


def test_a_failing_write_of_a_table_is_tried_again_too(ground, monkeypatch):
    batch = ground.deliver("a.csv", small_list(1)).batch_id
    call, _ = failing(1, EdgeFailed("table raw_leads was not written"), Tables.replace)
    monkeypatch.setattr(Tables, "replace", lambda self, *rest: call(self, *rest))
    run = ground.run([batch])
    assert run.is_success
    assert tries(ground, run) == ["raw_leads"]


def test_it_is_given_up_after_as_many_tries_as_the_setting_says_and_fails_as_itself(ground, monkeypatch):
    batch = ground.deliver("a.csv", small_list(1)).batch_id
    call, calls = failing(99, EdgeFailed("the disk is away"), pipeline.score)
    monkeypatch.setattr(pipeline, "score", call)
    run = ground.run([batch])
    assert run.is_failure
    assert len(calls) == 2
    (failure, *_) = ground.events(run, dg.DagsterEventType.STEP_FAILURE)
    assert "the disk is away" in str(failure.step_failure_data.error)
    assert "max_retries" not in str(failure.step_failure_data.error)


@pytest.mark.parametrize(
    "error",
    [
        BadInput("the file"),
        Defect("a defect"),
        TookTooLong("too long"),
        DamagedBackup("a backup"),
        KeyError("anything"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_cannot_succeed_later_is_not_tried_again(ground, monkeypatch, error):
    batch = ground.deliver("a.csv", small_list(1)).batch_id
    call, calls = failing(99, error, pipeline.validate)
    monkeypatch.setattr(pipeline, "validate", call)
    run = ground.run([batch])
    assert run.is_failure
    assert (len(calls), tries(ground, run)) == (1, [])


def test_a_time_limit_of_a_step_fails_it_and_names_the_setting(home, monkeypatch):
    settings = home.model_copy(update={"time_limits": "leads=0", "retry_seconds": 0.01})
    with opened(settings) as ground:
        batch = ground.deliver("a.csv", small_list(1)).batch_id
        run = ground.run([batch])
        assert run.is_failure
        (failure, *_) = ground.events(run, dg.DagsterEventType.STEP_FAILURE)
        assert "LEADSCOUT_TIME_LIMITS" in str(failure.step_failure_data.error)


def test_pauses_double_and_differ_and_stay_within_their_bounds():
    dice = random.Random(1)
    for tried in range(5):
        found = [pause(2.0, tried, dice=dice) for _ in range(200)]
        assert 2.0**tried <= min(found) < max(found) <= 2.0 * 2.0**tried
        assert len(set(found)) > 100
