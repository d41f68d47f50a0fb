"""Dumps of PostgreSQL databases, and filling an empty one from a dump, through pg_dump and pg_restore.

Passwords go to them through the environment: arguments are shown to every user of the machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from leadscout_assets.database.engine import Database, read_password
from leadscout_assets.errors import BadInput, BadSetting, DamagedBackup, EdgeFailed
from leadscout_assets.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMIT_SECONDS = 3_600
"""A dump of what is small and transactional takes seconds; one that hangs must not hold the backup for ever."""

DRILL_MARK = "leadscout_restore_drill"
"""A table in the drill's database: whatever else stands there was put there by a drill, and may go."""

MARK = ("public", DRILL_MARK)

TABLES = (
    "SELECT schemaname, tablename FROM pg_tables "
    "WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"
)


@dataclass(frozen=True)
class Dumped:
    """What stood in the database at the moment of the dump: the revision of its schema, and the rows of its tables."""

    revision: str | None
    rows: dict[str, int]


def with_password(url: str, settings: Settings) -> str:
    """Return the URL with the password of LEADSCOUT_DATABASE_PASSWORD_FILE, where it has none of its own."""
    parsed, file = make_url(url), settings.database_password_file
    if file is None or parsed.password is not None:
        return url
    return parsed.set(password=read_password(file)).render_as_string(hide_password=False)


def dump(url: str, target: Path) -> Dumped:
    """Write a dump to `target` and return what stands in it; both see the database at the same moment.

    Raises `EdgeFailed` where the server does not answer or pg_dump fails.
    """
    database = _database(url)
    try:
        with database.read() as connection:
            connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            snapshot = str(connection.execute(sa.text("SELECT pg_export_snapshot()")).scalar_one())
            found = Dumped(_revision(connection), _rows(connection))
            options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
            _run("pg_dump", [*options, f"--file={target}"], database.url)
    finally:
        database.close()
    return found


def load(source: Path, url: str) -> dict[str, int]:
    """Fill an empty database from a dump, all or nothing, and return the rows of its tables.

    Raises `BadInput` where it is not empty, `DamagedBackup` where the dump cannot be read.
    """
    database = _database(url)
    try:
        with database.read() as connection:
            if set(_tables(connection)) - {MARK}:
                raise BadInput("the database to restore into is not empty; create a new one and name that")
        name = str(database.url.database)
        options = ["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", f"--dbname={name}"]
        _run("pg_restore", [*options, str(source)], database.url)
        with database.read() as connection:
            return _rows(connection)
    finally:
        database.close()


def read_through(source: Path) -> None:
    """Read a whole dump without a database. Raises `DamagedBackup` where it cannot be."""
    try:
        _run("pg_restore", [f"--file={os.devnull}", str(source)], None)
    except EdgeFailed as error:
        raise DamagedBackup(str(error)) from None


def clear_for_drill(url: str) -> None:
    """Empty the drill's database of what a drill left, and mark it. Raises `BadSetting` where anything else is in it."""
    database = _database(url)
    try:
        with database.begin() as connection:
            tables = _tables(connection)
            if tables and MARK not in tables:
                raise BadSetting(
                    "LEADSCOUT_DRILL_DATABASE_URL: the database is not empty; name one for the drill alone"
                )
            for (schema,) in connection.execute(
                sa.text("SELECT quote_ident(nspname) FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema$'")
            ).all():
                connection.execute(sa.text(f"DROP SCHEMA {schema} CASCADE"))
            connection.execute(sa.text("CREATE SCHEMA public"))
            connection.execute(sa.text(f"CREATE TABLE {DRILL_MARK} (made_at timestamptz DEFAULT now())"))
    finally:
        database.close()


def _database(url: str) -> Database:
    # Dagster's URLs name another driver for the same server.
    return Database(
        make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False), pool_size=1
    )


def _tables(connection: sa.Connection) -> list[tuple[str, str]]:
    return [(str(schema), str(name)) for schema, name in connection.execute(sa.text(TABLES)).all()]


def _rows(connection: sa.Connection) -> dict[str, int]:
    def count(schema: str, name: str) -> int:
        return connection.execute(sa.select(sa.func.count()).select_from(sa.table(name, schema=schema))).scalar_one()

    return {f"{schema}.{name}": count(schema, name) for schema, name in _tables(connection) if (schema, name) != MARK}


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _run(program: str, arguments: Sequence[str], url: URL | None) -> None:
    found = shutil.which(program)
    if found is None:
        raise EdgeFailed(f"{program} is not installed; install PostgreSQL's client programs, not older than the server")
    try:
        ended = subprocess.run(
            [found, "--no-password", *arguments] if url else [found, *arguments],
            env=os.environ | (_environment(url) if url else {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIMIT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EdgeFailed(f"{program} was not done within {LIMIT_SECONDS} s; look at the server's log") from None
    if ended.returncode:
        # Its words may quote rows: only what can be told by kind leaves.
        raise EdgeFailed(f"{program} failed ({_kind(ended.stderr)}); look at the server's log")


def _kind(errors: str) -> str:
    known = {
        "server version mismatch": "it is older than the server: install one that is not",
        "connection to server": "the server cannot be reached or refused user or password",
        "input file": "the dump cannot be read",
        "does not appear to be a valid archive": "the dump cannot be read",
        "could not read": "the dump cannot be read",
        "could not uncompress": "the dump cannot be read",
        "permission denied": "a right is missing",
        "No space left": "the disk is full",
    }
    return next((words for sign, words in known.items() if sign in errors), "of a kind not known")


def _environment(url: URL) -> Mapping[str, str]:
    names = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY"}
    names |= {"host": "PGHOST", "port": "PGPORT", "passfile": "PGPASSFILE", "options": "PGOPTIONS"}
    found = {names[key]: str(value) for key, value in url.query.items() if key in names}
    parts = {"PGHOST": url.host, "PGPORT": url.port, "PGUSER": url.username, "PGPASSWORD": url.password}
    return found | {name: str(part) for name, part in {**parts, "PGDATABASE": url.database}.items() if part is not None}
