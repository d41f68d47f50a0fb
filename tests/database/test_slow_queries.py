"""Slow queries: told with what was asked, never with the values."""

from __future__ import annotations

import io
import json
import logging
import time

import pytest
import sqlalchemy as sa

from leadscout_assets.database.engine import Database, database_of
from leadscout_assets.database.slow_queries import LONGEST_STATEMENT, without_values
from leadscout_assets.errors import EdgeFailed
from leadscout_assets.logs import setup_logging
from leadscout_assets.settings import read_settings


@pytest.fixture
def said():
    root = logging.getLogger()
    before = root.handlers[:]
    stream = io.StringIO()
    setup_logging(read_settings(log_format="json"), stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = before


def slow(url: str, threshold_ms: float) -> Database:
    database = Database(url, slow_query_ms=threshold_ms)

    @sa.event.listens_for(database.engine, "connect")
    def _(connection, _record):
        if hasattr(connection, "create_function"):
            connection.create_function("pg_sleep", 1, lambda seconds: time.sleep(seconds))

    return database


def test_queries_are_counted_with_their_seconds_and_the_slow_ones_among_them(tmp_path):
    database = slow(f"sqlite:///{tmp_path / 'a.sqlite'}", 50.0)
    before = database.queries.count
    with database.read() as connection:
        connection.execute(sa.text("SELECT pg_sleep(0.06)")).all()
        connection.execute(sa.text("SELECT 1")).all()
    database.close()
    assert database.queries.count - before >= 2
    assert database.queries.seconds >= 0.06
    assert database.queries.slow == 1


def queried_slowly(database: Database, said) -> None:
    """Ask something that takes long, and something that does not."""
    with database.read() as connection:
        connection.execute(sa.text("SELECT 'Thandi', pg_sleep(0.06), :name"), {"name": "Mokoena"}).all()
        connection.execute(sa.text("SELECT 1")).all()
    database.close()
    (line,) = said()
    assert (line["event"], line["level"], line["threshold_ms"]) == ("database.slow_query", "warning", 50.0)
    assert line["processing_time_ms"] >= 60
    assert line["database"] == database.engine.dialect.name
    assert line["statement"].startswith("SELECT ?, pg_sleep(?), ")
    assert "Thandi" not in str(line)
    assert "Mokoena" not in str(line)


def test_a_slow_query_is_told_without_its_values(tmp_path, said):
    queried_slowly(slow(f"sqlite:///{tmp_path / 'a.sqlite'}", 50.0), said)


@pytest.mark.postgres
def test_a_slow_query_on_postgresql_is_told_without_its_values(postgres_url, said):
    queried_slowly(slow(postgres_url, 50.0), said)


def test_a_query_that_fails_breaks_nothing(tmp_path, said):
    database = slow(f"sqlite:///{tmp_path / 'a.sqlite'}", 1e-6)
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
