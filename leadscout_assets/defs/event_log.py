"""The embedded instance's event log: Dagster's own on SQLite, with connections kept open instead of one per statement.

Named in `dagster.yaml`. What is stored, and where, is Dagster's affair. Why this is worth a class of ours: ADR 0009.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy.engine import Connection, Engine

from leadscout_assets.defs.check_states import RemembersCheckStates
from leadscout_assets.defs.optionless import Optionless
from leadscout_assets.defs.partition_names import RemembersPartitions
from leadscout_assets.defs.sqlite_storage import is_made

FOLDER = Path("history", "runs")
"""Where Dagster keeps the event log by default, below the instance's folder."""

OPEN_SHARDS = 8
"""Databases kept open: each run has one of its own, beside the index, and a webserver reads hundreds of them."""


class PooledSqliteEventLogStorage(Optionless, RemembersCheckStates, RemembersPartitions, SqliteEventLogStorage):
    """Dagster's SQLite event log that opens each database once.

    Dagster makes an engine, compiles each statement anew and opens the file for every single access: half the time of
    a run of small batches. Here the engine of a database is kept, and with it its connection and compiled statements.
    """

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        """Wait for the instance: only it knows the folder that it was opened in."""
        self._inst_data = inst_data
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._tables: set[str] = set()
        self._opened: dict[str, int | None] = {}

    def register_instance(self, instance: dg.DagsterInstance) -> None:
        """Open, or make, the event log in the folder of the instance."""
        super().__init__(str(Path(instance.root_directory, FOLDER)), self._inst_data)
        super().register_instance(instance)

    def has_table(self, table_name: str) -> bool:
        """Say whether the index has a table; one that was there stays there."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def drop_log(self, run_id: str) -> None:
        """Remove the log of a run; the index keeps what was said there of assets, checks and the run itself."""
        with self._db_lock:
            self._forget(run_id)
            for ending in ("", "-wal", "-shm", "-journal"):
                file = self._file(run_id)
                file.with_name(file.name + ending).unlink(missing_ok=True)

    def _file(self, shard: str) -> Path:
        return Path(self.path_for_shard(shard))

    def _number(self, shard: str) -> int | None:
        """Return what tells a database's file from another one of its name; None where there is none."""
        try:
            return self._file(shard).stat().st_ino
        except FileNotFoundError:
            return None

    def _forget(self, shard: str) -> None:
        engine = self._engines.pop(shard, None)
        if engine is not None:
            engine.dispose()
        self._initialized_dbs.discard(shard)
        self._opened.pop(shard, None)

    def wipe(self) -> None:
        """Delete everything; connections to deleted files go with them."""
        self._close()
        super().wipe()

    def dispose(self) -> None:
        """Close everything."""
        super().dispose()
        self._close()

    def _initdb(self, engine: Engine, for_index_shard: bool = False) -> None:
        """Make the tables where there are none: those of a run's log as the index has them."""
        if is_made(engine):
            return
        index = self._engine(INDEX_SHARD_NAME)
        if not for_index_shard and is_made(index):
            # Another process that makes it just now may hold it: Dagster waits, and looks again.
            with suppress(sa.exc.OperationalError):
                _make_alike(index, engine)
                return
        super()._initdb(engine, for_index_shard)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            if shard in self._initialized_dbs and self._opened.get(shard) != self._number(shard):
                # Retention took the log of an old run, in another process: whoever looks at it finds an empty one.
                self._forget(shard)
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
                self._opened[shard] = self._number(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _engine(self, shard: str) -> Engine:
        engine = self._engines.pop(shard, None)
        if engine is None:
            # One connection is kept: whoever holds `_db_lock` is the only one that asks, but Dagster makes a new
            # database with two.
            engine = create_engine(
                self.conn_string_for_shard(shard),
                pool_size=1,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
            )
        self._engines[shard] = engine
        while len(self._engines) > OPEN_SHARDS:
            _, oldest = self._engines.popitem(last=False)
            oldest.dispose()
        return engine

    def _close(self) -> None:
        with self._db_lock:
            while self._engines:
                _, engine = self._engines.popitem()
                engine.dispose()


def _make_alike(index: Engine, log: Engine) -> None:
    """Give the log of a run the tables of the index, in one transaction: statement by statement, a disk takes twenty times as long."""
    with index.connect() as connection:
        schema = connection.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY type = 'index', rowid"
        ).scalars()
        statements = [str(statement) for statement in schema]
        version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
    with log.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        # Whoever reads the log of a run that begins makes it as well: the second finds it made.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        if not is_made(log):
            for statement in statements:
                connection.exec_driver_sql(statement)
            connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (version,))
        connection.commit()
