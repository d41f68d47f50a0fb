"""The embedded instance's runs and schedules: Dagster's own on SQLite, with one engine for each file that a process uses.

Named in `dagster.yaml`. What is stored, and where, is Dagster's affair. Why: ADR 0009; the event log has a module of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.schedules import SqliteScheduleStorage
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS, create_db_conn_string
from dagster._serdes import ConfigurableClassData
from sqlalchemy.engine import Connection, Engine

from leadscout_assets.defs.optionless import Optionless

OPEN_FILES = 8
"""Databases that a process keeps open: it uses two, those of one instance. Tests open many instances."""


class _Pooled(Optionless):
    """What the two storages do differently here: they share an engine, and keep it."""

    DAGSTERS: ClassVar[type[SqliteRunStorage] | type[SqliteScheduleStorage]]
    FOLDER: ClassVar[str]
    NAME: ClassVar[str]

    _file: Path
    _inst_data: ConfigurableClassData | None

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        """Wait for the instance: only it knows the folder that it was opened in."""
        self._inst_data = inst_data

    def register_instance(self, instance: dg.DagsterInstance) -> None:
        """Open, or make, the database in the folder of the instance."""
        folder = Path(instance.root_directory, self.FOLDER)
        self._file = folder / f"{self.NAME}.db"
        if not (self._file.exists() and is_made(_engine_of(self._file))):
            self.DAGSTERS.from_local(str(folder))
        super().__init__(create_db_conn_string(str(folder), self.NAME), self._inst_data)  # type: ignore[call-arg]
        super().register_instance(instance)  # type: ignore[misc]

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Yield a connection in a transaction. Dagster would make an engine, and open the file, each time."""
        with _engine_of(self._file).connect() as connection, connection.begin():
            yield connection


class PooledSqliteRunStorage(_Pooled, SqliteRunStorage):
    """Runs, their tags, backfills and heartbeats of the daemons."""

    DAGSTERS, FOLDER, NAME = SqliteRunStorage, "history", "runs"


class PooledSqliteScheduleStorage(_Pooled, SqliteScheduleStorage):
    """Schedules, sensors and their ticks."""

    DAGSTERS, FOLDER, NAME = SqliteScheduleStorage, "schedules", "schedules"


def is_made(engine: Engine) -> bool:
    """Say whether a database of Dagster's has its tables: by their version, as Dagster tells it, whichever that is.

    Dagster itself reads its ninety migrations, 30 ms each time that an instance is opened, to come to the same conclusion.
    """
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return False
        return connection.exec_driver_sql("SELECT 1 FROM alembic_version").first() is not None


def _engine_of(file: Path) -> Engine:
    # A home that was removed and made again has another file of the same name.
    return _engine(file, file.stat().st_ino)


@lru_cache(OPEN_FILES)
def _engine(file: Path, number: int) -> Engine:
    # A code server opens an instance for each tick of a sensor, and a webserver asks from many threads at once.
    return create_engine(
        create_db_conn_string(str(file.parent), file.stem),
        pool_size=2,
        max_overflow=-1,
        connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
    )
