"""Notes of interrupted work: there while it can be gone on with, silent while somebody is at it."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadscout_assets.resumable import batches_of, forget, kept_runs, note, resumables


@pytest.fixture
def gone(monkeypatch):
    """The process that began the work lives no more."""
    monkeypatch.setattr("leadscout_assets.resumable.is_alive", lambda *_: False)


def test_work_under_way_is_not_listed(home):
    note(home, "k", "run", ["run", "x.csv"])
    assert resumables(home) == []


def test_interrupted_work_is_listed_with_the_command_that_goes_on(home, gone, tmp_path):
    note(home, "k", "run", ["run", "my leads.csv", "--resume"], finished=["raw_leads"], kept=tmp_path)
    (one,) = resumables(home)
    assert one.command == "leadscout run 'my leads.csv' --resume"
    assert one.to_json()["finished"] == ["raw_leads"]


def test_from_another_folder_the_command_goes_there_first(home, gone, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    note(home, "k", "run", ["run", "x.csv"])
    monkeypatch.chdir("/")
    (one,) = resumables(home)
    assert one.command == f"cd {tmp_path} && leadscout run x.csv"


def test_it_is_forgotten_when_done_or_when_what_was_kept_is_gone(home, gone, tmp_path):
    note(home, "done", "run", ["run", "x.csv"])
    note(home, "gone", "run", ["run", "y.csv"], kept=tmp_path / "removed")
    forget(home, "done")
    assert resumables(home) == []
    assert list((home.background_dir / "resumable").iterdir()) == []
    forget(home, "done")


def test_batches_still_to_be_done_are_known(home):
    assert batches_of(home, "backfill") == []
    note(home, "backfill", "backfill", ["backfill", "--resume"], batches=["a", "b"])
    assert batches_of(home, "backfill") == ["a", "b"]


def test_notes_are_private_and_a_damaged_one_is_none(home, gone):
    note(home, "k", "run", ["run", "x.csv"])
    (path,) = (home.background_dir / "resumable").iterdir()
    assert path.stat().st_mode & 0o077 == 0
    for damaged in ("{", "[]", '{"operation": "run"}'):
        path.write_text(damaged)
        assert (resumables(home), kept_runs(home), batches_of(home, "k")) == ([], [], [])


def test_a_home_that_cannot_be_written_does_not_stop_the_work(home):
    home.home.mkdir()
    (home.home / "background").write_text("a file")
    note(home, "k", "run", ["run", "x.csv"])
    forget(home, "k")
    assert not Path(home.background_dir / "resumable").exists()


def test_a_path_that_is_no_utf_8_is_noted_and_found_again(home, gone, tmp_path):
    kept = tmp_path / "\udcff\udcfe"
    kept.mkdir()
    note(home, "k", "run", ["run", "\udcff.csv", "--resume"], kept=kept)
    (run,) = kept_runs(home)
    assert run.folder == kept
    (one,) = resumables(home)
    assert one.command == r"leadscout run '\udcff.csv' --resume"
