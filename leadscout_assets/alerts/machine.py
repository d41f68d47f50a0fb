"""Measures what belongs to no asset: disk, memory, the application database and its server's connections."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from leadscout_assets.alerts.facts import Machine, Probe
from leadscout_assets.database.engine import Database
from leadscout_assets.errors import EdgeFailed

APPLICATION, DAGSTER = "application_database", "dagster_database"


def machine(home: Path) -> Machine:
    """Return the shares of disk and memory. Raises `EdgeFailed` where the home is not there."""
    import psutil

    try:
        disk = shutil.disk_usage(home)
    except OSError as error:
        raise EdgeFailed(f"free disk space cannot be told: {error.strerror}") from None
    memory = psutil.virtual_memory()
    return Machine(disk.free / disk.total if disk.total else 1.0, 1.0 - memory.available / memory.total)


def probe(name: str, look: Callable[[], object]) -> Probe:
    """Call `look` and say how long it took, and what is wrong where it failed."""
    started = time.perf_counter()
    try:
        look()
    except EdgeFailed as error:
        return Probe(name, time.perf_counter() - started, str(error))
    except Exception as error:  # noqa: BLE001  whatever a library raises, the database did not answer, and messages may quote values
        return Probe(name, time.perf_counter() - started, f"{name.replace('_', ' ')}: {type(error).__name__}")
    return Probe(name, time.perf_counter() - started)


def probe_application(database: Database) -> Probe:
    """Look whether the application database answers."""

    def look() -> None:
        with database.read() as connection:
            connection.execute(sa.text("SELECT 1 FROM deliveries LIMIT 1"))

    return probe(APPLICATION, look)


FREE_CONNECTIONS = sa.text(
    "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
    " - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') + 1"
)
"""The one that asks would be free again."""


def free_connections(database: Database) -> int | None:
    """Return how many more connections the server grants; None on SQLite, which has none."""
    if database.is_sqlite:
        return None
    with database.read() as connection:
        return int(connection.execute(FREE_CONNECTIONS).scalar_one())
