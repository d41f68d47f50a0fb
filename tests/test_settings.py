"""Settings come from the environment alone, once, and a bad one is named without its value."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from leadscout_assets.errors import BadSetting
from leadscout_assets.settings import Settings, current_settings, read_settings, use_settings


def test_everything_lies_below_the_home_unless_said_otherwise(home: Settings) -> None:
    folders = [
        home.inbox_dir, home.tables_dir, home.deliveries_dir, home.reports_dir, home.keys_dir, home.dagster_dir, home.logs_dir,
    ]  # fmt: skip
    assert all(folder.parent == home.home for folder in folders)
    assert len(set(folders)) == len(folders)
    assert home.database.startswith(f"sqlite:///{home.home}/")


def test_an_inbox_of_its_own_may_lie_anywhere(home, monkeypatch, tmp_path):
    monkeypatch.setenv("LEADSCOUT_INBOX", str(tmp_path / "share" / "leads"))
    assert read_settings().inbox_dir == tmp_path / "share" / "leads"


def test_relative_paths_become_absolute_when_they_are_read(home, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEADSCOUT_HOME", "var")
    monkeypatch.setenv("LEADSCOUT_INBOX", "../drop")
    monkeypatch.setenv("LEADSCOUT_DATABASE_PASSWORD_FILE", "secrets/word")
    settings = read_settings()
    monkeypatch.chdir("/")
    assert settings.home == tmp_path / "var"
    assert settings.inbox_dir == tmp_path.parent / "drop"
    assert settings.database_password_file == tmp_path / "secrets" / "word"


@pytest.mark.parametrize("name", [name for name in Settings.model_fields if name not in ("home",)])
def test_an_empty_variable_is_the_default(home, monkeypatch, name):
    monkeypatch.setenv(f"LEADSCOUT_{name.upper()}", "")
    assert getattr(read_settings(), name) == getattr(home, name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"), ("PORT", "70000"), ("PORT", "web"), ("LOG_LEVEL", "LOUD"), ("LOG_FORMAT", "xml"), ("MAX_REJECT_RATE", "1.5"),
        ("MAX_DUPLICATE_RATE", "-0.1"), ("MIN_CLASSIFICATION_COVERAGE", "50%"), ("MAX_WARNING_RATE", "nan"), ("MAX_ROWS_PER_RUN", "0"),
        ("MAX_BATCHES_PER_RUN", "-1"), ("MAX_WORKBOOK_BYTES", "25MB"), ("MAX_COMPRESSION_RATIO", "1"), ("DELIVER_EVERY_HOURS", "0"),
        ("MATERIALIZE_WITHIN_MINUTES", "0"), ("REVEAL_RELIGION", "perhaps"), ("BATCH_SLUG", "2"), ("MAX_CSV_BYTES", "0"),
        ("MAX_COLUMNS", "1"), ("MAX_WORKBOOK_ENTRIES", "0"), ("MAX_UNPACKED_BYTES", "0"),
        ("DATABASE_POOL_SIZE", "0"), ("DATABASE_POOL_SIZE", "many"), ("DATABASE_MAX_OVERFLOW", "-1"),
        ("DELIVER_EVERY_HOURS", "inf"), ("MATERIALIZE_WITHIN_MINUTES", "inf"),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_and_its_variable_named(home, monkeypatch, name, value):
    monkeypatch.setenv(f"LEADSCOUT_{name}", value)
    with pytest.raises(BadSetting, match=f"LEADSCOUT_{name}: "):
        read_settings()


def test_every_bad_variable_is_named_at_once_and_no_value_is_shown(home, monkeypatch):
    monkeypatch.setenv("LEADSCOUT_PORT", "s3cret")
    monkeypatch.setenv("LEADSCOUT_MAX_COLUMNS", "pa55word")
    with pytest.raises(BadSetting) as raised:
        read_settings()
    assert "LEADSCOUT_PORT" in str(raised.value)
    assert "LEADSCOUT_MAX_COLUMNS" in str(raised.value)
    assert "s3cret" not in str(raised.value)
    assert "pa55word" not in str(raised.value)
    assert raised.value.__suppress_context__


def test_overrides_go_before_the_environment(home, monkeypatch):
    monkeypatch.setenv("LEADSCOUT_PORT", "4000")
    assert read_settings().port == 4000
    assert read_settings(port=5000).port == 5000


def test_settings_cannot_be_changed(home):
    with pytest.raises(ValidationError):
        home.port = 4000


def test_the_database_urls_are_secrets_wherever_settings_are_shown(home, monkeypatch):
    monkeypatch.setenv("LEADSCOUT_DATABASE_URL", "postgresql://scout:s3cret@db/leads")
    monkeypatch.setenv("LEADSCOUT_DAGSTER_DATABASE_URL", "postgresql://scout:s3cret@db/dagster")
    settings = read_settings()
    assert settings.database == "postgresql://scout:s3cret@db/leads"
    assert "s3cret" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


def test_the_environment_is_read_once_per_process(home, monkeypatch):
    first = current_settings()
    monkeypatch.setenv("LEADSCOUT_PORT", "4000")
    assert current_settings() is first
    assert use_settings(read_settings()).port == 4000
    assert current_settings().port == 4000


def test_other_variables_with_the_prefix_do_not_disturb(home, monkeypatch):
    monkeypatch.setenv("LEADSCOUT_SOMETHING_ELSE", "1")
    assert read_settings() == home


def test_every_setting_says_what_it_is():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_defaults_of_reading_are_those_that_are_documented(home):
    assert home.max_workbook_bytes == 25_000_000
    assert home.max_unpacked_bytes == 250_000_000
    assert (home.max_compression_ratio, home.max_workbook_entries) == (100, 1_000)
    assert home.max_csv_bytes == 1_000_000_000
    assert home.max_rows_per_run == 1_000_000
    assert Settings.model_fields["home"].default == Path("var")
    assert (home.database_pool_size, home.database_max_overflow) == (20, 10)
