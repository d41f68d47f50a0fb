"""Connections, transactions and schema version of the application database, on SQLite and PostgreSQL.

Its one error boundary, too: no SQLAlchemy error leaves. No table is known here (see `models`), and no query.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from leadscout_assets.database.slow_queries import watch_queries
from leadscout_assets.errors import BadSetting, EdgeFailed
from leadscout_assets.folders import make_private
from leadscout_assets.settings import Settings

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0011"
"""The newest revision below `migrations/`. Known here because importing Alembic to ask costs more than a second."""

BUSY_SECONDS = 30
"""How long a connection waits for another process's lock, seconds. A write here lasts milliseconds."""

POSTGRES_CONNECT_SECONDS = 10

POSTGRES_RECYCLE_SECONDS = 1800
"""Age at which an idle connection is replaced: a firewall in between forgets one after an hour or so, without a word."""

_UPGRADE_LOCK = 0x1EAD5C07
"""Key of the PostgreSQL advisory lock under which one process upgrades while the others wait."""

_POSTGRES_DRIVERS = {"postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2"}

_FIXES = {
    "SQLITE_BUSY": "another process holds the database for too long; end it and try again",
    "SQLITE_FULL": "the disk is full; free space below the home",
    "SQLITE_READONLY": "the database file or its folder is read-only; make both writable",
    "SQLITE_CANTOPEN": "the database file cannot be opened; check that its folder exists and is writable",
    "SQLITE_CORRUPT": "the database file is damaged; restore it from a backup",
    "SQLITE_NOTADB": "the file is not a SQLite database; check LEADSCOUT_DATABASE_URL or restore it from a backup",
    "SQLITE_IOERR_SHM": "the disk is full, or its file system has no shared memory; free space below the home",
    "SQLITE_IOERR_WRITE": "the disk is full or fails; free space below the home, or check it",
    "SQLITE_IOERR": "the disk cannot be read or written; check it and its file system",
    "SQLITE_CONSTRAINT": "the database refuses this change, and nothing was changed",
    "23": "the database refuses this change, and nothing was changed",
    "P0001": "the database refuses this change, and nothing was changed",
    "28": "the server refused user or password; check LEADSCOUT_DATABASE_URL",
    "3D": "the server has no such database; create it or correct LEADSCOUT_DATABASE_URL",
    "42501": "the database user lacks a right; grant it the rights on its schema",
    "42P01": "a table is missing; start LeadScout once more so that it upgrades the database",
    "53": "the server is out of connections, memory or disk; look at the server's log",
    "57": "the server is shutting down or ended the query; look at the server's log",
}
"""What to do, by the beginning of SQLite's error name or of PostgreSQL's SQLSTATE."""

_FIX_OTHERWISE = "check LEADSCOUT_DATABASE_URL, and the server's log where it is PostgreSQL"


