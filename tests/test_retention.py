"""Files that are kept for a while: shown first, removed when told to, and never what is still in use."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta

from leadscout_assets.home import Home
from leadscout_assets.progress.files import file_of, write_atomically
from leadscout_assets.progress.tracking import tracked
from leadscout_assets.retention import prune_files, prune_tables
from tests.test_tables import ONE, REJECTED_LEADS, rejected

NOW = datetime.now(UTC)


def counts(settings, *, apply: bool) -> dict[str, int]:
    return {one.kind: one.count for one in prune_files(settings, NOW, apply=apply)}


def test_progress_files_of_operations_that_ended_long_ago_go_when_told_to(home):
    with tracked(home, "backup"):
        pass
    with tracked(home, "run"):
        old = time.time() - timedelta(days=8).total_seconds()
        for path in home.progress_dir.glob("*-*.json"):
            os.utime(path, (old, old))
        file = file_of(home.progress_dir, "restore", "1")
        write_atomically(file, {"operation": "restore", "state": "succeeded", "pid": 1, "timestamp": NOW.isoformat()})
        assert counts(home, apply=False)["progress files"] == 1
        assert counts(home, apply=True)["progress files"] == 1
        left = {path.name.rpartition("-")[0] for path in home.progress_dir.glob("*-*.json")} - {"batch"}
        assert left == {"run", "restore"}
    assert counts(home, apply=True)["progress files"] == 0


def test_log_files_of_days_long_past_go_and_those_of_lately_stay(home):
    folder = home.logs_dir / "production"
    folder.mkdir(parents=True)
    days = {n: (NOW - timedelta(days=n)).date().isoformat() for n in (1, 29, 31, 400)}
    for day in days.values():
        (folder / f"operations-{day}.log.gz").write_bytes(b"x" * 100)
    shown = {one.kind: one for one in prune_files(home, NOW, apply=False)}["log files"]
    assert (shown.count, shown.size_bytes, shown.kept_days) == (2, 200, 30)
    counts(home, apply=True)
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"operations-{days[n]}.log.gz" for n in (1, 29))


def test_a_home_without_anything_has_nothing_to_remove(home):
    assert set(counts(home, apply=True).values()) == {0}
    assert prune_tables(Home(home), apply=True).count == 0
    assert not home.home.exists()


def test_old_versions_of_tables_are_counted_and_removed(home):
    opened = Home(home.model_copy(update={"undo_days": 0.0}))
    for rows in ((2, 3), (2,)):
        opened.tables.replace(REJECTED_LEADS, rejected(ONE, *rows), [ONE])
    assert prune_tables(opened, apply=False).count == 1
    assert prune_tables(opened, apply=True).count == 1
    assert prune_tables(opened, apply=False).count == 0
    assert opened.tables.read(REJECTED_LEADS, [ONE]).num_rows == 1
