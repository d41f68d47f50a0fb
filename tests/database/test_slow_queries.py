"""Slow queries: told with what was asked, never with the values."""

from __future__ import annotations

import io
import json
import logging
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from leadscout_assets.database import slow_queries
from leadscout_assets.database.engine import Database, database_of
from leadscout_assets.database.slow_queries import LONGEST_STATEMENT, without_values
from leadscout_assets.errors import EdgeFailed
from leadscout_assets.logs import setup_logging
from leadscout_assets.settings import read_settings

THRESHOLD = 1_000.0
"""Milliseconds; longer than a query that is not slow takes on the busiest machine."""


@pytest.fixture
def said():
    root = logging.getLogger()
    before = root.handlers[:]
    stream = io.StringIO()
    setup_logging(read_settings(log_format="json"), stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = before


@pytest.fixture
def on_sqlite(tmp_path, monkeypatch) -> Database:
    """A database whose clock stands but for its `pg_sleep`: on a busy machine any query may take long."""
    database, at = Database(f"sqlite:///{tmp_path / 'a.sqlite'}", slow_query_ms=THRESHOLD), [100.0]

    def sleep(seconds: float) -> None:
        at[0] += seconds

    @sa.event.listens_for(database.engine, "connect")
    def _(connection, _record):
        connection.create_function("pg_sleep", 1, sleep)

    monkeypatch.setattr(slow_queries, "time", SimpleNamespace(perf_counter=lambda: at[0]))
    return database


def test_queries_are_counted_with_their_seconds_and_the_slow_ones_among_them(on_sqlite):
    database = on_sqlite
    before = database.queries.count
    with database.read() as connection:
        connection.execute(sa.text("SELECT pg_sleep(0.999)")).all()
        connection.execute(sa.text("SELECT pg_sleep(1.1)")).all()
        connection.execute(sa.text("SELECT 1")).all()
    database.close()
    assert database.queries.count - before >= 3
    assert database.queries.seconds == pytest.approx(2.099)
    assert database.queries.slow == 1


def queried_slowly(database: Database, said) -> None:
    """Ask something that takes long, and something that does not."""
    with database.read() as connection:
        connection.execute(sa.text("SELECT 'Thandi', pg_sleep(1.1), :name"), {"name": "Mokoena"}).all()
        connection.execute(sa.text("SELECT 1")).all()
    database.close()
    (line,) = said()
    assert (line["event"], line["level"], line["threshold_ms"]) == ("database.slow_query", "warning", THRESHOLD)
    assert line["processing_time_ms"] >= 1_100
    assert line["database"] == database.engine.dialect.name
    assert line["statement"].startswith("SELECT ?, pg_sleep(?), ")
    assert "Thandi" not in str(line)
    assert "Mokoena" not in str(line)


def test_a_slow_query_is_told_without_its_values(on_sqlite, said):
    queried_slowly(on_sqlite, said)


@pytest.mark.postgres
def test_a_slow_query_on_postgresql_is_told_without_its_values(postgres_url, said):
    queried_slowly(Database(postgres_url, slow_query_ms=THRESHOLD), said)


def test_a_query_that_fails_breaks_nothing(tmp_path, said):
    database = Database(f"sqlite:///{tmp_path / 'a.sqlite'}", slow_query_ms=1e-6)
    with pytest.raises(EdgeFailed), database.read() as connection:
        connection.execute(sa.text("SELECT * FROM nowhere"))
    assert "nowhere" not in str(said())
    database.close()


def test_the_threshold_is_a_setting(tmp_path):
    asked = read_settings(home=tmp_path, slow_query_ms=7.0)
    assert database_of(asked).slow_query_ms == 7.0


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("SELECT a\n  FROM b\n WHERE c = 'O''Brien' AND d > 5.5", "SELECT a FROM b WHERE c = ? AND d > ?"),
        ("INSERT INTO t1 VALUES (:name, ?, %(x)s)", "INSERT INTO t1 VALUES (:name, ?, %(x)s)"),
        ("SELECT " + "a, " * 500, ("SELECT " + "a, " * 500)[:LONGEST_STATEMENT]),
    ],
)
def test_a_statement_is_told_on_one_line_without_literals(statement, told):
    assert without_values(statement) == told
