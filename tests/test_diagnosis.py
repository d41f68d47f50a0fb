"""The doctor: a finding for everything the platform needs, each failing one with its cure, and nothing changed."""

from __future__ import annotations

import shutil
from collections import namedtuple
from datetime import UTC, datetime

import pytest

from leadscout_assets import diagnosis
from leadscout_assets.diagnosis import Finding, diagnose
from leadscout_assets.home import Home
from leadscout_assets.settings import Settings
from tests import scenario

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def finding(settings: Settings, what: str) -> Finding:
    (found,) = [found for found in diagnose(settings) if found.what == what]
    return found


def test_a_home_that_is_in_use_is_sound(home, tmp_path):
    home.inbox_dir.mkdir(parents=True)
    Home(home).deliver(scenario.scenario_csv(tmp_path / "leads.csv"), now=NOW)
    assert [found for found in diagnose(home) if not found.ok] == []
    assert finding(home, "application database").found == "1 deliveries"


def test_looking_at_a_home_that_is_not_there_makes_nothing(home):
    diagnose(home)
    assert not home.home.exists()


def test_looking_at_a_home_in_use_changes_nothing(home):
    home.inbox_dir.mkdir(parents=True)
    before = sorted(home.home.rglob("*"))
    diagnose(home)
    assert sorted(home.home.rglob("*")) == before


def test_every_finding_that_needs_mending_says_how(home, monkeypatch):
    monkeypatch.setattr("sys.version_info", (3, 10, 1, "final", 0))
    monkeypatch.setattr(diagnosis, "PACKAGES", ("a-package-that-nobody-has",))
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 9, 1))
    failing = {found.what for found in diagnose(home) if not found.ok}
    assert failing >= {"python", "packages", "home", "inbox"}
    assert [found.what for found in diagnose(home) if not found.ok and not found.fix] == []


def test_a_file_in_place_of_the_home_needs_mending(home):
    home.home.write_text("in the way")
    assert not finding(home, "home").ok


def test_a_database_that_cannot_be_reached_shows_no_password(home, monkeypatch):
    from leadscout_assets.settings import read_settings

    monkeypatch.setenv("LEADSCOUT_DATABASE_URL", "postgresql://scout:s3cret@127.0.0.1:1/leads?connect_timeout=1")
    found = finding(read_settings(), "application database")
    assert not found.ok
    assert found.fix
    assert "s3cret" not in str(found)


def test_a_missing_purpose_is_no_fault_but_is_said(home):
    assert finding(home, "classification purpose") == Finding(
        "classification purpose", True, "none recorded: names are not classified, by design"
    )
    purpose = home.model_copy(update={"classification_purpose": "tests"})
    assert finding(purpose, "classification purpose").found == "recorded"


@pytest.mark.parametrize("what", ["python", "packages", "home", "application database", "inbox", "platform"])
def test_findings_are_plain_values(home, what):
    found = finding(home, what).to_json()
    assert set(found) == {"what", "ok", "found", "fix"}
    assert isinstance(found["ok"], bool)
