"""Grounds for tests of the shell: an empty one for each test, and one on which the whole chain ran, for all to read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadscout_assets.settings import Settings, read_settings
from tests.defs.ground import Ground, opened


@pytest.fixture(scope="session")
def opened_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose instance and database were made: copying it takes a moment, making it more than a second."""
    folder = tmp_path_factory.mktemp("template") / "home"
    with opened(read_settings(home=folder)) as ground:
        assert ground.home.records.newest() is None
        assert ground.home.lead_id_key
    return folder


@pytest.fixture
def ground(home: Settings, opened_once: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    """An empty home of the test's own, opened; files in its inbox need no second look later."""
    monkeypatch.setattr("leadscout_assets.inbox.SECOND_LOOK_SECONDS", 0.0)
    shutil.copytree(opened_once, home.home)
    with opened(home) as found:
        yield found