class Database:
    """One application database: a connection pool with transactions that fail only with LeadScout's own errors.

    `url` is a SQLAlchemy URL of a SQLite file or of PostgreSQL (`postgresql://` means psycopg 3). `pool_size`
    connections are kept, `max_overflow` more are opened at peaks. Connections open at first use. The password of
    PostgreSQL is read from `password_file`, where there is one, each time a connection is opened. A query that takes
    `slow_query_ms` milliseconds is logged.
    Raises `BadSetting` where the URL cannot be used; the URL is not quoted, as it may hold a password.
    """

    def __init__(
        self,
        url: str,
        *,
        password_file: Path | None = None,
        pool_size: int = 20,
        max_overflow: int = 10,
        slow_query_ms: float = 500.0,
    ) -> None:
        self.url, self.slow_query_ms = _usable(url), slow_query_ms
        if self.is_sqlite:
            self.engine = _sqlite_engine(self.url, pool_size, max_overflow)
        else:
            self.engine = postgres_engine(self.url, password_file, pool_size, max_overflow)
        self.queries = watch_queries(self.engine, slow_query_ms)

    def __repr__(self) -> str:
        return f"Database({self.url.render_as_string(hide_password=True)!r})"

    @property
    def is_sqlite(self) -> bool:
        """Whether this is a SQLite file; else it is PostgreSQL."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def is_there(self) -> bool:
        """Whether looking into it makes no SQLite file that was not there; a PostgreSQL database is told by its answer."""
        return not self.is_sqlite or Path(str(self.url.database)).exists()

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """Open a transaction that may write; commits at the end, rolls back on any exception.

        On SQLite it takes the write lock at once, so that a read followed by a write cannot fail half-way.
        Raises `EdgeFailed` in place of every SQLAlchemy error.
        """
        with self._transaction(writes=True) as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a transaction that only reads; on SQLite it never waits for a writer. Raises as `begin` does."""
        with self._transaction(writes=False) as connection:
            yield connection

    @contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[sa.Connection]:
        try:
            self._make_folder()
            with self.engine.connect() as connection:
                connection = connection.execution_options(leadscout_writes=writes)
                with connection.begin():
                    yield connection
        except SQLAlchemyError as error:
            # Its text quotes statements, parameters and constraint values: only the kind of fault leaves.
            raise EdgeFailed(_explain(error)) from None

    def _make_folder(self) -> None:
        if not self.is_sqlite:
            return
        try:
            make_private(Path(str(self.url.database)).parent)
        except OSError as error:
            raise EdgeFailed(f"application database: its folder cannot be made ({error.strerror})") from None

    def scrub(self, tables: Sequence[sa.Table]) -> None:
        """Leave nothing of deleted rows of `tables` in the database's own files: free pages, dead rows, write-ahead log.

        On SQLite the whole file is written anew, on PostgreSQL these tables; the server's log of changes ends in its own
        time. Others wait meanwhile. Raises `EdgeFailed`, also where a reader keeps SQLite's log from being emptied.
        """
        try:
            if self.is_sqlite:
                self._make_folder()
                _scrub_file(self.engine)
                return
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                for table in tables:
                    name = connection.dialect.identifier_preparer.format_table(table)
                    connection.execute(sa.text(f"VACUUM (FULL) {name}"))
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise EdgeFailed(_explain(error)) from None

    def size_bytes(self) -> int:
        """Return how large the database is: of SQLite, its file with the log beside it. Raises `EdgeFailed`."""
        if self.is_sqlite:
            file = Path(str(self.url.database))
            return sum(one.stat().st_size for one in (file, file.with_name(f"{file.name}-wal")) if one.exists())
        with self.read() as connection:
            return int(connection.execute(sa.text("SELECT pg_database_size(current_database())")).scalar_one())

    def close(self) -> None:
        """Close the pooled connections; the next transaction opens new ones."""
        self.engine.dispose()


