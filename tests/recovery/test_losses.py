"""A home that lost data: no backup where the database or the key is gone, and one that says so where files are missing."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

import pytest
from alembic import command

from leadscout_assets.database.engine import Database, _config, current_revision, database_of
from leadscout_assets.errors import LostData
from leadscout_assets.governance.ledger import ERASURE, Decision, ledger_of
from leadscout_assets.home import Home
from leadscout_assets.lead_tables import LEAD_TABLES
from leadscout_assets.recovery import losses as losing
from leadscout_assets.recovery.losses import TABLES, Losses, Record, check_whole, losses, records
from leadscout_assets.recovery.proofs import Proof, remember
from tests import scenario
from tests.recovery.conftest import ONE, contents

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def lose_the_folder(living) -> None:
    living.home.database.close()
    shutil.rmtree(living.root / "database")


def empty_the_file(living) -> None:
    living.home.database.close()
    shutil.rmtree(living.root / "database")
    (living.root / "database").mkdir()
    (living.root / "database" / "leadscout.sqlite").touch()


def make_it_anew(living) -> None:
    """What any command does that opens the database of a home without one."""
    lose_the_folder(living)
    opened = Home(living.settings)
    assert opened.records.all() == []
    opened.database.close()


def lose_the_keys(living) -> None:
    shutil.rmtree(living.root / "keys")


LOST = pytest.mark.parametrize(
    ("lose", "named"),
    [
        (lose_the_folder, "the application database is missing or empty"),
        (empty_the_file, "the application database is missing or empty"),
        (make_it_anew, "the application database has no delivery on record"),
        (lose_the_keys, r"the key of the lead ids is missing \(keys/lead-id\.key\)"),
    ],
    ids=["no database", "an empty file", "made anew", "no keys"],
)


@LOST
def test_a_home_without_its_database_or_key_makes_no_backup_and_older_ones_stay(living, lose, named):
    """They were pruned, and the drill proved what was left."""
    living.settings = living.settings.model_copy(update={"backups_kept": 1})
    living.back_up()
    before = contents(living.repository.root.parent) | {p.name: "" for p in living.repository.root.rglob("*")}
    lose(living)
    for to in (None, living.root.parent / "another"):
        with pytest.raises(LostData, match=f"{named}.* tables or delivered files: restore the home"):
            living.back_up(to=to)
    assert not (living.root.parent / "another").exists()
    assert {p.name: "" for p in living.repository.root.rglob("*")}.items() <= before.items()
    assert len(living.repository.ids()) == 1


def test_delivered_files_alone_are_missed_in_the_database_once_its_record_must_be_there(living):
    shutil.rmtree(living.settings.tables_dir)
    lose_the_folder(living)
    for manifest in living.settings.deliveries_dir.rglob("*.json"):
        manifest.touch()  # the home was made once, by the first test of all
    check_whole(living.settings)  # this moment: the first delivery of all may be under way
    living.grow_old()
    with pytest.raises(LostData, match="database is missing"):
        check_whole(living.settings)


def test_a_fresh_home_and_one_that_was_delivered_to_lack_nothing(home, tmp_path):
    check_whole(home)
    home.home.mkdir()
    check_whole(home)
    opened = Home(home)
    opened.deliver(scenario.scenario_csv(tmp_path / "leads.csv"), now=NOW)
    opened.database.close()
    # Its key is made by the first run.
    check_whole(home)


def test_the_tables_named_are_those_of_the_chain():
    assert tuple(contract.name for contract in LEAD_TABLES) == TABLES


def test_a_missing_delivered_file_is_told_by_its_batch_and_the_rest_is_backed_up(living, tmp_path):
    living.settings = living.settings.model_copy(update={"backups_kept": 1})
    whole = living.back_up()
    assert whole.lost.sentence is None
    (record,) = living.home.records.all()
    living.home.store.remove(record.sha256)
    taken = living.back_up()
    assert taken.lost == Losses(batches=(record.batch_id,))
    assert f"the delivered files of 1 batches are missing: {record.batch_id}" in taken.lost.sentence
    with pytest.raises(LostData, match=record.batch_id):
        taken.insist_on_all()
    # The older one has the file still.
    assert living.repository.ids() == [whole.backup_id, taken.backup_id]
    remember(living.repository, Proof(taken.backup_id, NOW, True, "as it was", 1.0))
    living.back_up()
    assert whole.backup_id in living.repository.ids()
    living.restore(tmp_path / "restored", whole.backup_id)
    shutil.copy(
        tmp_path / "restored" / "deliveries" / record.sha256[:2] / record.sha256, living.home.store.path(record.sha256)
    )
    mended = living.back_up()
    assert mended.lost.sentence is None
    assert living.repository.ids()[-1] == mended.backup_id
    assert whole.backup_id not in living.repository.ids()


def test_no_file_is_missed_of_a_batch_that_was_undone(living):
    (record,) = living.home.records.all()
    living.home.store.remove(record.sha256)
    living.home.records.note_undone(record.batch_id, NOW)
    assert living.back_up().lost == Losses()


def test_no_file_is_missed_that_no_reader_could_read_and_an_erasure_removed(living):
    (record,) = living.home.records.all()
    living.home.store.remove(record.sha256)
    living.home.records.settle("raw_leads", [record.batch_id], {record.batch_id: ("damaged", "it is damaged")})
    assert living.back_up().lost.batches == (record.batch_id,)
    ledger_of(living.root).append(Decision(ERASURE, "one", NOW))
    assert living.back_up().lost == Losses()


def test_a_table_that_is_gone_although_batches_were_reported_is_named(living):
    (record,) = living.home.records.all()
    for contract in LEAD_TABLES:
        living.home.tables.replace(contract, contract.empty(), [record.batch_id])
    living.home.records.note_reported([record.batch_id], NOW)
    assert living.back_up().lost == Losses()
    shutil.rmtree(living.settings.tables_dir / "classifications")
    lost = living.back_up().lost
    assert lost == Losses(tables=("classifications",))
    assert "the tables classifications are missing, although batches were reported" in lost.sentence


def test_a_delivery_while_the_backup_is_taken_is_not_missed(living, tmp_path, monkeypatch):
    from leadscout_assets.recovery import backup

    original = backup._rest

    def delivered_last(*args):
        original(*args)
        living.home.deliver(scenario.scenario_csv(tmp_path / "later.csv", delimiter=";"), now=datetime.now(UTC))

    monkeypatch.setattr(backup, "_rest", delivered_last)
    assert living.back_up().lost == Losses()


def test_no_sentence_names_more_batches_than_a_person_reads():
    known = [Record(f"batch {n}", f"{n:064x}", False, False) for n in range(losing.NAMED + 5)]
    found = Losses(tuple(one.batch_id for one in known))
    assert f"batch {losing.NAMED - 1} and 5 more" in found.sentence
    assert f"batch {losing.NAMED}," not in found.sentence


def test_the_records_of_an_older_schema_are_read_before_it_is_upgraded(home):
    database = Database(home.database)
    with database.begin() as connection:
        command.upgrade(_config(connection), "0001")
        connection.exec_driver_sql(
            "INSERT INTO deliveries (batch_id, sha256, size_bytes, delivered_at, reported_at) "
            f"VALUES ('{ONE}', '{'ab' * 32}', 1, '2026-01-01 00:00:00', '2026-01-01 01:00:00')"
        )
    database.close()
    assert records(home) == [Record(ONE, "ab" * 32, True, True)]
    opened = database_of(home)
    assert current_revision(opened) == "0001"
    opened.close()
    found = losses(home, records(home), {f"deliveries/ab/{'ab' * 32}", "tables/raw_leads/x"})
    assert found == Losses(tables=TABLES[1:])
