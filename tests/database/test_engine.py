"""Connections and transactions."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import traceback
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from leadscout_assets.database.engine import (
    BUSY_SECONDS,
    POSTGRES_RECYCLE_SECONDS,
    Database,
    database_of,
    read_password,
    upgrade,
)
from leadscout_assets.database.models import audit_events
from leadscout_assets.errors import BadSetting, EdgeFailed
from leadscout_assets.settings import read_settings
from tests.waiting import until

CANARY = "Zanele Quagga"


def _count(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(sa.text("SELECT count(*) FROM audit_events")).scalar_one())


def _add_event(connection: sa.Connection) -> None:
    connection.execute(
        sa.text(
            "INSERT INTO audit_events (at, actor, action, detail, prev_hash, hash) "
            "VALUES (CURRENT_TIMESTAMP, 'x', 'x', '{}', :before, 'x')"
        ),
        {"before": uuid4().hex},
    )


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true", "mysql://u:p@h/d", "nonsense"],
)
def test_a_url_that_cannot_be_used_is_refused_without_being_quoted(url):
    with pytest.raises(BadSetting, match="LEADSCOUT_DATABASE_URL") as caught:
        Database(url)
    assert "u:p" not in str(caught.value)
    assert "nonsense" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2"])
def test_any_postgresql_scheme_means_psycopg_3(scheme):
    database = Database(f"{scheme}://u@localhost/d")
    assert database.url.drivername == "postgresql+psycopg"
    assert not database.is_sqlite


def test_the_password_is_not_shown():
    assert "hidden-word" not in repr(Database("postgresql://u:hidden-word@localhost/d"))


def test_a_transaction_is_committed_at_its_end_and_rolled_back_on_an_exception(database):
    with database.begin() as connection:
        _add_event(connection)

    def fail_after_writing() -> None:
        with database.begin() as connection:
            _add_event(connection)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_writing()
    assert _count(database) == 1


def test_an_error_names_no_value_in_any_way_it_can_be_shown(database):
    with pytest.raises(EdgeFailed) as caught, database.begin() as connection:
        connection.execute(sa.text("INSERT INTO audit_events (id, at) VALUES (1, :at)"), {"at": CANARY})
    shown = "".join(traceback.format_exception(caught.value))
    assert CANARY not in shown.replace(Path(__file__).read_text(), "")
    assert "application database" in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_broken_constraint_says_that_nothing_was_changed(database):
    with pytest.raises(EdgeFailed, match="nothing was changed"), database.begin() as connection:
        connection.execute(sa.text("INSERT INTO refusals VALUES ('unknown', 's', 'c', 's', CURRENT_TIMESTAMP)"))


def test_a_naive_time_cannot_be_stored_and_an_aware_one_comes_back_in_utc(database):
    johannesburg = timezone(timedelta(hours=2))
    at = datetime(2026, 3, 1, 1, 30, 0, 123456, tzinfo=johannesburg)
    values = {"actor": "x", "action": "x", "detail": {}, "prev_hash": "x", "hash": "x"}
    with database.begin() as connection:
        connection.execute(audit_events.insert().values(at=at, **values))
    with database.read() as connection:
        stored = connection.execute(sa.select(audit_events.c.at)).scalar_one()
    assert stored == at
    assert stored.tzinfo is UTC
    with pytest.raises(EdgeFailed), database.begin() as connection:
        connection.execute(audit_events.insert().values(at=at.replace(tzinfo=None), **values))


def test_sqlite_is_set_up_to_survive_and_to_wait(sqlite):
    with sqlite.read() as connection:
        pragma = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragma == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": BUSY_SECONDS * 1000}


def test_opening_waits_for_a_writer_that_does_not_use_wal_yet(tmp_path, monkeypatch):
    writer = sqlite3.connect(tmp_path / "test.sqlite", isolation_level=None)
    writer.execute("CREATE TABLE audit_events (x)")
    writer.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr("leadscout_assets.database.engine.time.sleep", lambda _seconds: writer.execute("COMMIT"))
    database = Database(f"sqlite:///{tmp_path}/test.sqlite")
    assert _count(database) == 0
    database.close()
    writer.close()


def test_a_reader_does_not_wait_for_a_writer(sqlite):
    with sqlite.begin() as writing:
        _add_event(writing)
        assert _count(sqlite) == 0
    assert _count(sqlite) == 1


def test_writers_in_many_threads_wait_for_each_other(database):
    def write() -> None:
        for _ in range(10):
            with database.begin() as connection:
                connection.execute(sa.text("SELECT count(*) FROM audit_events")).scalar_one()
                _add_event(connection)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _count(database) == 40


def test_a_folder_that_cannot_be_made_is_an_edge_failure(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EdgeFailed, match="folder cannot be made"):
        upgrade(Database(f"sqlite:///{tmp_path}/file/db.sqlite"))


def test_a_file_that_is_no_database_is_an_edge_failure_that_says_so(tmp_path):
    (tmp_path / "db.sqlite").write_text("not a database" * 100)
    with pytest.raises(EdgeFailed, match="not a SQLite database"):
        upgrade(Database(f"sqlite:///{tmp_path}/db.sqlite"))


def test_an_unreachable_server_is_an_edge_failure_that_names_the_setting():
    with pytest.raises(EdgeFailed, match="LEADSCOUT_DATABASE_URL"):
        upgrade(Database("postgresql://u:hidden-word@127.0.0.1:1/d"))


def test_the_pool_has_20_connections_and_10_more_at_peaks_unless_set_otherwise(home):
    url = "postgresql://u@localhost/d"
    pool = database_of(read_settings(database_url=url)).engine.pool
    assert (pool.size(), pool._max_overflow) == (20, 10)
    pool = database_of(read_settings(database_url=url, database_pool_size=3, database_max_overflow=0)).engine.pool
    assert (pool.size(), pool._max_overflow) == (3, 0)
    sqlite = database_of(read_settings(database_pool_size=4)).engine.pool
    assert (sqlite.size(), sqlite._max_overflow) == (4, 10)


@pytest.mark.postgres
def test_the_pool_opens_no_more_connections_than_set_and_replaces_dead_ones(postgres_url):
    database = Database(postgres_url, pool_size=2, max_overflow=1)
    assert (database.engine.pool._pre_ping, database.engine.pool._recycle) == (True, POSTGRES_RECYCLE_SECONDS)
    database.engine.pool._timeout = 0.1
    with database.read() as first, database.read(), database.read():
        own = first.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
        with pytest.raises(EdgeFailed, match="TimeoutError"), database.read():
            pass
    others = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"

    def idle() -> int:
        with database.read() as connection:
            return int(connection.execute(sa.text(f"SELECT count(*) {others}")).scalar_one())

    # The server takes its time to end what was above the pool's size.
    until(lambda: idle() == 1, "one other connection is left")
    with database.begin() as connection:
        assert connection.execute(sa.text(f"SELECT count(pg_terminate_backend(pid)) {others}")).scalar_one() == 1
    with database.read() as one, database.read() as other:
        assert own not in [c.execute(sa.text("SELECT pg_backend_pid()")).scalar_one() for c in (other,)]
        assert one.execute(sa.text("SHOW application_name")).scalar_one() == "leadscout"
    database.close()


@pytest.mark.postgres
def test_the_password_comes_from_a_file_each_time_a_connection_is_opened(postgres_url, tmp_path):
    file, given = tmp_path / "password", []
    database = Database(postgres_url, password_file=file)
    sa.event.listen(
        database.engine, "do_connect", lambda _dialect, _record, _args, told: given.append(told["password"])
    )
    for password in ("first:/@ word", "second word"):
        file.write_text(f"{password}\n")
        with database.read():
            pass
        database.close()
    assert given == ["first:/@ word", "second word"]
    assert "word" not in repr(database)


@pytest.mark.parametrize("content", [None, "", "\n", b"\xff\xfe"])
def test_a_password_file_that_cannot_be_used_is_named_by_its_setting_without_its_content(tmp_path, content):
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadSetting, match="LEADSCOUT_DATABASE_PASSWORD_FILE") as caught:
        read_password(file)
    assert caught.value.__suppress_context__ or content in ("", "\n")


def test_importing_the_package_loads_no_sqlalchemy_and_the_engine_no_alembic():
    code = (
        "import sys, leadscout_assets.database; assert 'sqlalchemy' not in sys.modules;"
        "import leadscout_assets.database.deliveries; assert 'alembic' not in sys.modules;"
        "assert 'sqlalchemy.orm' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
