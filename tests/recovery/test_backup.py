"""Taking a backup: of a home in use, at one moment, of everything, and nothing is copied twice."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from leadscout_assets.contracts import REJECTED_LEADS
from leadscout_assets.database.engine import HEAD
from leadscout_assets.errors import BadInput, EdgeFailed
from leadscout_assets.home import Home
from leadscout_assets.recovery import backup, sqlite, table_versions
from leadscout_assets.recovery.by_hand import restore_by_hand
from leadscout_assets.recovery.proofs import Proof, remember
from leadscout_assets.recovery.repository import Repository
from leadscout_assets.settings import read_settings
from leadscout_assets.tables import Tables
from tests import scenario
from tests.recovery.conftest import ONE, TWO, Living, contents, flip, rejected


def paths(living: Living) -> set[str]:
    return {file.path for file in living.repository.newest().files}


def test_a_backup_holds_all_that_a_home_needs_and_nothing_of_this_machine(living):
    living.back_up()
    found = paths(living)
    assert {"keys/lead-id.key", "database/leadscout.sqlite", f"reports/{ONE}/{ONE}.html"} <= found
    assert {"dagster/.storage-made", "dagster/history/runs.db", "dagster/history/runs/.db"} <= found
    assert sum(path.startswith("deliveries/") for path in found) == 2
    assert sum(path.endswith(".parquet") for path in found) == 3
    assert [path for path in found if path.endswith(("workspace.yaml", "-wal", "-shm"))] == []
    assert [path for path in found if path.startswith(("inbox", "logs", "backups"))] == []


def test_the_manifest_tells_version_rows_and_digest_of_each_table_and_the_rows_of_the_database(living):
    living.back_up()
    manifest = living.repository.newest()
    assert {(table.name, table.version, table.rows) for table in manifest.tables} == {
        ("rejected_leads", 2, 7),
        ("lead_reports", 1, 1),
    }
    (database,) = manifest.databases
    assert (database.name, database.revision, database.rows["deliveries"]) == ("application", HEAD, 1)


def test_a_database_that_lies_elsewhere_comes_back_in_the_home(living, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere.sqlite"
    shutil.move(living.root / "database" / "leadscout.sqlite", elsewhere)
    monkeypatch.setenv("LEADSCOUT_DATABASE_URL", f"sqlite:///{elsewhere}")
    living.settings = read_settings()
    living.back_up()
    living.restore(tmp_path / "restored")
    restored = Home(read_settings(home=tmp_path / "restored", database_url=None))
    assert len(restored.records.all()) == 1
    restored.database.close()


def test_a_folder_that_nobody_told_it_of_is_backed_up_too(living):
    (living.root / "later" / "version").mkdir(parents=True)
    (living.root / "later" / "version" / "state.json").write_text("{}")
    (living.root / "later" / ".unfinished").write_text("{}")
    living.back_up()
    assert {path for path in paths(living) if path.startswith("later")} == {"later/version/state.json"}


def test_a_second_backup_of_the_same_home_copies_nothing_and_reads_no_table(living, monkeypatch):
    living.grow_old()
    first = living.back_up()
    monkeypatch.setattr(table_versions.DataFile, "content", lambda _: pytest.fail("it was read again"))
    second = living.back_up()
    assert (second.new_files, second.new_bytes) == (0, 0)
    assert (second.files, second.rows) == (first.files, first.rows)


def test_the_next_backup_copies_what_changed_and_no_more(living):
    living.grow_old()
    living.back_up()
    living.reject(TWO, 5)
    second = living.back_up()
    # One data file and one commit of its table.
    assert second.new_files == 2
    assert second.rows == 3 + 5 + 1


def test_what_is_only_in_the_log_of_a_database_is_in_the_backup(living):
    living.grow_old()
    living.back_up()
    index = living.settings.dagster_dir / "history" / "runs" / "index.db"
    with closing(sqlite3.connect(index)) as writer:
        writer.execute("PRAGMA wal_autocheckpoint=0")
        writer.execute("INSERT INTO events VALUES (2)")
        writer.commit()
        writer.execute("INSERT INTO events VALUES (3)")  # not committed: not there
        living.back_up()
    copy = living.object_of("dagster/history/runs/index.db")
    assert sqlite.look_inside(copy).rows == {"events": 2}


def test_a_damaged_database_makes_no_backup(living):
    path = living.settings.dagster_dir / "history" / "runs.db"
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    with pytest.raises(EdgeFailed, match=r"runs\.db"):
        living.back_up()
    assert living.repository.ids() == []


def test_what_is_done_while_a_backup_is_taken_is_not_claimed_by_it_but_not_lost_either(living, tmp_path, monkeypatch):
    """Databases come first: a record without its file would be a delivery that a restore cannot run."""
    one_moment, late = table_versions.one_moment, []

    def deliver_meanwhile(root):
        more = scenario.scenario_csv(tmp_path / "later.csv", delimiter=";")
        late.append(living.home.deliver(more, now=datetime.now(UTC)).delivery)
        return one_moment(root)

    monkeypatch.setattr(table_versions, "one_moment", deliver_meanwhile)
    living.back_up()
    living.restore(tmp_path / "restored")
    restored = Home(read_settings(home=tmp_path / "restored"))
    assert restored.records.by_sha256(late[0].sha256) is None
    assert restored.store.path(late[0].sha256).exists()
    assert restored.deliver(restored.store.path(late[0].sha256), now=datetime.now(UTC)).delivery == late[0]
    restored.database.close()


def test_each_table_is_at_one_whole_version_while_writers_replace_batches(living, tmp_path):
    """Both batches say the same number at every version: no restore may find two numbers, or some rows of one."""
    stop = threading.Event()

    def write() -> None:
        tables, number = Tables(living.settings.tables_dir), 0
        while not stop.is_set():
            number += 1
            rows = [rejected(batch, 50 + number % 3, f'{{"n": {number}}}') for batch in (ONE, TWO)]
            tables.replace(REJECTED_LEADS, pa.concat_tables(rows), [ONE, TWO])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        taken = [living.back_up(to=tmp_path / "backups").backup_id for _ in range(3)]
    finally:
        stop.set()
        writer.join()
    living.repository = Repository(tmp_path / "backups")
    for number, backup_id in enumerate(taken):
        target = tmp_path / f"restored {number}"
        living.restore(target, backup_id)
        rows = Tables(target / "tables").read(REJECTED_LEADS, [ONE, TWO])
        (said,) = set(rows["row"].to_pylist())
        assert said == "{}" or rows.num_rows == 2 * (50 + int(said[6:-1]) % 3)


def test_tables_that_never_hold_still_make_no_backup(living, monkeypatch):
    monkeypatch.setattr(table_versions, "LOOKS", 3)
    monkeypatch.setattr(table_versions, "PAUSE_SECONDS", 0.0)
    numbers = iter(range(100))
    monkeypatch.setattr(table_versions, "_versions", lambda _: {"leads": next(numbers)})
    with pytest.raises(EdgeFailed, match="changed at every look"):
        living.back_up()


def test_a_table_whose_files_are_gone_makes_no_backup(living):
    for data in (living.settings.tables_dir / "rejected_leads").rglob("*.parquet"):
        data.unlink()
    with pytest.raises(EdgeFailed, match="lacks files"):
        living.back_up()


@pytest.mark.parametrize("step", ["9", "manifest"])
def test_a_backup_that_is_killed_does_not_count_and_the_next_one_is_whole(living, tmp_path, step):
    target = tmp_path / "backups"
    command = [sys.executable, "-m", "tests.recovery.killed", "backup", step, str(target)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert Repository(target).ids() == []
    living.back_up(to=target)
    living.repository = Repository(target)
    living.restore(tmp_path / "restored")
    assert contents(tmp_path / "restored").items() <= contents(living.root).items()
    assert list(target.glob(".new-*")) == []


def test_only_as_many_backups_as_set_are_kept_and_the_last_proven_one(living):
    living.settings = living.settings.model_copy(update={"backups_kept": 2})
    proven = living.back_up().backup_id
    remember(living.repository, Proof(proven, datetime.now(UTC), True, "as it was", 1.0))
    others = [living.back_up().backup_id for _ in range(3)]
    assert living.repository.ids() == [proven, *others[1:]]


def test_the_newest_backup_is_the_one_taken_last_also_where_the_clock_was_set_back_before_it(living, tmp_path):
    """The older one, dated ahead, was restored without a word, and the new one removed by the backup that had just made it."""
    now = datetime.now(UTC)
    living.settings = living.settings.model_copy(update={"backups_kept": 1})
    ahead = living.back_up(now=now + timedelta(days=3)).backup_id
    living.reject(TWO, 9)
    taken = [living.back_up(now=now), living.back_up(now=now)]
    assert ahead < taken[0].backup_id < taken[1].backup_id
    assert living.repository.ids() == [taken[1].backup_id]
    restored = restore_by_hand(living.settings, living.repository.root, tmp_path / "restored", None)
    assert (restored.backup_id, restored.taken_at) == (taken[1].backup_id, now)
    assert Tables(tmp_path / "restored" / "tables").rows(REJECTED_LEADS, [TWO]) == {TWO: 9}


def test_a_failed_restore_makes_the_next_backup_read_everything_and_mend_what_is_damaged(living, tmp_path):
    living.grow_old()
    living.back_up()
    damaged = living.object_of("keys/lead-id.key")
    flip(damaged)
    living.back_up()
    assert damaged.read_bytes() != living.home.lead_id_key
    remember(living.repository, Proof("any", datetime.now(UTC), False, "damaged", 1.0))
    assert living.back_up().new_files == 1
    living.restore(tmp_path / "restored")


def test_a_disk_that_does_not_keep_what_is_written_is_found_out(living, monkeypatch):
    keep = Repository._keep

    def forgetful(self, *args, **kwargs):
        stored = keep(self, *args, **kwargs)
        if stored.new and stored.size == 32:
            flip(self.object_path(stored.sha256))
        return stored

    monkeypatch.setattr(Repository, "_keep", forgetful)
    with pytest.raises(EdgeFailed, match=r"lead-id\.key was not stored as it was read"):
        living.back_up()
    assert living.repository.ids() == []


def test_a_folder_that_cannot_be_listed_is_no_folder_without_files(living, monkeypatch):
    scandir = os.scandir

    def denied(path=".", *rest):
        if str(path).endswith("reports"):
            raise PermissionError(13, "Permission denied")
        return scandir(path, *rest)

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(EdgeFailed, match="the home cannot be read: Permission denied"):
        living.back_up()
    assert living.repository.ids() == []


def test_a_database_that_is_deleted_meanwhile_is_left_out(living, monkeypatch):
    """Dagster deletes a run's events with the run."""
    gone, original = living.settings.dagster_dir / "history" / "runs" / "index.db", sqlite.copy

    def deleted_first(source, target):
        if source == gone:
            source.unlink()
        original(source, target)

    monkeypatch.setattr(sqlite, "copy", deleted_first)
    living.back_up()
    assert "dagster/history/runs/index.db" not in paths(living)
    assert "dagster/history/runs.db" in paths(living)


def test_a_home_that_is_not_there_is_no_empty_backup(home):
    with pytest.raises(BadInput, match="LEADSCOUT_HOME"):
        backup.take_backup(home)


def test_backups_do_not_go_where_they_would_hold_themselves(living):
    with pytest.raises(BadInput, match="must not hold the home"):
        living.back_up(to=living.root.parent)


def test_backups_within_the_home_are_not_backed_up_wherever_they_lie(living):
    living.back_up()
    living.back_up(to=living.root / "reports" / "mine")
    living.repository = Repository(living.root / "reports" / "mine")
    assert [path for path in paths(living) if "mine" in path or "backups" in path] == []
