"""Folders of the home that lie on another disk and are linked to: a person is erased there as well, and looked for."""

from __future__ import annotations

import shutil

import pytest

from leadscout_assets.errors import EdgeFailed
from leadscout_assets.forgetting import forget as forgetting
from leadscout_assets.forgetting.forget import forget
from leadscout_assets.governance.searching import Needles, search
from tests.forgetting.test_forget import LATER, OWN, hits

MOVED = ("deliveries", "tables", "tables/known_leads", "inbox", "logs", "logs/production", "reports", "database")


@pytest.mark.parametrize("folder", MOVED)
def test_a_person_is_gone_from_a_folder_that_lies_elsewhere(canary, person, tmp_path, folder):
    place, elsewhere = canary.settings.home / folder, tmp_path / "another disk"
    shutil.move(place, elsewhere)
    place.symlink_to(elsewhere, target_is_directory=True)
    before = {path for path in hits(canary) if path.startswith(folder)}
    done = forget(canary, person, now=LATER)
    assert done.proof.gone, done.proof.left
    assert place.is_symlink()
    assert list(search(elsewhere, Needles(OWN))) == []
    assert before or folder in ("reports", "database")


def test_what_is_left_in_a_folder_that_lies_elsewhere_is_told(canary, person, tmp_path, monkeypatch):
    elsewhere = tmp_path / "another disk"
    shutil.move(canary.settings.logs_dir, elsewhere)
    canary.settings.logs_dir.symlink_to(elsewhere, target_is_directory=True)
    monkeypatch.setattr(forgetting, "clean_others", lambda *_: 0)
    proof = forget(canary, person, now=LATER).proof
    assert not proof.gone
    assert any(path.startswith("logs/") for path in proof.left)


def test_a_folder_on_a_disk_that_is_not_mounted_is_no_proof(canary, person, tmp_path):
    (canary.settings.home / "old lists").symlink_to(tmp_path / "not mounted")
    with pytest.raises(EdgeFailed, match="old lists is a link that leads nowhere"):
        forget(canary, person, now=LATER)
