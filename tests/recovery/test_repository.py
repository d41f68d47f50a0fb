"""The folder of the backups: contents once and for good, nothing that is needed is removed, one writer at a time."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from leadscout_assets.errors import AlreadyRunning, BadInput, DamagedBackup, EdgeFailed
from leadscout_assets.recovery.manifest import FileEntry
from leadscout_assets.recovery.repository import Repository
from leadscout_assets.terms import TIME_ZONE
from tests.recovery.conftest import flip
from tests.recovery.test_manifest import FOUND


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "backups")


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source"
    path.write_text("content")
    return path


def keep(repository, number: int, *shas: str) -> str:
    files = tuple(FileEntry(f"file {n}", sha, 7, 0o600) for n, sha in enumerate(shas))
    backup_id = f"2026-03-{number:02}T00-00-00.000000Z"
    repository.write(replace(FOUND, backup_id=backup_id, files=files))
    return backup_id


def test_a_content_is_written_once_and_for_this_user_to_read_only(repository, source):
    stored = repository.put(source)
    assert (stored.new, repository.put(source).new) == (True, False)
    path = repository.object_path(stored.sha256)
    assert path.read_text() == "content"
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert stat.S_IMODE(repository.root.stat().st_mode) == 0o700


def test_a_manifest_is_for_this_user_only(repository):
    backup_id = keep(repository, 1)
    assert stat.S_IMODE((repository.root / "manifests" / f"{backup_id}.json").stat().st_mode) == 0o600


def test_a_damaged_content_is_written_anew_only_where_it_is_distrusted(repository, source):
    stored = repository.put(source)
    flip(repository.object_path(stored.sha256))
    assert not repository.put(source).new
    assert repository.put(source, distrust=True).new
    assert repository.check(stored.sha256, 7)


def test_a_content_cut_short_is_written_anew(repository, source):
    path = repository.object_path(repository.put(source).sha256)
    path.chmod(0o600)
    path.write_text("con")
    assert repository.put(source).new


def test_copying_out_names_the_file_that_is_damaged_or_missing(repository, source, tmp_path):
    stored = repository.put(source)
    entry = FileEntry("keys/lead-id.key", stored.sha256, stored.size, 0o600)
    flip(repository.object_path(stored.sha256))
    with pytest.raises(DamagedBackup, match=rf"keys/lead-id\.key is damaged .*{stored.sha256}"):
        repository.copy_out(entry, tmp_path / "out")
    repository.object_path(stored.sha256).unlink()
    with pytest.raises(DamagedBackup, match=r"keys/lead-id\.key is missing"):
        repository.copy_out(entry, tmp_path / "other")


def test_pruning_keeps_the_newest_the_named_and_every_content_they_need(repository, tmp_path):
    shas = []
    for number in range(4):
        (tmp_path / "source").write_text(f"state {number}")
        shas.append(repository.put(tmp_path / "source").sha256)
    ids = [keep(repository, n + 1, sha) for n, sha in enumerate(shas)]
    (repository.root / ".new-left").write_text("by a killed backup")
    assert repository.prune(2, [ids[0]]) == 1
    assert repository.ids() == [ids[0], ids[2], ids[3]]
    assert [repository.object_path(sha).exists() for sha in shas] == [True, False, True, True]
    assert not (repository.root / ".new-left").exists()


def test_nothing_is_pruned_while_something_is_being_read(repository):
    ids = [keep(repository, n) for n in (1, 2)]
    with repository.reading():
        assert repository.prune(1) == 0
    assert repository.ids() == ids
    assert repository.prune(1) == 1


def test_no_content_is_removed_while_a_manifest_cannot_be_read(repository, source):
    unneeded = repository.object_path(repository.put(source).sha256)
    flip(repository.root / "manifests" / f"{keep(repository, 1)}.json")
    repository.prune(5)
    assert unneeded.exists()


def test_a_second_backup_at_the_same_time_is_refused(repository):
    with repository.exclusive(), pytest.raises(AlreadyRunning), repository.exclusive():
        pytest.fail("there are two")
    with repository.exclusive():
        pass


def test_what_else_lies_among_the_manifests_is_no_backup(repository):
    backup_id = keep(repository, 1)
    (repository.root / "manifests" / "notes.json").write_text("{}")
    assert repository.ids() == [backup_id]


def test_an_unknown_backup_is_the_users_error_and_names_the_known_ones(repository):
    backup_id = keep(repository, 1)
    with pytest.raises(BadInput, match=backup_id):
        repository.read("2020")


def test_a_folder_that_cannot_be_written_says_what_to_look_at(tmp_path, source):
    (tmp_path / "in the way").write_text("a file")
    with pytest.raises(EdgeFailed, match="LEADSCOUT_BACKUP_DIR"):
        Repository(tmp_path / "in the way" / "backups").put(source)


def test_an_id_is_the_moment_and_later_than_every_id_that_is_there_where_the_clock_is_behind(repository):
    now = datetime(2026, 3, 5, 8, 30, tzinfo=UTC)
    assert repository.next_id(now) == "2026-03-05T08-30-00.000000Z"
    assert repository.next_id(now.astimezone(TIME_ZONE)) == "2026-03-05T08-30-00.000000Z"
    keep(repository, 5)
    assert repository.next_id(now) == "2026-03-05T08-30-00.000000Z"
    ahead = keep(repository, 8)
    following = repository.next_id(now)
    assert following == "2026-03-08T00-00-00.000001Z" > ahead
    repository.write(replace(FOUND, backup_id=following))
    assert repository.next_id(now) == "2026-03-08T00-00-00.000002Z"


def test_no_id_can_follow_the_last_moment_there_is_and_it_is_told(repository):
    repository.write(replace(FOUND, backup_id="9999-12-31T23-59-59.999999Z"))
    with pytest.raises(EdgeFailed, match="none can follow"):
        repository.next_id(datetime(2026, 3, 5, tzinfo=UTC))


def test_when_a_backup_was_taken_is_told_by_the_end_of_its_manifest_however_long_that_is(repository):
    """An id may be later than its moment; the manifest says when that was, and may have megabytes."""
    files = tuple(FileEntry(f"reports/{n:05}.html", f"{n:064x}", 7, 0o600) for n in range(500))
    moment = FOUND.taken_at - timedelta(days=3)
    for manifest in (FOUND, replace(FOUND, files=files, taken_at=moment)):
        repository.write(manifest)
        assert repository.taken_at(FOUND.backup_id) == manifest.taken_at


@pytest.mark.parametrize("text", ["", "[" * 10_000, '"taken_at": "yesterday"', '"taken_at": "2026-03-01T08:00:00"'])
def test_a_manifest_that_does_not_say_when_was_taken_when_its_id_says(repository, text):
    repository.write(FOUND)
    (repository.root / "manifests" / f"{FOUND.backup_id}.json").write_text(text)
    assert repository.taken_at(FOUND.backup_id) == FOUND.taken_at


@pytest.mark.parametrize(
    "name",
    ["9999-99-99T99-99-99.999999Z", "0000-01-01T00-00-00.000000Z", "\u0662\u0660\u0662\u0666-03-02T08-00-00.000000Z"],
)
def test_a_name_that_is_no_date_is_no_backup(repository, name):
    backup_id = keep(repository, 1)
    (repository.root / "manifests" / f"{name}.json").write_text("{}")
    assert repository.ids() == [backup_id]
    assert repository.prune(1) == 0
