"""The application database under test: each test that asks for `database` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from leadscout_assets.database.engine import Database, upgrade
from tests.postgres import PostgresServer


@pytest.fixture(scope="session")
def emptied_url(postgres: PostgresServer) -> str:
    """URL of one PostgreSQL database for all these tests: making one for each takes longer than the tests."""
    return postgres.new_database()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without tables."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path}/db/test.sqlite")
    else:
        database = Database(request.getfixturevalue("emptied_url"))
        with database.begin() as connection:
            connection.execute(sa.text("DROP SCHEMA public CASCADE"))
            connection.execute(sa.text("CREATE SCHEMA public"))
    yield database
    database.close()


@pytest.fixture
def database(empty: Database) -> Database:
    """A database with the present schema."""
    upgrade(empty)
    return empty


@pytest.fixture(scope="session")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the present schema: copying it takes a moment, upgrading an empty one a third of a second."""
    path = tmp_path_factory.mktemp("upgraded") / "test.sqlite"
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    database.close()  # the last connection writes the log into the file
    return path


@pytest.fixture
def sqlite(tmp_path: Path, upgraded: Path) -> Iterator[Database]:
    """A SQLite database with the present schema."""
    (tmp_path / "db").mkdir()
    shutil.copy(upgraded, tmp_path / "db" / "test.sqlite")
    database = Database(f"sqlite:///{tmp_path}/db/test.sqlite")
    yield database
    database.close()
