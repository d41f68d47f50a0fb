"""Faults under the chain: a disk that fills up, two runs on one batch at once, and a clock that jumps."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine

from leadscout_assets.contracts import LEADS, RAW_LEADS
from leadscout_assets.defs.execution import run_here
from leadscout_assets.defs.inbox_sensor import tick
from leadscout_assets.errors import EdgeFailed
from leadscout_assets.lead_tables import LEAD_TABLES
from leadscout_assets.runs.freshness import deliveries_arrive, newest_materialized
from leadscout_assets.settings import read_settings
from tests.defs.ground import MORNING, Ground, in_use, opened, small_list

DISK_MB = 24
ROWS = 400

RUN = """
import sys
from pathlib import Path
from leadscout_assets.defs.execution import run_here
from leadscout_assets.defs.orphans import open_instance
from leadscout_assets.settings import current_settings
with open_instance(current_settings().dagster_dir) as instance:
    sys.exit(0 if run_here(instance, [sys.argv[1]]) else 1)
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = (
        shutil.which("mount")
        and os.geteuid() == 0
        and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", disk], capture_output=True, check=False
        ).returncode
        == 0
    )
    if not mounted:
        pytest.skip("this user may not mount a file system; the limit on file sizes is tested all the same")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def fill(disk: Path, leave: int) -> Path:
    """Fill the disk up to `leave` bytes."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        file.truncate(0)
        free = shutil.disk_usage(disk).free - leave
        while free > 0:
            free -= file.write(b"\0" * min(free, 1 << 16))
            file.flush()
    return filler


def rows_of(ground: Ground, *batches: str) -> list[object]:
    return [ground.rows(table, *batches) for table in LEAD_TABLES]


class TestFullDisk:
    def test_whatever_write_hits_it_the_tables_stay_whole_and_it_goes_on_once_there_is_room(
        self, small_disk, opened_once
    ):
        home = small_disk / "home"
        shutil.copytree(opened_once, home)
        with opened(read_settings(home=home)) as ground:
            first = ground.deliver("leads one.csv", small_list(1, rows=ROWS))
            assert ground.run([first.batch_id]).is_success
            before = rows_of(ground, first.batch_id)
            second = ground.deliver("leads two.csv", small_list(2, rows=ROWS))
            failed = []
            # At each of these another write is the one that finds no room: the event log's, a table's, a report's.
            for leave in (0, 250_000, 1_000_000):
                filler = fill(small_disk, leave)
                failed.append(not succeeds(ground, second.batch_id))
                filler.unlink()
                assert rows_of(ground, first.batch_id) == before
                for table in LEAD_TABLES[:2]:
                    assert ground.home.tables.rows(table, [second.batch_id]).get(second.batch_id, 0) in (0, ROWS)
            assert any(failed)
            assert ground.run([second.batch_id]).is_success
            assert ground.home.tables.rows(LEADS, [second.batch_id]) == {second.batch_id: ROWS}
            assert rows_of(ground, first.batch_id) == before

    def test_a_delivery_that_does_not_fit_is_refused_in_a_sentence_and_taken_once_there_is_room(
        self, small_disk, opened_once
    ):
        home = small_disk / "home"
        shutil.copytree(opened_once, home)
        with opened(read_settings(home=home)) as ground:
            path = ground.file("leads.csv", small_list(3, rows=ROWS))
            filler = fill(small_disk, 4_096)
            with pytest.raises(EdgeFailed, match="space"):
                ground.home.deliver(path, now=MORNING)
            filler.unlink()
            assert list(ground.home.records.all()) == []
            assert ground.home.deliver(path, now=MORNING).delivery.rows_counted == ROWS
            assert len(ground.home.records.all()) == 1

    def test_a_limit_on_the_size_of_files_fails_the_run_and_leaves_the_tables_whole(self, ground):
        batch = ground.deliver("leads.csv", small_list(4, rows=ROWS)).batch_id
        assert run_apart(ground, batch, limit=20_000) != 0
        assert ground.home.tables.rows(RAW_LEADS, [batch]).get(batch, 0) in (0, ROWS)
        assert ground.run([batch]).is_success
        assert ground.home.tables.rows(LEADS, [batch]) == {batch: ROWS}


def succeeds(ground: Ground, batch: str) -> bool:
    """Run a batch; where Dagster's own event log finds no room, the sentence must say so."""
    try:
        return run_here(ground.instance, [batch])
    except EdgeFailed as fault:
        return "space" not in str(fault)


def run_apart(ground: Ground, batch: str, limit: int) -> int:
    """Run a batch in a process of its own and return its exit code; `limit` is the largest file it may write, bytes."""
    return start(ground, batch, limit).wait(240)


def start(ground: Ground, batch: str, limit: int | None = None) -> subprocess.Popen[bytes]:
    def limited() -> None:
        if limit is not None:
            # The event log and the database have grown beyond it already, and may not fail first.
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    environment = os.environ | {"LEADSCOUT_HOME": str(ground.settings.home)}
    return subprocess.Popen(
        [sys.executable, "-c", RUN, batch],
        env=environment,
        preexec_fn=limited,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_two_runs_on_one_batch_at_once_leave_its_rows_once(ground):
    batch = ground.deliver("leads.csv", small_list(5, rows=ROWS)).batch_id
    both = [start(ground, batch) for _ in range(2)]
    assert 0 in [process.wait(240) for process in both]
    for table in LEAD_TABLES:
        rows = {"rejected_leads": {}, "lead_reports": {batch: 3}}.get(table.name, {batch: ROWS})
        assert ground.home.tables.rows(table, [batch]) == rows, table.name
    assert ground.run([batch]).is_success


class TestClockSteps:
    @pytest.mark.parametrize(
        "step",
        [
            timedelta(days=-400),
            pytest.param(timedelta(hours=-1), marks=pytest.mark.soak),
            pytest.param(timedelta(hours=1), marks=pytest.mark.soak),
            timedelta(days=400),
        ],
    )
    def test_a_file_dropped_before_a_step_is_taken_and_reported_after_it(self, ground, step):
        with in_use(ground.settings):
            ground.drop("leads.csv", small_list(6))
            with time_machine.travel(MORNING + step, tick=True):
                requests = tick(ground.instance, ground.home, now=MORNING + step)
            (record,) = ground.home.records.all()
            assert [request.batches for request in requests] == [(record.batch_id,)]
            assert ground.run([record.batch_id]).is_success
            # The clock is set right again: the batch is done, and is not asked for once more.
            assert tick(ground.instance, ground.home, now=MORNING) == ()

    def test_a_delivery_from_the_future_is_not_late(self):
        tomorrow, within = MORNING + timedelta(days=1), timedelta(minutes=60)
        assert newest_materialized(MORNING, tomorrow, None, within).fresh
        assert newest_materialized(MORNING, tomorrow, MORNING, within).fresh
        assert deliveries_arrive(MORNING, tomorrow, timedelta(hours=1)).fresh
