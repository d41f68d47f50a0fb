"""The application database under test: each test that asks for `database` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

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


@pytest.fixture(scope="session")
def migrated_postgres(postgres: PostgresServer) -> str:
    """Name of a PostgreSQL database with the present schema, to which nobody is connected."""
    database = Database(postgres.new_database())
    upgrade(database)
    database.close()
    return str(database.url.database)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database with the present schema."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path}/db/test.sqlite")
        upgrade(database)
    else:
        server, like = request.getfixturevalue("postgres"), request.getfixturevalue("migrated_postgres")
        database = Database(server.new_database(like))
    yield database
    database.close()
