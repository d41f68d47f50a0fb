"""Runs and schedules on connections that are kept: the same files and records as Dagster's own, whoever opens, moves or replaces them.

That processes that write at once lose nothing, of runs either, `test_event_log` shows.
"""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import psutil
import pytest
from dagster._core.errors import DagsterRunAlreadyExists
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.schedules import SqliteScheduleStorage

from leadscout_assets.defs.orphans import open_instance
from leadscout_assets.defs.sqlite_storage import PooledSqliteRunStorage, PooledSqliteScheduleStorage
from leadscout_assets.settings import Settings
from leadscout_assets.supervisor import prepare_instance


@pytest.fixture
def folder(tmp_path: Path, opened_once: Path) -> Path:
    """The folder of an instance that was opened once."""
    shutil.copytree(opened_once, tmp_path / "home")
    return prepare_instance(Settings(home=tmp_path / "home")).folder


def add_run(folder: Path, job: str) -> None:
    with open_instance(folder) as instance:
        instance.add_run(dg.DagsterRun(job_name=job))


def jobs(folder: Path) -> set[str]:
    with open_instance(folder) as instance:
        return {run.job_name for run in instance.get_runs()}


def files_open(folder: Path) -> list[str]:
    """Which databases below a folder this process holds open, once for each time."""
    files = (Path(file.path) for file in psutil.Process().open_files())
    return sorted(file.name for file in files if folder in file.parents and file.suffix == ".db")


def test_the_embedded_instance_keeps_runs_and_schedules_in_them(folder):
    with open_instance(folder) as instance:
        assert type(instance.run_storage) is PooledSqliteRunStorage
        assert type(instance.schedule_storage) is PooledSqliteScheduleStorage


def test_a_new_home_gets_the_tables_that_dagster_makes(tmp_path):
    folder = prepare_instance(Settings(home=tmp_path / "home")).folder
    add_run(folder, "aloe")
    with open_instance(folder) as instance:
        assert (
            instance.run_storage.alembic_version()
            == SqliteRunStorage.from_local(str(folder / "history")).alembic_version()
        )
        assert isinstance(instance.schedule_storage, PooledSqliteScheduleStorage)
        assert instance.schedule_storage.has_built_index("schedule_jobs_selector_id")
    assert jobs(folder) == {"aloe"}


def test_what_they_wrote_is_read_by_dagsters_own_from_dagsters_own_place(folder):
    add_run(folder, "aloe")
    assert [run.job_name for run in SqliteRunStorage.from_local(str(folder / "history")).get_runs()] == ["aloe"]
    assert SqliteScheduleStorage.from_local(str(folder / "schedules")).all_instigator_state() == []


def test_what_fails_is_taken_back_and_the_connection_is_used_again(folder):
    with open_instance(folder) as instance:
        run = dg.DagsterRun(job_name="aloe")
        instance.add_run(run)
        with pytest.raises(DagsterRunAlreadyExists):
            instance.add_run(run)
        instance.add_run(dg.DagsterRun(job_name="buchu"))
    assert jobs(folder) == {"aloe", "buchu"}


def test_a_home_that_was_moved_or_made_again_is_another(folder, tmp_path):
    add_run(folder, "aloe")
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    add_run(folder, "buchu")
    shutil.rmtree(folder)
    copy.rename(folder)
    assert jobs(folder) == {"aloe"}


def test_opening_an_instance_again_and_again_opens_no_further_files(folder):
    for number in range(3):
        add_run(folder, f"job-{number}")
    once = files_open(folder)
    for number in range(20):
        add_run(folder, f"another-{number}")
    assert files_open(folder) == once


def test_threads_that_ask_at_once_are_all_answered(folder):
    with open_instance(folder) as instance, ThreadPoolExecutor(12) as threads:
        list(threads.map(lambda number: instance.add_run(dg.DagsterRun(job_name=f"job-{number}")), range(60)))
        assert instance.get_runs_count() == 60
