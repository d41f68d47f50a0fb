"""Dagster's storage on PostgreSQL with one connection pool per process, and the password read from a file.

Named in the PostgreSQL instance's `dagster.yaml`. What is stored, and how, is dagster-postgres' affair. Why: ADR 0010.
"""

from functools import lru_cache
from pathlib import Path
from weakref import WeakSet

import sqlalchemy as sa
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.event_log import EventLogStorage
from dagster._core.storage.runs import RunStorage
from dagster._core.storage.schedules import ScheduleStorage
from dagster._serdes import ConfigurableClass, ConfigurableClassData
from dagster_postgres import PostgresEventLogStorage, PostgresRunStorage, PostgresScheduleStorage
from dagster_postgres.auth import PgTokenProvider
from dagster_postgres.utils import set_pg_statement_timeout
from sqlalchemy.engine import make_url

from leadscout_assets.database.engine import is_postgres_url, postgres_engine, read_password
from leadscout_assets.defs.check_states import RemembersCheckStates
from leadscout_assets.defs.optionless import Optionless
from leadscout_assets.defs.partition_names import RemembersPartitions
from leadscout_assets.errors import BadSetting
from leadscout_assets.settings import Settings, current_settings

SCHEME = "postgresql+psycopg2"
"""With the bare scheme SQLAlchemy 2.1 takes psycopg 3, on which dagster-postgres fails at its first `NOTIFY`."""

_limited: "WeakSet[sa.Engine]" = WeakSet()
"""Engines whose statements the webserver has limited."""

_made: "WeakSet[sa.Engine]" = WeakSet()
"""Engines on databases whose tables this process has seen: each opening of an instance would look for them again."""


class PasswordFile(PgTokenProvider):
    """Hands dagster-postgres the password in a file, read anew for each connection."""

    def __init__(self, file: Path) -> None:
        """Read nothing yet."""
        super().__init__()
        self._file = file

    def get_token(self) -> str:
        """Return the password."""
        return read_password(self._file)

    def _fetch_token(self) -> tuple[str, float]:
        return self.get_token(), 0.0


class _Pooled:
    """What the three storages of dagster-postgres do differently here: they share an engine, and keep it."""

    _engine: sa.Engine

    def __init__(self, url: str, password: PasswordFile | None, engine: sa.Engine) -> None:
        make_tables = engine not in _made
        super().__init__(url, make_tables, token_provider=password)  # type: ignore[call-arg]
        # The one made above keeps no connection open, and so opens one, with a log-in, for each statement.
        self._engine = engine

    def optimize_for_webserver(self, statement_timeout: int, pool_recycle: int, max_overflow: int) -> None:
        """Limit statements to `statement_timeout` ms. The sizes stay those of the settings."""
        if self._engine in _limited:
            return
        _limited.add(self._engine)
        sa.event.listen(
            self._engine, "connect", lambda connection, _: set_pg_statement_timeout(connection, statement_timeout)
        )
        self._engine.dispose()


class _Events(_Pooled, RemembersCheckStates, RemembersPartitions, PostgresEventLogStorage):
    """Events."""


class _Runs(_Pooled, PostgresRunStorage):
    """Runs."""


class _Schedules(_Pooled, PostgresScheduleStorage):
    """Schedules, sensors and their ticks."""


class PooledPostgresStorage(Optionless, DagsterStorage, ConfigurableClass):
    """Dagster's runs, events and schedules in the database that `LEADSCOUT_DAGSTER_DATABASE_URL` names.

    dagster-postgres opens a connection for every statement, so that instances, of which a code server opens one for each
    tick of a sensor, leave none behind. Here all instances of a process share one pool.
    Raises `BadSetting` where the setting is missing or names no PostgreSQL.
    """

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        """Open the storage, and make its tables where there are none."""
        super().__init__()  # type: ignore[no-untyped-call]
        self._inst_data = inst_data
        settings = current_settings()
        url, engine = dagster_url(settings), dagster_engine(settings)
        password = PasswordFile(settings.database_password_file) if settings.database_password_file else None
        self._runs = _Runs(url, password, engine)
        self._events = _Events(url, password, engine)
        self._schedules = _Schedules(url, password, engine)
        _made.add(engine)

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """What `dagster.yaml` said."""
        return self._inst_data

    @property
    def event_log_storage(self) -> EventLogStorage:
        """The event log."""
        return self._events

    @property
    def run_storage(self) -> RunStorage:
        """The runs."""
        return self._runs

    @property
    def schedule_storage(self) -> ScheduleStorage:
        """The schedules."""
        return self._schedules


def dagster_url(settings: Settings) -> str:
    """Return the URL of Dagster's database, with the driver that dagster-postgres needs."""
    if settings.dagster_database_url is None or not is_postgres_url(settings.dagster_database_url.get_secret_value()):
        raise BadSetting("LEADSCOUT_DAGSTER_DATABASE_URL: this instance is on PostgreSQL; write postgresql://...")
    url = make_url(settings.dagster_database_url.get_secret_value()).set(drivername=SCHEME)
    return url.render_as_string(hide_password=False)


def dagster_engine(settings: Settings) -> sa.Engine:
    """Return this process's engine on Dagster's database."""
    return _engine(
        dagster_url(settings),
        settings.database_password_file,
        settings.database_pool_size,
        settings.database_max_overflow,
    )


@lru_cache
def _engine(url: str, password_file: Path | None, pool_size: int, max_overflow: int) -> sa.Engine:
    # dagster-postgres opens its transactions itself, where it wants any.
    return postgres_engine(make_url(url), password_file, pool_size, max_overflow, isolation_level="AUTOCOMMIT")
