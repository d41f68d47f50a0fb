"""`leadscout backup` and `leadscout restore`: what they print, and their exit codes."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

import pytest

from leadscout_assets.contracts import RAW_LEADS
from leadscout_assets.home import Home
from leadscout_assets.recovery.repository import Repository
from tests import scenario
from tests.recovery.conftest import flip


@pytest.fixture
def delivered(home, tmp_path) -> str:
    opened = Home(home)
    batch = opened.deliver(scenario.scenario_csv(tmp_path / "leads.csv"), now=datetime.now(UTC)).delivery.batch_id
    opened.database.close()
    return batch


def test_a_backup_tells_what_it_holds_and_what_was_new(leadscout, home, delivered):
    told = leadscout("backup")
    assert told.code == 0
    assert "of these new" in told.out
    again = leadscout("backup", "--full", "--json").json
    assert (again["new_files"], again["files"]) == (0, 3)
    assert Repository(home.backups_dir).ids()[-1] == again["backup_id"]


def test_a_backup_goes_where_it_is_told_to(leadscout, delivered, tmp_path):
    assert leadscout("backup", "--to", str(tmp_path / "disk")).code == 0
    assert len(Repository(tmp_path / "disk").ids()) == 1


def test_nothing_to_back_up_is_the_users_error(leadscout, home):
    shutil.rmtree(home.home, ignore_errors=True)
    assert leadscout("backup").code == 2


def test_a_backup_without_a_delivered_file_is_made_and_exits_1_with_the_batch(leadscout, home, delivered):
    opened = Home(home)
    opened.store.remove(opened.records.get(delivered).sha256)
    opened.database.close()
    told = leadscout("backup")
    assert (told.code, "of these new" in told.out) == (1, True)
    assert f"the delivered files of 1 batches are missing: {delivered}" in told.err
    again = leadscout("backup", "--json")
    assert (again.code, again.json["lost"]["batches"]) == (1, [delivered])
    assert len(Repository(home.backups_dir).ids()) == 2


def test_a_home_without_its_database_is_not_backed_up(leadscout, home, delivered):
    Home(home).tables.replace(RAW_LEADS, RAW_LEADS.empty(), [delivered])
    shutil.rmtree(home.home / "database")
    told = leadscout("backup")
    assert (told.code, "the application database is missing" in told.err) == (3, True)
    assert not home.backups_dir.exists()


def test_a_restore_prints_a_table_and_the_batches_are_there(leadscout, home, delivered, tmp_path, monkeypatch):
    leadscout("backup")
    told = leadscout("restore", str(home.backups_dir), "--to", str(tmp_path / "restored"))
    assert told.code == 0
    assert "application  sqlite" in told.out
    assert "are as they were backed up" in told.out
    monkeypatch.setenv("LEADSCOUT_HOME", str(tmp_path / "restored"))
    monkeypatch.setattr("leadscout_assets.settings._in_use", None)
    shown = leadscout("show", delivered, "--json")
    assert (shown.code, shown.json["batch_id"], shown.json["state"]) == (0, delivered, "waiting")


def test_a_restore_as_json_is_one_object(leadscout, home, delivered, tmp_path):
    leadscout("backup")
    told = leadscout("restore", str(home.backups_dir), "--to", str(tmp_path / "restored"), "--json")
    (database,) = told.json["compared"]
    assert (database["name"], database["equal"]) == ("application", True)


@pytest.mark.parametrize("where", ["nowhere", "."])
def test_a_folder_without_backups_is_the_users_error(leadscout, tmp_path, where):
    told = leadscout("restore", str(tmp_path / where), "--to", str(tmp_path / "restored"))
    assert told.code == 2
    assert "backup" in told.err


def test_an_unknown_backup_and_a_home_in_use_are_the_users_errors(leadscout, home, delivered, tmp_path):
    leadscout("backup")
    assert leadscout("restore", str(home.backups_dir), "--to", str(home.home)).code == 2
    told = leadscout("restore", str(home.backups_dir), "--to", str(tmp_path / "restored"), "--backup", "2020")
    assert (told.code, "there is no backup 2020" in told.err) == (2, True)


def test_a_damaged_backup_fails_and_names_the_file(leadscout, home, delivered, tmp_path):
    leadscout("backup")
    (manifest,) = Repository(home.backups_dir).ids()
    flip(home.backups_dir / "manifests" / f"{manifest}.json")
    told = leadscout("restore", str(home.backups_dir), "--to", str(tmp_path / "restored"))
    assert told.code == 3
    assert manifest in told.err
