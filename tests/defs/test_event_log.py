"""The event log that keeps its connections: the same files and records as Dagster's own, and no more open files than it says."""

from __future__ import annotations

import gc
import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import dagster as dg
import psutil
import pytest
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from leadscout_assets.defs.event_log import FOLDER, OPEN_SHARDS, PooledSqliteEventLogStorage
from leadscout_assets.defs.orphans import open_instance
from leadscout_assets.settings import Settings
from leadscout_assets.supervisor import prepare_instance

KEY = dg.AssetKey("kraal")

WRITER = """
import sys, dagster as dg
with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
    for number in range(40):
        instance.report_runless_asset_event(dg.AssetMaterialization("kraal", partition=f"{sys.argv[2]}-{number}"))
        instance.add_run(dg.DagsterRun(job_name=f"{sys.argv[2]}-{number}"))
"""


@pytest.fixture
def folder(tmp_path: Path, opened_once: Path) -> Path:
    """The folder of an instance that was opened once."""
    shutil.copytree(opened_once, tmp_path / "home")
    return prepare_instance(Settings(home=tmp_path / "home")).folder


def materialize(instance: dg.DagsterInstance) -> str:
    @dg.asset(name="kraal")
    def kraal() -> None: ...

    return dg.materialize([kraal], instance=instance).run_id


def open_databases(folder: Path) -> list[str]:
    """Which databases of the event log this process holds open, by name."""
    files = (Path(file.path) for file in psutil.Process().open_files())
    return sorted({file.name for file in files if file.parent == folder / FOLDER and file.suffix == ".db"})


def test_the_embedded_instance_keeps_its_event_log_in_it(folder):
    with open_instance(folder) as instance:
        assert type(instance.event_log_storage) is PooledSqliteEventLogStorage
        assert not instance.event_log_storage.get_asset_records()


def test_what_it_wrote_is_read_by_dagsters_own_event_log_from_dagsters_own_place(folder):
    with open_instance(folder) as instance:
        run = materialize(instance)
        told = [record.event_log_entry for record in instance.get_records_for_run(run).records]
    theirs = SqliteEventLogStorage(str(folder / "history" / "runs"))
    assert [record.event_log_entry for record in theirs.get_records_for_run(run).records] == told
    assert [record.asset_entry.asset_key for record in theirs.get_asset_records([KEY])] == [KEY]


def test_an_instance_that_was_moved_is_opened_where_it_lies_now(folder, tmp_path):
    with open_instance(folder) as instance:
        run = materialize(instance)
    moved = tmp_path / "moved"
    folder.rename(moved)
    with open_instance(moved) as instance:
        assert instance.get_records_for_run(run).records
    assert not folder.exists()


def test_however_many_runs_are_read_only_so_many_databases_stay_open(folder):
    with open_instance(folder) as instance:
        runs = [materialize(instance) for _ in range(OPEN_SHARDS + 2)]
        for run in runs:
            assert instance.get_records_for_run(run).records
        gc.collect()
        assert len(open_databases(folder)) <= OPEN_SHARDS


def test_an_instance_that_is_closed_holds_nothing_open(folder):
    with open_instance(folder) as instance:
        materialize(instance)
        assert open_databases(folder)
    gc.collect()
    assert open_databases(folder) == []


def test_after_a_wipe_it_is_written_to_anew(folder):
    with open_instance(folder) as instance:
        gone = materialize(instance)
        instance.event_log_storage.wipe()
        assert not instance.get_records_for_run(gone).records
        kept = materialize(instance)
        assert instance.get_records_for_run(kept).records
    assert (folder / FOLDER / f"{kept}.db").is_file()


def test_the_log_of_a_run_has_the_tables_that_dagster_would_make(folder, tmp_path):
    with open_instance(folder) as instance:
        run = materialize(instance)
    theirs = SqliteEventLogStorage(str(tmp_path / "theirs"))
    with theirs.run_connection("run"):
        pass
    assert schema(folder / FOLDER / f"{run}.db") == schema(tmp_path / "theirs" / "run.db")


def schema(file: Path) -> tuple[set[tuple[str, str]], str, str]:
    with closing(sqlite3.connect(file)) as database:
        made = set(database.execute("SELECT name, sql FROM sqlite_master"))
        ((version,),) = database.execute("SELECT version_num FROM alembic_version")
        ((journal,),) = database.execute("PRAGMA journal_mode")
    return made, version, journal


def test_who_makes_the_log_of_a_run_at_the_same_moment_loses_nothing(folder):
    runs = [dg.DagsterRun(job_name="kraal") for _ in range(10)]
    start = Barrier(4)

    def write(_: int) -> None:
        with dg.DagsterInstance.from_config(str(folder)) as instance:
            for run in runs:
                start.wait(60)
                instance.report_engine_event("hello", run)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    with open_instance(folder) as instance:
        assert [len(instance.get_records_for_run(run.run_id).records) for run in runs] == [4] * 10


def test_processes_that_write_at_once_lose_nothing(folder):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(folder), name]) for name in ("aloe", "buchu")]
    assert [writer.wait(120) for writer in writers] == [0, 0]
    with open_instance(folder) as instance:
        partitions = instance.get_materialized_partitions(KEY)
        jobs = {run.job_name for run in instance.get_runs()}
    assert partitions == jobs == {f"{name}-{number}" for name in ("aloe", "buchu") for number in range(40)}
