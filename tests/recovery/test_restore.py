"""Restoring: a whole home that is proven, or none; damage is named, and nothing that is there is overwritten."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from leadscout_assets.contracts import LEAD_REPORTS, REJECTED_LEADS
from leadscout_assets.database.audit import events, record_event
from leadscout_assets.errors import AlreadyRunning, BadInput, BadSetting, DamagedBackup, EdgeFailed
from leadscout_assets.governance.anchors import anchor, verify_trail
from leadscout_assets.home import Home
from leadscout_assets.recovery import restore as restoring
from leadscout_assets.recovery.by_hand import restore_by_hand
from leadscout_assets.recovery.proofs import last_proven, proofs
from leadscout_assets.settings import read_settings
from tests.recovery.conftest import ONE, TWO, contents, flip


@pytest.fixture
def target(tmp_path):
    return tmp_path / "somewhere" / "restored"


def test_a_restored_home_has_the_same_files_tables_deliveries_and_key(living, target):
    before = contents(living.root)
    living.back_up()
    living.restore(target)
    gone = {path for path in before if path.endswith(("workspace.yaml", "_last_checkpoint"))}
    assert contents(target) == {path: sha for path, sha in before.items() if path not in gone}
    restored = Home(read_settings(home=target))
    assert restored.lead_id_key == living.home.lead_id_key
    assert restored.records.all() == living.home.records.all()
    for contract in (REJECTED_LEADS, LEAD_REPORTS):
        assert restored.tables.read(contract, [ONE, TWO]) == living.home.tables.read(contract, [ONE, TWO])
    restored.database.close()


def test_a_restored_home_is_its_owners_alone_and_can_be_written_to(living, target):
    living.back_up()
    living.restore(target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in target.rglob("*") if path.is_file()} == {0}
    restored = Home(read_settings(home=target))
    restored.tables.replace(REJECTED_LEADS, living.home.tables.read(REJECTED_LEADS, [ONE]), [ONE])
    assert restored.tables.rows(REJECTED_LEADS, [ONE, TWO]) == {ONE: 3, TWO: 4}


def test_a_table_whose_log_was_shortened_comes_back_and_can_be_maintained_there(living, target):
    """The nightly maintenance leaves a checkpoint in place of the first commits."""
    tables = living.home.tables
    for rows in (5, 6):
        living.reject(ONE, rows)
        tables.maintain(REJECTED_LEADS, timedelta(hours=1))
    living.back_up()
    assert any("checkpoint" in file.path for file in living.repository.newest().files)
    living.restore(target)
    restored = Home(read_settings(home=target)).tables
    assert restored.read(REJECTED_LEADS, [ONE, TWO]) == tables.read(REJECTED_LEADS, [ONE, TWO])
    assert restored.maintain(REJECTED_LEADS, timedelta(hours=1)) is not None
    restored.replace(REJECTED_LEADS, tables.read(REJECTED_LEADS, [TWO]), [TWO])
    assert restored.rows(REJECTED_LEADS, [ONE, TWO]) == {ONE: 6, TWO: 4}


def test_what_was_compared_is_told_table_by_table(living, target):
    living.back_up()
    restored = living.restore(target)
    assert {(one.name, one.kind, one.rows_backed_up, one.rows, one.equal) for one in restored.compared} == {
        ("application", "sqlite", 3, 3, True),
        ("rejected_leads", "table", 7, 7, True),
        ("lead_reports", "table", 1, 1, True),
    }
    assert "2 tables with 8 rows and the application database" in restored.sentence


def test_an_older_backup_is_restored_where_it_is_named(living, target):
    first = living.back_up().backup_id
    living.reject(ONE, 9)
    living.back_up()
    restore_by_hand(living.settings, living.repository.root, target, first)
    assert Home(read_settings(home=target)).tables.rows(REJECTED_LEADS, [ONE]) == {ONE: 3}


def test_where_the_latest_date_lies_ahead_of_the_clock_a_person_says_which_backup_is_the_newest(living, target):
    """A folder of a version whose ids went by the clock alone: what was taken last stands before the one dated ahead."""
    now = datetime.now(UTC)
    ahead = living.back_up(now=now + timedelta(days=3)).backup_id
    restore_by_hand(living.settings, living.repository.root, target, None)  # there is but one
    last = f"{now:%Y-%m-%dT%H-%M-%S.%fZ}"
    living.repository.write(replace(living.repository.newest(), backup_id=last, taken_at=now))
    with pytest.raises(BadInput, match=f"{ahead}, is dated ahead of the clock.*--backup.*{last}"):
        restore_by_hand(living.settings, living.repository.root, target.with_name("other"), None)
    assert restore_by_hand(living.settings, living.repository.root, target.with_name("other"), last).backup_id == last


def test_an_empty_folder_is_a_place_and_one_in_use_is_refused(living, target):
    living.back_up()
    target.mkdir(parents=True)
    living.restore(target)
    before = contents(target)
    with pytest.raises(BadInput, match="not empty"):
        living.restore(target)
    assert contents(target) == before


@pytest.mark.parametrize("path", ["keys/lead-id.key", "database/leadscout.sqlite", "dagster/history/runs.db"])
def test_a_flipped_byte_is_found_and_named_and_no_home_is_there(living, target, path):
    living.back_up()
    flip(living.object_of(path))
    with pytest.raises(DamagedBackup, match=f"^{path} is damaged"):
        living.restore(target)
    assert list(target.parent.iterdir()) == []


def test_what_is_missing_or_cut_is_named_before_anything_is_written(living, target):
    living.back_up()
    living.object_of("keys/lead-id.key").unlink()
    with pytest.raises(DamagedBackup, match=r"^keys/lead-id\.key is missing or cut"):
        living.restore(target)
    assert not target.parent.exists()


def test_a_damaged_manifest_is_named(living, target):
    backup_id = living.back_up().backup_id
    flip(living.repository.root / "manifests" / f"{backup_id}.json")
    with pytest.raises(DamagedBackup, match=backup_id):
        restore_by_hand(living.settings, living.repository.root, target, None)


def test_a_table_that_does_not_come_back_as_it_was_is_told_with_its_rows(living, target):
    """Its files are whole: only counting and reading the restored table can tell."""
    living.back_up()
    manifest = living.repository.newest()
    changed = tuple(replace(table, rows=table.rows + 1, digest="0" * 32) for table in manifest.tables)
    with pytest.raises(DamagedBackup, match="table rejected_leads has 7 rows instead of 8"):
        restoring.restore(living.repository, replace(manifest, tables=changed), target, lambda *_: None)
    same_rows = tuple(replace(table, digest="0" * 32) for table in manifest.tables)
    with pytest.raises(DamagedBackup, match="rejected_leads has its 7 rows, but not the same ones"):
        restoring.restore(living.repository, replace(manifest, tables=same_rows), target, lambda *_: None)
    assert not target.exists()


def test_a_table_that_cannot_be_opened_any_more_is_no_exception_of_a_library(living, target):
    living.back_up()
    manifest = living.repository.newest()
    without = tuple(file for file in manifest.files if not file.path.endswith("00000000000000000000.json"))
    with pytest.raises(DamagedBackup, match="rejected_leads has 0 rows instead of 7"):
        restoring.restore(living.repository, replace(manifest, files=without), target, lambda *_: None)


def test_a_backup_of_a_newer_schema_is_refused(living, target):
    living.back_up()
    manifest = living.repository.newest()
    newer = tuple(replace(database, revision="9999") for database in manifest.databases)
    with pytest.raises(BadInput, match="newer LeadScout"):
        restoring.restore(living.repository, replace(manifest, databases=newer), target, lambda *_: None)


def test_a_backup_of_sqlite_is_not_restored_beside_a_postgresql_that_would_be_used_instead(living, target, monkeypatch):
    living.back_up()
    monkeypatch.setenv("LEADSCOUT_DATABASE_URL", "postgresql://somewhere/leads")
    with pytest.raises(BadSetting, match="restore without it"):
        restore_by_hand(read_settings(), living.repository.root, target, None)


def test_steps_after_the_restore_are_done_before_the_home_is_there(living, target, monkeypatch):
    seen = []

    def step(folder):
        seen.append((folder / "keys" / "lead-id.key").exists() and not target.exists())
        (folder / "replayed").touch()

    monkeypatch.setattr(restoring, "AFTER_RESTORE", (step,))
    living.back_up()
    living.restore(target)
    assert seen == [True]
    assert (target / "replayed").exists()


def test_a_step_that_fails_leaves_no_home(living, target, monkeypatch):
    def step(_):
        raise EdgeFailed("cannot be replayed")

    monkeypatch.setattr(restoring, "AFTER_RESTORE", (step,))
    living.back_up()
    with pytest.raises(EdgeFailed, match="replayed"):
        living.restore(target)
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("step", ["5", "rename"])
def test_a_restore_that_is_killed_leaves_no_home_and_can_be_done_again(living, target, step):
    living.back_up()
    command = [sys.executable, "-m", "tests.recovery.killed", "restore", step, str(target)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert not target.exists()
    living.restore(target)
    assert list(target.parent.iterdir()) == [target]


def test_two_restores_to_one_place_do_not_meet(living, target):
    living.back_up()
    with restoring._growing(target), pytest.raises(AlreadyRunning):
        living.restore(target)


def test_a_full_disk_is_told_as_such_and_leaves_nothing(living, target, monkeypatch):
    living.back_up()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EdgeFailed, match="No space left on device"):
        living.restore(target)
    assert list(target.parent.iterdir()) == []


def test_a_copy_of_the_repository_is_as_good_as_the_original(living, target, tmp_path):
    living.back_up()
    copy = shutil.copytree(living.repository.root, tmp_path / "elsewhere")
    shutil.rmtree(living.root)
    restore_by_hand(living.settings, copy, target, None)
    assert Home(read_settings(home=target)).tables.rows(REJECTED_LEADS, [ONE]) == {ONE: 3}


def test_a_restore_by_hand_is_remembered_as_a_proof_or_as_a_failure(living, target):
    backup_id = living.back_up().backup_id
    restore_by_hand(living.settings, living.repository.root, target, None)
    assert last_proven(living.repository).backup_id == backup_id
    flip(living.object_of("keys/lead-id.key"))
    with pytest.raises(DamagedBackup):
        restore_by_hand(living.settings, living.repository.root, target.with_name("other"), None)
    assert [proof.ok for proof in proofs(living.repository)] == [True, False]


def test_a_restore_is_told_to_the_restored_trail_whose_end_is_then_the_backups(living, target):
    anchor(living.settings, living.home.database, why="daily")
    backup_id = living.back_up().backup_id
    for _ in range(3):
        record_event(living.home.database, action="row.viewed")
    anchor(living.settings, living.home.database, why="daily")
    # A backup whose files were read a moment after its database: the anchor is ahead of the trail.
    living.back_up()
    ahead = (living.settings.anchors_dir / "heads.jsonl").read_bytes()
    restore_by_hand(living.settings, living.repository.root, target, backup_id)
    restored = read_settings(home=target)
    database = Home(restored).database
    assert [event.action for event in events(database)][-2:] == ["home.restored", "trail.anchored"]
    assert verify_trail(restored, database).ok
    (target / "audit" / "heads.jsonl").write_bytes(ahead)
    assert not verify_trail(restored, database).ok
    anchor(restored, database, why="restored")
    assert verify_trail(restored, database).ok
    database.close()


def test_a_folder_without_backups_is_the_users_error(living, tmp_path, target):
    with pytest.raises(BadInput, match="no backup in this folder"):
        restore_by_hand(living.settings, tmp_path, target, None)
