"""A home with something of everything in it, small enough to be backed up in a moment."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from leadscout_assets.contracts import LEAD_REPORTS, REJECTED_LEADS
from leadscout_assets.digests import sha256_of
from leadscout_assets.home import Home
from leadscout_assets.recovery.backup import BackupTaken, take_backup
from leadscout_assets.recovery.repository import Repository
from leadscout_assets.recovery.restore import Restored, fill_from, restore
from leadscout_assets.settings import Settings, read_settings
from tests import scenario

ONE, TWO = "2026-01-01_list_00000001", "2026-01-02_list_00000002"


def rejected(batch: str, rows: int, text: str = "{}") -> pa.Table:
    """Return rows of one batch that all say the same."""
    found = [{"batch_id": batch, "source_row": n, "reasons": ["totals_row"], "row": text} for n in range(2, rows + 2)]
    return pa.Table.from_pylist(found, REJECTED_LEADS.schema)


class Living:
    """A home in use, and the shortest ways to back it up and to restore it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.home = Home(settings)
        self.repository = Repository(settings.backups_dir)

    @property
    def root(self) -> Path:
        return self.settings.home

    def back_up(self, **options) -> BackupTaken:
        return take_backup(self.settings, **options)

    def restore(self, target: Path, backup_id: str | None = None) -> Restored:
        manifest = self.repository.read(backup_id) if backup_id else self.repository.newest()
        assert manifest is not None
        return restore(self.repository, manifest, target, fill_from(self.settings))

    def reject(self, batch: str, rows: int, text: str = "{}") -> None:
        self.home.tables.replace(REJECTED_LEADS, rejected(batch, rows, text), [batch])

    def grow_old(self) -> None:
        """Let every file have been changed a minute ago: what is younger than two seconds is always read again."""
        minute_ago = time.time() - 60
        for path in self.root.rglob("*"):
            if path.is_file():
                os.utime(path, (minute_ago, minute_ago))

    def object_of(self, path: str) -> Path:
        """Return where the newest backup keeps a file of the home."""
        (file,) = [file for file in self.repository.newest().files if file.path == path]
        return self.repository.object_path(file.sha256)


def contents(home: Path) -> dict[str, str]:
    """Return the hash of every file below a home that is neither a database nor of the backups, by path."""
    return {
        path.relative_to(home).as_posix(): sha256_of(path)
        for path in home.rglob("*")
        if path.is_file() and "backups" not in path.parts and not path.name.endswith((".db", ".sqlite", "-wal", "-shm"))
    }


def flip(path: Path) -> None:
    """Change one byte in the middle of a file that nobody should change."""
    path.chmod(0o600)
    found = bytearray(path.read_bytes())
    found[len(found) // 2] ^= 0x01
    path.write_bytes(bytes(found))


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home that each test gets a copy of: making its database takes longer than most tests."""
    base = tmp_path_factory.mktemp("living")
    settings = read_settings(home=base / "home")
    home = Home(settings)
    home.deliver(scenario.scenario_csv(base / "leads.csv"), now=datetime.now(UTC) - timedelta(hours=1))
    assert home.lead_id_key
    home.database.close()
    living = Living(settings)
    living.reject(ONE, 3)
    living.reject(TWO, 4)
    report = settings.reports_dir / ONE / f"{ONE}.html"
    report.parent.mkdir(parents=True)
    report.write_text("<p>a report</p>")
    row = {"batch_id": ONE, "kind": "html", "path": f"{ONE}/{ONE}.html", "bytes": 15, "sha256": sha256_of(report)}
    living.home.tables.replace(LEAD_REPORTS, pa.Table.from_pylist([row], LEAD_REPORTS.schema), [ONE])
    runs = settings.dagster_dir / "history" / "runs"
    runs.mkdir(parents=True)
    (settings.dagster_dir / ".storage-made").touch()
    (settings.dagster_dir / "workspace.yaml").write_text("of this machine")
    for path in (runs.parent / "runs.db", runs / "index.db", runs / ".db"):
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("CREATE TABLE events (id INTEGER)")
            database.execute("INSERT INTO events VALUES (1)")
            database.commit()
    return settings.home


@pytest.fixture
def living(home: Settings, made_once: Path) -> Iterator[Living]:
    shutil.copytree(made_once, home.home)
    found = Living(home)
    yield found
    found.home.database.close()
