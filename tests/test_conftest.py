"""The shared fixtures."""

from __future__ import annotations

import psycopg
import pytest

from leadscout_assets.settings import current_settings, use_settings


@pytest.fixture
def _stray_settings(monkeypatch):
    monkeypatch.setenv("LEADSCOUT_MAX_COLUMNS", "7")


@pytest.mark.usefixtures("_stray_settings")
def test_a_home_is_the_tests_own_and_no_setting_of_the_machine_gets_in(tmp_path, home):
    assert home.home == tmp_path / "home"
    assert home.max_columns == 1_000
    assert current_settings().home == home.home


def test_settings_that_a_test_puts_in_use_end_with_it(home):
    assert current_settings().port == home.port != 4_000
    use_settings(home.model_copy(update={"port": 4_000}))


def test_settings_that_a_test_put_in_use_have_ended(home):
    assert current_settings().port == home.port


@pytest.mark.postgres
def test_each_postgres_database_is_empty_and_the_tests_own(postgres):
    urls = {postgres.new_database(), postgres.new_database()}
    assert len(urls) == 2
    for url in urls:
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
