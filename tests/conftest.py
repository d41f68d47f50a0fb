"""Fixtures that many tests share: a home of their own, and a PostgreSQL server. Scenarios are not here."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadFileScheduling

from leadscout_assets.database.engine import Database, upgrade
from leadscout_assets.settings import Settings, read_settings
from tests.migrated import migrate, scripts
from tests.postgres import NoPostgres, PostgresServer, serve

# A slow machine is no bug, hence no deadline, and making examples may take long; the same ones everywhere, so that a failure
# repeats.
hypothesis.settings.register_profile(
    "leadscout",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize=True,
    database=None,
    max_examples=40,
)
hypothesis.settings.load_profile("leadscout")


PLATFORMS = ("tests/e2e/", "tests/supervisor/test_platform.py")
"""Tests that start whole platforms, one after the other. Those of `tests/docker` are on the other worker at the same time:
most of what either does is to wait, and more than two at once would starve each other on two cores."""

FIRST = ("tests/e2e/test_browser.py", "tests/e2e/test_demo.py", *PLATFORMS, "tests/docker/")
"""Those with the demonstration come one after the other, as its last test stops it: a platform that nobody looks at costs
a tenth of a processor."""


CHAIN = tuple(
    f"tests/defs/test_{name}.py"
    for name in ("lead_assets", "lead_checks", "freshness_checks", "maintenance_assets", "run_performance", "run_log")
)
"""Tests that look at one run of the whole chain, which each worker with one of them would make for itself."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    """Keep a file's tests on one worker, and all that share what is costly to make on the same one."""
    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the platforms, mostly waiting and the longest of all, so that they are not what everyone waits for at the end."""
    items.sort(key=lambda item: next((n for n, start in enumerate(FIRST) if item.nodeid.startswith(start)), len(FIRST)))


def pytest_collection() -> None:
    """Look for no garbage while a thousand modules are imported: there is none to speak of, and looking takes seconds."""
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Look for garbage again, less often than by default, and not among what was collected: that stays to the end."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


class Scheduling(LoadFileScheduling):
    """Scheduling by file, files that share something costly as if they were one. (Marked groups are lost between pytest 9 and xdist 3.8.)"""

    def _split_scope(self, nodeid: str) -> str:
        own = str(super()._split_scope(nodeid))
        return next((together[0] for together in (PLATFORMS, CHAIN) if own.startswith(together)), own)


@pytest.fixture(scope="session", autouse=True)
def migrated_once() -> Iterator[None]:
    """Empty SQLite files get the present schema from memory in this process; `tests/database/test_migrations.py` does not use it.

    Dagster's own files are made by Dagster, from migrations that are read once.
    """
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr("leadscout_assets.database.engine._migrate", migrate)
        patching.setattr("alembic.script.ScriptDirectory.from_config", scripts)
        yield


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with a home of the test's own, alone in the environment too, so that child processes agree."""
    for variable in [variable for variable in os.environ if variable.startswith("LEADSCOUT_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("LEADSCOUT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("leadscout_assets.settings._in_use", None)
    return read_settings()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """The session's PostgreSQL server, which all workers share; skips with the reason where none can run."""
    base = tmp_path_factory.getbasetemp()
    # Workers' folders lie side by side below the session's.
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "postgres"
    server = serve(shared)
    try:
        running = next(server)
    except NoPostgres as reason:
        pytest.skip(f"no PostgreSQL: {reason}")
    yield running
    server.close()


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    """URL of an empty PostgreSQL database of the test's own."""
    return postgres.new_database()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    """A SQLite database with the present schema."""
    database = Database(f"sqlite:///{tmp_path}/db/test.sqlite")
    upgrade(database)
    yield database
    database.close()
