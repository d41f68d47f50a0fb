"""Progress files are bounded in number, and never lost between two that write at the same time."""

from __future__ import annotations

import fcntl
import json
import os

import pytest

from leadscout_assets.progress import Progress, files


def ended(folder, number: int, state: str = "succeeded") -> None:
    path = files.file_of(folder, "run", str(number))
    whole = Progress("run").to_json()
    files.write_atomically(
        path, whole | {"state": state, "pid": os.getpid(), "host": "elsewhere", "timestamp": "2026", "beat": None}
    )
    os.utime(path, (number, number))


def test_the_oldest_ended_ones_go_and_those_under_way_stay(tmp_path):
    files.make_folder(tmp_path)
    for number in range(1, files.KEPT + 11):
        ended(tmp_path, number, "running" if number == 1 else "succeeded")
    files.make_folder(tmp_path)
    left = {path.name for path in files.all_files(tmp_path)}
    assert len(left) == files.KEPT
    assert "run-1.json" in left
    assert "run-2.json" not in left


@pytest.mark.parametrize("mark", ["../../etc/passwd", "a b", "x\n"])
def test_a_run_id_names_no_other_folder(tmp_path, mark):
    assert files.file_of(tmp_path, "run", mark).parent == tmp_path


def test_a_writer_that_holds_the_lock_is_not_waited_for_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "PATIENCE_SECONDS", 0.05)
    files.make_folder(tmp_path)
    ended(tmp_path, 1)
    with (tmp_path / files.LOCK).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert files.write_together(tmp_path, wait=False) is False
        assert files.write_together(tmp_path, wait=True) is False
    assert files.write_together(tmp_path, wait=True) is True
    assert len(json.loads((tmp_path / files.TOGETHER).read_text())["operations"]) == 1


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "run-1.json"
    files.write_atomically(path, {"operation": "run"})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OSError, match="space"):
        files.write_atomically(path, {"operation": "other"})
    assert [p.name for p in tmp_path.iterdir()] == ["run-1.json"]
    assert json.loads(path.read_bytes()) == {"operation": "run"}


def test_a_progress_file_is_for_this_user_alone(tmp_path):
    path = tmp_path / "run-1.json"
    files.write_atomically(path, {"operation": "run"})
    assert path.stat().st_mode & 0o777 == 0o600
