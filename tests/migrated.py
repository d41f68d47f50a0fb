"""What an empty database costs, paid once per process: our own migrations run, and Dagster's read."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from leadscout_assets.database import engine

Migrate = Callable[[sa.Connection], None]

really_migrate: Migrate = engine._migrate
"""What runs every migration."""


def migrate(connection: sa.Connection) -> None:
    """Do to an empty SQLite file what the migrations do; everything else is left to them."""
    if connection.dialect.name != "sqlite" or sa.inspect(connection).get_table_names():
        really_migrate(connection)
        return
    for statement in _statements():
        connection.exec_driver_sql(statement)


@cache
def _statements() -> tuple[str, ...]:
    """Return what makes the schema, tables before what is about them, and the rows that the migrations leave in it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "migrated.sqlite"
        database = engine.Database(f"sqlite:///{path}")
        with database.begin() as connection:
            really_migrate(connection)
        database.close()
        file = sqlite3.connect(path)
        try:
            return tuple(line for line in file.iterdump() if line not in ("BEGIN TRANSACTION;", "COMMIT;"))
        finally:
            file.close()


really_read = ScriptDirectory.from_config
"""What reads every script of migrations."""

_read: dict[str, ScriptDirectory] = {}


def scripts(config: Config) -> ScriptDirectory:
    """Return Dagster's migrations, which do not change; it reads all ninety twice for each database, of which a run has one."""
    place = config.get_main_option("script_location") or ""
    if not place.startswith("dagster"):
        return really_read(config)
    if place not in _read:
        _read[place] = really_read(config)
    return _read[place]
