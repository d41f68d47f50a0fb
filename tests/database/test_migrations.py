"""The schema's history."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from leadscout_assets.database.engine import HEAD, Database, current_revision, downgrade, upgrade
from leadscout_assets.database.models import metadata
from leadscout_assets.errors import EdgeFailed
from tests.migrated import migrate, really_migrate


@pytest.fixture(autouse=True)
def every_migration(monkeypatch):
    """Nothing here comes from memory."""
    monkeypatch.setattr("leadscout_assets.database.engine._migrate", really_migrate)


def _tables(database: Database) -> set[str]:
    with database.read() as connection:
        return set(sa.inspect(connection).get_table_names()) - {"alembic_version"}


def test_up_makes_every_table_and_down_leaves_none(empty):
    for _ in range(2):
        upgrade(empty)
        assert _tables(empty) == set(metadata.tables)
        assert current_revision(empty) == HEAD
        downgrade(empty)
        assert _tables(empty) == set()
        assert current_revision(empty) is None


def test_the_models_equal_the_migrations(empty):
    upgrade(empty)
    with empty.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_the_head_known_to_the_package_is_the_newest_revision():
    config = Config()
    config.set_main_option("script_location", "leadscout_assets.database:migrations")
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_a_second_upgrade_does_not_import_alembic(sqlite):
    code = (
        "import sys; from leadscout_assets.database.engine import Database, upgrade;"
        f"upgrade(Database({sqlite.url.render_as_string()!r})); assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# One process imports, which takes seconds, and forks: the four reach the empty database at the same moment.
FOUR_AT_ONCE = """
import os, sys
from alembic import command
from leadscout_assets.database.engine import Database, upgrade

reading, writing = os.pipe()
children = []
for _ in range(4):
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.read(reading, 1)
        upgrade(Database(sys.argv[1]))
        sys.exit(0)
    children.append(child)
os.close(writing)
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""


def test_four_processes_upgrade_an_empty_database_at_once(empty):
    url = empty.url.render_as_string(hide_password=False)
    done = subprocess.run([sys.executable, "-c", FOUR_AT_ONCE, url], capture_output=True, text=True)
    # On a busy machine to wait for each other is slow, and said.
    said = [line for line in done.stderr.splitlines() if "database.slow_query" not in line]
    assert (done.returncode, said) == (0, [])
    assert _tables(empty) == set(metadata.tables)


def test_what_other_tests_start_with_is_what_the_migrations_make(tmp_path, monkeypatch):
    schemas = []
    for name, way in {"long": really_migrate, "short": migrate}.items():
        monkeypatch.setattr("leadscout_assets.database.engine._migrate", way)
        database = Database(f"sqlite:///{tmp_path}/{name}.sqlite")
        upgrade(database)
        database.close()
        with closing(sqlite3.connect(tmp_path / f"{name}.sqlite")) as file:
            schemas.append(sorted(file.iterdump()))
    assert schemas[0] == schemas[1]
    assert len(schemas[0]) > len(metadata.tables)


def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(database):
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'ffff'"))
    with pytest.raises(EdgeFailed, match="install the LeadScout that wrote it"):
        upgrade(database)
    assert current_revision(database) == "ffff"


def test_an_upgrade_that_fails_half_way_leaves_nothing_behind(empty):
    with empty.begin() as connection:
        connection.execute(sa.text("CREATE TABLE refusals (x integer)"))
    with pytest.raises(EdgeFailed):
        upgrade(empty)
    assert _tables(empty) == {"refusals"}
    assert current_revision(empty) is None
