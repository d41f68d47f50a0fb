"""Copies of SQLite databases: what stops one is told by its cause."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from leadscout_assets.errors import EdgeFailed
from leadscout_assets.recovery import sqlite


@pytest.fixture
def runs(tmp_path):
    path = tmp_path / "runs.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE runs (id TEXT)")
        database.executemany("INSERT INTO runs VALUES (?)", [("x" * 3_000,)] * 20)
        database.commit()
    return path


def test_a_copy_holds_what_stood_in_the_database(runs, tmp_path):
    (tmp_path / "copy").touch()
    sqlite.copy(runs, tmp_path / "copy")
    assert sqlite.look_inside(tmp_path / "copy") == sqlite.Inside(None, {"runs": 20})


def test_a_full_disk_is_named_as_the_cause(runs, tmp_path, monkeypatch):
    connect = sqlite3.connect

    def onto_a_full_disk(path, *args, **options):
        connection = connect(path, *args, **options)
        if path == tmp_path / "copy":
            connection.execute("PRAGMA max_page_count=2")
        return connection

    monkeypatch.setattr(sqlite3, "connect", onto_a_full_disk)
    with pytest.raises(EdgeFailed, match=r"database runs\.db .*\(SQLITE_FULL\); the disk of the backups is full"):
        sqlite.copy(runs, tmp_path / "copy")


def test_what_is_no_database_says_where_to_look(tmp_path):
    (tmp_path / "runs.db").write_bytes(b"no database " * 1_000)
    with pytest.raises(EdgeFailed, match=r"\(SQLITE_NOTADB\); check its folder"):
        sqlite.copy(tmp_path / "runs.db", tmp_path / "copy")
