"""The schema's history."""

from __future__ import annotations

import subprocess
import sys

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from leadscout_assets.database.engine import HEAD, Database, current_revision, downgrade, upgrade
from leadscout_assets.database.models import metadata
from leadscout_assets.errors import EdgeFailed


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


def test_the_models_equal_the_migrations(database):
    with database.read() as connection:
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
