"""`leadscout code-location`: what is there before anything is served."""

from __future__ import annotations

import pytest

from leadscout_assets.settings import read_settings


@pytest.fixture
def served(monkeypatch):
    asked = []

    def serve(settings, host, port):
        asked.append((settings, host, port))
        return 0

    monkeypatch.setattr("leadscout_assets.supervisor.code_location.serve_code_location", serve)
    return asked


def test_inbox_and_database_are_there_before_anything_is_served(leadscout, home, served):
    assert leadscout("code-location", "--host", "0.0.0.0", "--port", "4001").code == 0
    assert served == [(read_settings(), "0.0.0.0", 4001)]
    assert home.inbox_dir.is_dir()
    assert (home.home / "database" / "leadscout.sqlite").stat().st_size > 0


def test_a_database_that_is_away_ends_it_with_the_setting_named_and_nothing_is_served(leadscout, served, monkeypatch):
    monkeypatch.setenv("LEADSCOUT_DATABASE_URL", "postgresql://u@127.0.0.1:1/d")
    found = leadscout("code-location")
    assert found.code == 3
    assert "LEADSCOUT_DATABASE_URL" in found.err
    assert served == []