def _usable(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise BadSetting(
            "LEADSCOUT_DATABASE_URL: not a database URL; write sqlite:///FILE or postgresql://..."
        ) from None
    if parsed.drivername in {"sqlite", "sqlite+pysqlite"}:
        if parsed.database in {None, "", ":memory:"} or "mode" in parsed.query:
            raise BadSetting(
                "LEADSCOUT_DATABASE_URL: several processes share the database; name a file: sqlite:///FILE"
            )
        return parsed
    if parsed.drivername in _POSTGRES_DRIVERS:
        return parsed.set(drivername="postgresql+psycopg")
    raise BadSetting("LEADSCOUT_DATABASE_URL: only sqlite:/// and postgresql+psycopg:// can be used")


def database_of(settings: Settings) -> Database:
    """Return the application database that the settings name."""
    return Database(
        settings.database,
        password_file=settings.database_password_file,
        pool_size=settings.database_pool_size,
        max_overflow=settings.database_max_overflow,
        slow_query_ms=settings.slow_query_ms,
    )


def read_password(file: Path) -> str:
    """Return the password in a file, the line's end left off. Raises `BadSetting`, which names the setting."""
    try:
        password = file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        # No colon behind the name: a log line would take what follows for the password, and remove it.
        raise BadSetting(
            f"LEADSCOUT_DATABASE_PASSWORD_FILE names a file that cannot be read ({type(error).__name__}); check that the "
            "secret is there and that the user of this process may read it"
        ) from None
    if not password:
        raise BadSetting("LEADSCOUT_DATABASE_PASSWORD_FILE names a file that is empty; write the password into it")
    return password


def is_postgres_url(url: str) -> bool:
    """Say whether a URL names a PostgreSQL database, by whatever driver."""
    try:
        return make_url(url).drivername in _POSTGRES_DRIVERS
    except ArgumentError:
        return False


def postgres_engine(
    url: URL, password_file: Path | None, pool_size: int, max_overflow: int, **options: Any
) -> sa.Engine:
    """Return an engine on PostgreSQL; `options` go to SQLAlchemy. Nothing is opened yet."""
    connect = {"connect_timeout": POSTGRES_CONNECT_SECONDS, "application_name": "leadscout"}
    engine = sa.create_engine(
        url,
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_pre_ping=True,  # a restarted server or a firewall closes idle connections
        pool_recycle=POSTGRES_RECYCLE_SECONDS,
        hide_parameters=True,
        connect_args={key: value for key, value in connect.items() if key not in url.query},
        **options,
    )
    if password_file is not None:

        @sa.event.listens_for(engine, "do_connect")
        def _with_password(_dialect: object, _record: object, _args: object, parameters: dict[str, Any]) -> None:
            # At each connection, so that a password that was changed needs no restart.
            parameters["password"] = read_password(password_file)

    return engine


def _sqlite_engine(url: URL, pool_size: int, max_overflow: int) -> sa.Engine:
    engine = sa.create_engine(
        url,
        pool_size=pool_size,
        max_overflow=max_overflow,
        hide_parameters=True,
        connect_args={"timeout": BUSY_SECONDS},
    )

    @sa.event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _record: object) -> None:
        # The driver would open transactions by itself, and none before DDL: `_begin` decides instead.
        connection.isolation_level = None
        try:
            _use_wal(connection)
            # FULL, not NORMAL: a delivery's record must outlive a power cut, since its inbox file is moved away next.
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
        except sqlite3.Error:
            connection.close()  # the pool does not know it yet
            raise

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("leadscout_writes", True)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _use_wal(connection: sqlite3.Connection) -> None:
    # WAL lets readers go on while one process writes. Switching to it fails at once, whatever the busy timeout, while
    # another process writes to a database that is not in WAL mode yet, such as a restored backup: ask again.
    give_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").fetchone()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.02)


def _scrub_file(engine: sa.Engine) -> None:
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("VACUUM")
        # The pages as they were stand in the log until nobody reads them any more, and it can be cut to nothing.
        if cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            raise EdgeFailed(f"application database: SQLITE_BUSY; {_FIXES['SQLITE_BUSY']}")
    finally:
        connection.close()


def _explain(error: SQLAlchemyError | sqlite3.Error) -> str:
    """Say what failed and what to do, from error names and codes alone."""
    original = getattr(error, "orig", None) or error
    code = getattr(original, "sqlite_errorname", None) or getattr(original, "sqlstate", None) or ""
    fix = next((fix for start, fix in _FIXES.items() if code.startswith(start)), _FIX_OTHERWISE)
    kind = type(original).__name__
    return f"application database: {kind}{f' {code}' if code else ''}; {fix}"


def upgrade(database: Database) -> None:
    """Bring the schema to `HEAD`; several processes may do so at the same time. Cheap where it is there already.

    Raises `EdgeFailed` where the database cannot be reached or was written by a newer LeadScout.
    """
    if current_revision(database) == HEAD:
        return

    with database.begin() as connection:
        _wait_for_others(connection)
        _migrate(connection)


def _migrate(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.util.exc import CommandError

    try:
        command.upgrade(_config(connection), "head")
    except CommandError:
        raise EdgeFailed(
            "application database: its schema is not one of this version's; install the LeadScout that wrote it, "
            "or restore a backup made with this version"
        ) from None


def downgrade(database: Database, revision: str = "base") -> None:
    """Take the schema back to `revision`; the data of dropped tables is lost. For tests and emergencies."""
    from alembic import command

    with database.begin() as connection:
        _wait_for_others(connection)
        command.downgrade(_config(connection), revision)


def current_revision(database: Database) -> str | None:
    """Return the revision stored in the database, or None where it is empty."""
    with database.read() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _wait_for_others(connection: sa.Connection) -> None:
    # On SQLite the transaction holds the write lock already, and its DDL is part of the transaction.
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})


def _config(connection: sa.Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "leadscout_assets.database:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
