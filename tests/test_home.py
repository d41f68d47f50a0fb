"""A home: nothing before it is used, one key for good, and each delivery once, whatever interrupts it."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from leadscout_assets.errors import BadInput, EdgeFailed, UnknownBatch, UnreadableFile
from leadscout_assets.governance.keys import KEY_BYTES, read_or_make_key
from leadscout_assets.home import FORGOTTEN_NAME, Home
from leadscout_assets.inbox import DeliveryStore
from leadscout_assets.settings import Settings

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
TEXT = "EntityName,DirectorName\nKUDU TRANSPORT,PETRUS BOTHA\nIBIS CATERING,PRECIOUS MOKOENA\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "Mokoena.csv"
    path.write_text(TEXT)
    return path


def test_a_home_is_not_touched_before_it_is_used(home: Settings) -> None:
    Home(home)
    assert not home.home.exists()


class TestKey:
    def test_a_key_is_made_once_and_readable_by_its_owner_alone(self, tmp_path):
        path = tmp_path / "keys" / "lead-id.key"
        key = read_or_make_key(path)
        assert len(key) == KEY_BYTES
        assert read_or_make_key(path) == key
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [entry.name for entry in path.parent.iterdir()] == [path.name]

    def test_two_homes_have_different_keys(self, tmp_path):
        assert read_or_make_key(tmp_path / "a" / "key") != read_or_make_key(tmp_path / "b" / "key")

    def test_threads_that_make_the_key_at_once_agree_on_one(self, tmp_path):
        for attempt in range(20):
            path = tmp_path / str(attempt) / "key"
            with ThreadPoolExecutor(8) as pool:
                keys = set(pool.map(lambda _, path=path: read_or_make_key(path), range(8)))
            assert keys == {path.read_bytes()}
            assert len(list(path.parent.iterdir())) == 1

    def test_what_a_killed_maker_left_behind_changes_no_key(self, tmp_path):
        path = tmp_path / "key"
        key = read_or_make_key(path)
        path.unlink()
        left = tmp_path / f".key.{os.getpid()}"
        left.write_bytes(key)
        os.link(left, tmp_path / "copy")
        assert read_or_make_key(path) != key
        assert (tmp_path / "copy").read_bytes() == key

    @pytest.mark.parametrize("damaged", [b"", b"x" * (KEY_BYTES - 1), b"x" * (KEY_BYTES + 1)])
    def test_a_damaged_key_is_never_used_or_replaced(self, tmp_path, damaged):
        path = tmp_path / "lead-id.key"
        path.write_bytes(damaged)
        with pytest.raises(EdgeFailed, match=r"lead-id\.key is damaged: restore it"):
            read_or_make_key(path)
        assert path.read_bytes() == damaged

    def test_a_folder_that_cannot_be_made_is_a_fault_of_storage(self, tmp_path):
        (tmp_path / "keys").write_text("in the way")
        with pytest.raises(EdgeFailed, match="key"):
            read_or_make_key(tmp_path / "keys" / "lead-id.key")


class TestDeliver:
    def test_a_delivered_file_is_stored_and_recorded(self, home, source):
        parts = Home(home)
        delivery = parts.deliver(source, now=NOW).delivery
        assert delivery.rows_counted == 2
        assert parts.store.path(delivery.sha256).read_text() == TEXT
        record = parts.records.get(delivery.batch_id)
        assert (record.sha256, record.rows_counted, record.delivered_at) == (delivery.sha256, 2, NOW)
        assert parts.deliveries([delivery.batch_id]) == [delivery]

    def test_the_same_content_again_is_the_same_delivery(self, home, source):
        first = Home(home).deliver(source, now=NOW).delivery
        again = Home(home).deliver(source.rename(source.with_name("Other name.csv")), now=LATER).delivery
        assert again == first
        assert len(Home(home).records.all()) == 1

    @pytest.mark.parametrize("step", ["put", "keep", "record"])
    def test_an_interruption_at_any_step_is_mended_by_delivering_again(self, home, source, monkeypatch, step):
        class Killed(BaseException):
            pass

        def killed(*_: object) -> None:
            raise Killed

        with monkeypatch.context() as patch:
            if step == "record":
                patch.setattr("leadscout_assets.database.deliveries.Deliveries.record", killed)
            else:
                patch.setattr(DeliveryStore, step, killed)
            with pytest.raises(Killed):
                Home(home).deliver(source, now=NOW)
        assert Home(home).records.all() == []
        delivery = Home(home).deliver(source, now=LATER).delivery
        assert [record.batch_id for record in Home(home).records.all()] == [delivery.batch_id]
        assert Home(home).deliver(source, now=LATER + timedelta(days=1)).delivery == delivery

    def test_a_lost_manifest_does_not_make_the_delivery_another_one(self, home, source):
        first = Home(home).deliver(source, now=NOW).delivery
        (manifest,) = home.deliveries_dir.rglob("*.json")
        manifest.unlink()
        again = Home(home).deliver(source.rename(source.with_name("Other name.csv")), now=LATER).delivery
        assert (again.batch_id, again.delivered_at) == (first.batch_id, first.delivered_at)
        assert Home(home).deliveries([first.batch_id])[0].file_name == "Other name.csv"

    def test_a_delivery_whose_manifest_is_gone_is_known_without_its_name(self, home, source):
        first = Home(home).deliver(source, now=NOW).delivery
        (manifest,) = home.deliveries_dir.rglob("*.json")
        manifest.unlink()
        (known,) = Home(home).deliveries([first.batch_id])
        assert known.file_name == FORGOTTEN_NAME
        assert (known.batch_id, known.sha256, known.rows_counted) == (first.batch_id, first.sha256, 2)

    def test_an_unreadable_file_is_a_delivery_without_a_count(self, home, tmp_path):
        (tmp_path / "empty.csv").touch()
        assert Home(home).deliver(tmp_path / "empty.csv", now=NOW).delivery.rows_counted is None

    def test_what_is_no_file_is_not_delivered(self, home, tmp_path):
        with pytest.raises(BadInput):
            Home(home).deliver(tmp_path / "missing.csv", now=NOW)
        assert Home(home).records.all() == []

    def test_deliveries_come_in_the_order_asked_for(self, home, tmp_path, source):
        other = tmp_path / "other.csv"
        other.write_text(TEXT + "ORYX ROADS,S B ZULU\n")
        one, two = (Home(home).deliver(path, now=NOW).delivery.batch_id for path in (source, other))
        assert [d.batch_id for d in Home(home).deliveries([two, one])] == [two, one]

    def test_an_unknown_batch_has_no_delivery(self, home):
        with pytest.raises(UnknownBatch):
            Home(home).deliveries(["2026-03-02_list_0123abcd"])


def test_the_contents_of_any_number_of_deliveries_are_asked_for_in_one_query(home, tmp_path):
    opened, deliveries = Home(home), []
    for mark in range(3):
        path = tmp_path / f"{mark}.csv"
        path.write_text(TEXT + f"ORYX ROADS {mark},S B ZULU\n")
        deliveries.append(opened.deliver(path, now=NOW).delivery)
    opened.records.note_undone(deliveries[1].batch_id, LATER)
    before = opened.database.queries.count
    path_of = opened.contents(deliveries)
    # One, and one that opens the transaction.
    assert opened.database.queries.count - before == 2
    assert path_of(deliveries[0].sha256).read_text().endswith("ORYX ROADS 0,S B ZULU\n")
    with pytest.raises(UnreadableFile, match="the batch was undone"):
        path_of(deliveries[1].sha256)
    assert path_of(deliveries[2].sha256).is_file()


def test_a_store_that_is_gone_is_no_fault_of_a_batch(home, tmp_path):
    source = tmp_path / "leads.csv"
    source.write_text("EntityName,DirectorName\nKUDU TRANSPORT,PALESA TAU\n")
    batch = Home(home).deliver(source, now=NOW).delivery.batch_id
    home.deliveries_dir.rename(home.home / "not mounted")
    with pytest.raises(EdgeFailed, match="deliveries folder"):
        Home(home).deliveries([batch])
