"""The inbox and the store: what is a delivery, that nothing is lost by an interruption, and what may be moved."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from leadscout_assets.errors import BadInput, EdgeFailed, UnreadableFile
from leadscout_assets.inbox import (
    SECOND_LOOK_SECONDS,
    SETTLE_SECONDS,
    DeliveryStore,
    Seen,
    move_to_taken,
    settled_files,
    take,
    unchanged,
)

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
TEXT = b"EntityName,DirectorName\nKUDU TRANSPORT,PETRUS BOTHA\n"
SHA256 = hashlib.sha256(TEXT).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> DeliveryStore:
    return DeliveryStore(tmp_path / "deliveries")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "Leads March.csv"
    path.write_bytes(TEXT)
    return path


def one_row(_: Path) -> int:
    return 1


def leftovers(store: DeliveryStore) -> list[Path]:
    return list(store.root.rglob(".new-*"))


class TestStore:
    def test_a_stored_file_equals_the_delivered_one_and_is_read_only(self, store, source):
        assert store.put(source) == SHA256
        stored = store.path(SHA256)
        assert stored.read_bytes() == source.read_bytes()
        assert not stored.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)
        assert not stored.stat().st_mode & stat.S_IROTH, "a delivery is not for every user of the machine"

    def test_the_delivered_file_itself_is_left_alone(self, store, source):
        before = source.stat()
        store.put(source)
        assert (source.stat().st_mode, source.stat().st_mtime_ns) == (before.st_mode, before.st_mtime_ns)

    def test_content_that_is_there_already_is_not_written_again(self, store, source):
        store.put(source)
        before = store.path(SHA256).stat()
        store.put(source)
        after = store.path(SHA256).stat()
        assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
        assert leftovers(store) == []

    def test_content_larger_than_one_piece_is_stored_whole(self, store, tmp_path):
        big = tmp_path / "big.csv"
        big.write_bytes(os.urandom((1 << 20) + 17))
        assert store.path(store.put(big)).read_bytes() == big.read_bytes()

    def test_an_empty_file_can_be_stored(self, store, tmp_path):
        (tmp_path / "empty.csv").touch()
        assert store.path(store.put(tmp_path / "empty.csv")).read_bytes() == b""

    def test_there_is_no_manifest_before_it_is_kept(self, store, source):
        assert store.manifest(store.put(source)) is None

    def test_a_file_in_place_of_the_store_is_a_storage_fault_that_names_no_file(self, tmp_path, source):
        (tmp_path / "deliveries").write_text("in the way")
        with pytest.raises(EdgeFailed, match="not stored") as raised:
            DeliveryStore(tmp_path / "deliveries").put(source)
        assert "March" not in str(raised.value)

    def test_a_fault_while_storing_leaves_nothing_half_written(self, store, source, monkeypatch):
        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(EdgeFailed, match="No space left"):
            store.put(source)
        assert [path for path in store.root.rglob("*") if path.is_file()] == []


class TestTake:
    def test_a_delivery_says_what_was_delivered_and_when(self, store, source):
        delivery = take(source, store, one_row, now=NOW, slug=False)
        assert delivery.batch_id == f"2026-03-02_list_{SHA256[:8]}"
        assert (delivery.sha256, delivery.file_name, delivery.size_bytes) == (SHA256, "Leads March.csv", len(TEXT))
        assert (delivery.delivered_at, delivery.rows_counted) == (NOW, 1)
        assert store.manifest(SHA256) == delivery

    def test_rows_are_counted_in_the_stored_file_not_in_the_inbox(self, store, source):
        counted: list[Path] = []
        take(source, store, lambda path: counted.append(path) or 1, now=NOW, slug=True)
        assert counted == [store.path(SHA256)]

    def test_known_content_keeps_its_first_delivery_whatever_it_is_called_now(self, store, source):
        first = take(source, store, one_row, now=NOW, slug=True)
        renamed = source.rename(source.with_name("Again.csv"))
        assert take(renamed, store, one_row, now=LATER, slug=False) == first
        assert store.manifest(SHA256) == first

    def test_a_file_that_cannot_be_counted_is_a_delivery_without_a_count(self, store, source):
        def unreadable(_: Path) -> int:
            raise UnreadableFile("encrypted", "save it without a password")

        assert take(source, store, unreadable, now=NOW, slug=True).rows_counted is None

    def test_a_name_that_is_no_utf_8_is_taken_too(self, store, source):
        foreign = source.rename(source.with_name(os.fsdecode("Kliënte.csv".encode("cp1252"))))
        assert take(foreign, store, one_row, now=NOW, slug=True).file_name == "Kli\ufffdnte.csv"

    @pytest.mark.parametrize("nothing", ["missing.csv", "."])
    def test_what_is_no_file_is_bad_input_and_not_named(self, store, tmp_path, nothing):
        with pytest.raises(BadInput, match="no such file") as raised:
            take(tmp_path / nothing, store, one_row, now=NOW, slug=True)
        assert "missing" not in str(raised.value)

    @pytest.mark.parametrize("step", ["before put", "after put", "count", "before keep", "in keep", "after keep"])
    def test_taking_again_after_an_interruption_gives_the_one_delivery(self, store, source, monkeypatch, step):
        class Killed(BaseException):
            pass

        def killed(*_: object, **__: object) -> None:
            raise Killed

        def after(method):
            def then_killed(*args):
                method(*args)
                raise Killed

            return then_killed

        with monkeypatch.context() as patch:
            count = one_row
            if step == "before put":
                patch.setattr(store, "put", killed)
            elif step == "after put":
                patch.setattr(store, "put", after(store.put))
            elif step == "count":
                count = killed
            elif step == "before keep":
                patch.setattr(store, "keep", killed)
            elif step == "in keep":
                patch.setattr("leadscout_assets.leads.delivery.Delivery.to_json", killed)
            else:
                patch.setattr(store, "keep", after(store.keep))
            with pytest.raises(Killed):
                take(source, store, count, now=NOW, slug=True)
        again = take(source, store, one_row, now=LATER, slug=True)
        assert again.delivered_at == (NOW if step == "after keep" else LATER)
        assert take(source, store, one_row, now=LATER + timedelta(days=1), slug=True) == again
        assert store.path(SHA256).read_bytes() == TEXT
        assert leftovers(store) == []
        assert len([path for path in store.root.rglob("*") if path.is_file()]) == 2


class Clock:
    """Seconds that pass only while somebody sleeps, with things that happen meanwhile."""

    def __init__(self, now: float, meanwhile=lambda: None) -> None:
        self.time, self.meanwhile, self.slept = now, meanwhile, 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        self.slept += seconds
        self.meanwhile()


def drop(inbox: Path, name: str, modified: float = 1_000.0, content: bytes = TEXT) -> Path:
    path = inbox / name
    path.write_bytes(content)
    os.utime(path, (modified, modified))
    return path


def names(seen: list[Seen]) -> list[str]:
    return [one.path.name for one in seen]


def look(inbox: Path, at: float = 2_000.0, meanwhile=lambda: None) -> list[Seen]:
    clock = Clock(at, meanwhile)
    return settled_files(inbox, now=clock.now, sleep=clock.sleep)


class TestSettledFiles:
    def test_files_come_oldest_first_and_of_one_age_by_name(self, inbox):
        for name, modified in (("new.csv", 900.0), ("b.xlsx", 500.0), ("a.csv", 500.0), ("old.csv", 100.0)):
            drop(inbox, name, modified)
        assert names(look(inbox)) == ["old.csv", "a.csv", "b.xlsx", "new.csv"]

    def test_there_are_two_looks_within_one_tick(self, inbox):
        drop(inbox, "leads.csv")
        clock = Clock(2_000.0)
        settled_files(inbox, now=clock.now, sleep=clock.sleep)
        assert clock.slept == SECOND_LOOK_SECONDS

    def test_an_empty_or_missing_inbox_has_no_files_and_takes_no_time(self, inbox, tmp_path):
        clock = Clock(2_000.0)
        assert settled_files(inbox, now=clock.now, sleep=clock.sleep) == []
        assert settled_files(tmp_path / "nowhere", now=clock.now, sleep=clock.sleep) == []
        assert clock.slept == 0.0

    @pytest.mark.parametrize(
        "name",
        [
            "~$Leads.xlsx", ".Leads.xlsx", ".~lock.Leads.xlsx#", ".DS_Store", "Thumbs.db", "desktop.ini", "Leads.xlsx.tmp",
            "Leads.TMP", "Leads.csv.part", "Leads.xlsx.crdownload", "Leads.xlsx.partial", "Leads.xlsx.download", "Leads.xlsx~",
        ],
    )  # fmt: skip
    def test_lock_hidden_unfinished_and_desktop_files_are_no_deliveries(self, inbox, name):
        drop(inbox, name)
        assert look(inbox) == []

    @pytest.mark.parametrize(
        "name", ["Leads.XLSX", "leads", "Leads (1).csv", "Kliënte Ñ.csv", "$Leads~$.xlsx", "a.b.c"]
    )
    def test_any_other_name_is_a_delivery(self, inbox, name):
        drop(inbox, name)
        assert names(look(inbox)) == [name]

    def test_links_folders_and_pipes_are_no_deliveries(self, inbox, tmp_path):
        target = drop(tmp_path, "elsewhere.csv")
        (inbox / "link.csv").symlink_to(target)
        (inbox / "dangling.csv").symlink_to(tmp_path / "nowhere")
        (inbox / "folder.csv").mkdir()
        drop(inbox / "folder.csv", "inside.csv")
        os.mkfifo(inbox / "pipe.csv")
        assert look(inbox) == []

    def test_files_that_were_taken_are_not_seen_again(self, inbox):
        drop(inbox, "leads.csv")
        (seen,) = look(inbox)
        move_to_taken(seen, "2026-03-02_list_0123abcd")
        assert look(inbox) == []

    @pytest.mark.parametrize("age", [0.0, 0.5, 0.7, 0.99, 1.0, 60.0])
    def test_a_young_file_is_waited_for_until_it_is_a_second_old_and_was_looked_at_twice(self, inbox, age):
        drop(inbox, "leads.csv", 1_000.0)
        clock = Clock(1_000.0 + age)
        assert names(settled_files(inbox, now=clock.now, sleep=clock.sleep)) == ["leads.csv"]
        assert clock.slept == pytest.approx(max(SETTLE_SECONDS - age, SECOND_LOOK_SECONDS))

    def test_a_file_still_younger_than_a_second_after_the_wait_is_left_for_the_next_tick(self, inbox):
        drop(inbox, "young.csv", 1_000.0), drop(inbox, "old.csv", 500.0)
        assert names(settled_files(inbox, now=lambda: 1_000.5, sleep=lambda _: None)) == ["old.csv"]

    def test_a_file_that_comes_during_the_wait_is_left_for_the_next_tick(self, inbox):
        drop(inbox, "leads.csv", 1_000.0)
        assert names(look(inbox, meanwhile=lambda: drop(inbox, "late.csv", 1_000.0))) == ["leads.csv"]

    def test_a_file_dated_in_the_future_is_judged_by_the_second_look(self, inbox):
        path = drop(inbox, "leads.csv", 9_000.0)
        assert names(look(inbox, at=2_000.0)) == ["leads.csv"]

        def grow() -> None:
            path.write_bytes(TEXT * 2)
            os.utime(path, (9_000.0, 9_000.0))

        assert look(inbox, at=2_000.0, meanwhile=grow) == []

    def test_a_file_that_grows_between_the_two_looks_waits_even_if_its_time_is_put_back(self, inbox):
        growing, settled = drop(inbox, "growing.csv"), drop(inbox, "settled.csv")

        def grow() -> None:
            with growing.open("ab") as file:
                file.write(TEXT)
            os.utime(growing, (1_000.0, 1_000.0))

        assert names(look(inbox, meanwhile=grow)) == [settled.name]

    def test_a_file_touched_between_the_two_looks_waits(self, inbox):
        path = drop(inbox, "leads.csv")
        assert look(inbox, meanwhile=lambda: os.utime(path, (1_001.0, 1_001.0))) == []

    def test_a_file_that_disappears_or_is_replaced_between_the_two_looks_waits(self, inbox):
        gone, replaced = drop(inbox, "gone.csv"), drop(inbox, "replaced.csv")

        def meanwhile() -> None:
            gone.unlink()
            drop(inbox, ".other").replace(replaced)

        assert look(inbox, meanwhile=meanwhile) == []


class TestMoveToTaken:
    BATCH = "2026-03-02_list_0123abcd"

    def test_an_unchanged_file_moves_below_its_batch_with_its_content(self, inbox):
        drop(inbox, "leads.csv")
        (seen,) = look(inbox)
        target = move_to_taken(seen, self.BATCH)
        assert target == inbox / "taken" / self.BATCH / "leads.csv"
        assert target.read_bytes() == TEXT
        assert not seen.path.exists()

    @pytest.mark.parametrize("change", ["grown", "replaced", "same size and time"])
    def test_a_file_changed_since_it_was_seen_stays(self, inbox, change):
        path = drop(inbox, "leads.csv")
        (seen,) = look(inbox)
        if change == "grown":
            path.write_bytes(TEXT + b"MORE,OF IT\n")
        elif change == "replaced":
            drop(inbox, ".other", content=TEXT).replace(path)
        else:
            drop(inbox, ".other", content=TEXT.swapcase()).replace(path)
        changed = path.read_bytes()
        assert not unchanged(seen)
        assert move_to_taken(seen, self.BATCH) is None
        assert path.read_bytes() == changed

    def test_a_file_that_is_gone_is_not_moved(self, inbox):
        path = drop(inbox, "leads.csv")
        (seen,) = look(inbox)
        path.unlink()
        assert move_to_taken(seen, self.BATCH) is None

    def test_the_same_content_dropped_twice_moves_twice(self, inbox):
        for name in ("leads.csv", "leads.csv", "leads copy.csv"):
            drop(inbox, name)
            (seen,) = look(inbox)
            assert move_to_taken(seen, self.BATCH) is not None
        assert sorted(path.name for path in (inbox / "taken" / self.BATCH).iterdir()) == ["leads copy.csv", "leads.csv"]

    def test_what_was_seen_differs_in_any_of_size_time_arrival_and_inode(self, inbox):
        drop(inbox, "leads.csv")
        (seen,) = look(inbox)
        assert unchanged(seen)
        for field in ("size", "modified_ns", "arrived_ns", "inode"):
            assert not unchanged(replace(seen, **{field: getattr(seen, field) + 1}))
