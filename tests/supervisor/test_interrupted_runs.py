"""Runs are failed when their process is gone for two looks in a row, and storage that is away ends nobody."""

from __future__ import annotations

import sqlite3

import pytest
from dagster import DagsterRunStatus
from dagster._core.test_utils import create_run_for_test

from leadscout_assets.defs import orphans
from leadscout_assets.settings import Settings
from leadscout_assets.supervisor import prepare_instance
from leadscout_assets.supervisor.children import Child
from leadscout_assets.supervisor.interrupted_runs import Runs


@pytest.fixture
def folder(tmp_path):
    return prepare_instance(Settings(home=tmp_path / "home")).folder


@pytest.fixture
def instance(folder):
    with orphans.open_instance(folder) as opened:
        yield opened


@pytest.fixture
def runs(folder, instance):
    return Runs(folder, folder.parent)


def status(instance, run_id):
    return instance.get_run_by_id(run_id).status


def test_a_run_without_a_process_is_failed_at_the_second_look_in_a_row(instance, runs):
    run = create_run_for_test(instance, status=DagsterRunStatus.STARTED).run_id
    runs.look(lambda: True)
    assert status(instance, run) is DagsterRunStatus.STARTED
    runs.look(lambda: False)
    runs.look(lambda: True)
    assert status(instance, run) is DagsterRunStatus.STARTED, "nobody could have launched its retry in between"
    runs.look(lambda: True)
    assert status(instance, run) is DagsterRunStatus.FAILURE
    runs.close()


def test_a_run_that_is_on_its_way_is_failed_only_before_anything_is_served(instance, runs):
    run = create_run_for_test(instance, status=DagsterRunStatus.STARTING).run_id
    for _ in range(3):
        runs.look(lambda: True)
    assert status(instance, run) is DagsterRunStatus.STARTING
    runs.fail_before_serving()
    assert status(instance, run) is DagsterRunStatus.FAILURE
    runs.close()


def test_what_a_predecessor_left_is_failed_once_its_successor_serves_so_that_the_retry_finds_a_code_server(
    instance, runs
):
    begun, never_begun = (
        create_run_for_test(instance, status=state).run_id
        for state in (DagsterRunStatus.STARTED, DagsterRunStatus.STARTING)
    )
    runs.take_over()
    assert status(instance, begun) is DagsterRunStatus.STARTED
    assert status(instance, never_begun) is DagsterRunStatus.FAILURE, "it can be on its way only from now on"
    runs.look(lambda: True)
    assert status(instance, begun) is DagsterRunStatus.FAILURE
    runs.close()


def test_storage_that_is_away_costs_a_look_and_no_more(instance, runs, folder, tmp_path, monkeypatch):
    run = create_run_for_test(instance, status=DagsterRunStatus.STARTED).run_id
    idle = Child("idle", ["true"], {}, tmp_path, None)
    with monkeypatch.context() as away:

        def fail(*_arguments, **_options):
            raise sqlite3.OperationalError("unable to open database file")

        away.setattr(type(instance), "get_runs", fail)
        runs.look(lambda: True)
        assert runs.interrupt(idle, set()), "there is nobody to interrupt"
    runs.look(lambda: True)
    runs.look(lambda: True)
    assert status(instance, run) is DagsterRunStatus.FAILURE
    with monkeypatch.context() as away:
        away.setattr(type(instance), "get_runs", fail)
        runs.close()
