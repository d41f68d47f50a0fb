"""Dagster's storage on PostgreSQL: its pool, its password, its tables."""

from __future__ import annotations

import dagster as dg
import psycopg
import pytest
from sqlalchemy.engine import make_url

from leadscout_assets.defs import postgres_storage
from leadscout_assets.defs.orphans import open_instance
from leadscout_assets.defs.postgres_storage import PooledPostgresStorage, dagster_engine, dagster_url
from leadscout_assets.errors import BadSetting
from leadscout_assets.settings import read_settings
from leadscout_assets.supervisor import prepare_instance
from tests.defs.ground import in_use, on_postgres

pytestmark = pytest.mark.postgres


@pytest.fixture
def settings(home, postgres_url):
    with on_postgres(postgres_url, database_pool_size=3, database_max_overflow=2) as found:
        yield found


def connections(url: str) -> int:
    """Count the connections of LeadScout to a database."""
    with psycopg.connect(url) as connection:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'leadscout'"
        (count,) = connection.execute(asked).fetchone()
    return int(count)


def test_dagster_works_on_it_with_the_pool_of_the_settings(settings, postgres_url):
    with open_instance(prepare_instance(settings).folder) as instance:
        assert instance.get_ref().storage_data.class_name == PooledPostgresStorage.__name__
        instance.add_dynamic_partitions("lead_batch", ["a", "b"])
        assert instance.get_dynamic_partitions("lead_batch") == ["a", "b"]
        instance.report_runless_asset_event(dg.AssetMaterialization("x"))
        assert instance.fetch_materializations(dg.AssetKey("x"), limit=1).records
        storages = (instance.run_storage, instance.event_log_storage, instance.schedule_storage)
        engines = {storage._engine for storage in storages}
    assert engines == {dagster_engine(settings)}
    pool = engines.pop().pool
    assert (pool.size(), pool._max_overflow, pool._pre_ping, pool._recycle) == (3, 2, True, 1800)


def test_any_number_of_instances_share_the_connections_and_the_tables_are_looked_for_once(
    settings, postgres_url, monkeypatch
):
    folder = prepare_instance(settings).folder
    with open_instance(folder):
        pass
    monkeypatch.setattr(postgres_storage.PostgresRunStorage, "_init_db", None)
    for _ in range(10):
        with open_instance(folder) as instance:
            assert instance.get_runs_count() == 0
    assert connections(postgres_url) == 1


def test_no_secret_travels_with_a_launched_run(settings):
    with open_instance(prepare_instance(settings).folder) as instance:
        told = str(instance.get_ref().to_dict())
    assert make_url(settings.dagster_database_url.get_secret_value()).database not in told
    assert "postgresql" not in told


def test_the_password_is_read_from_its_file_for_each_connection(settings, postgres_url, tmp_path):
    file = tmp_path / "password"
    file.write_text("whatever the server, which trusts everybody, is told\n")
    with_file = settings.model_copy(update={"database_password_file": file})
    with in_use(with_file), open_instance(prepare_instance(settings).folder) as instance:
        assert instance.get_runs_count() == 0
        file.unlink()
        assert instance.get_runs_count() == 0
        dagster_engine(with_file).dispose()
        with pytest.raises(BadSetting, match="LEADSCOUT_DATABASE_PASSWORD_FILE"):
            instance.get_runs_count()


def test_the_webserver_limits_how_long_a_statement_takes_and_keeps_the_pool(settings):
    with open_instance(prepare_instance(settings).folder) as instance:
        instance.optimize_for_webserver(statement_timeout=1234, pool_recycle=1, max_overflow=1)
        engine = instance.run_storage._engine
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "1234ms"
    assert (engine.pool.size(), engine.pool._max_overflow) == (3, 2)


@pytest.mark.parametrize("url", [None, "sqlite:////tmp/x.sqlite", "nonsense"])
def test_an_instance_on_postgresql_without_its_url_names_the_setting(home, url):
    with pytest.raises(BadSetting, match="LEADSCOUT_DAGSTER_DATABASE_URL"):
        dagster_url(read_settings(dagster_database_url=url))


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2"])
def test_any_postgresql_scheme_means_the_driver_that_dagster_needs(home, scheme):
    url = dagster_url(read_settings(dagster_database_url=f"{scheme}://u:p%40@h:1/d?sslmode=require"))
    assert url == "postgresql+psycopg2://u:p%40@h:1/d?sslmode=require"
