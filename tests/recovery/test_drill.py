"""The drill: the newest backup is proven or told to be damaged, and nothing of it stays behind."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from leadscout_assets.errors import AlreadyRunning, EdgeFailed
from leadscout_assets.recovery import drill as drilling
from leadscout_assets.recovery import proofs as proving
from leadscout_assets.recovery.drill import drill
from leadscout_assets.recovery.proofs import Proof, last_proven, proofs, remember
from tests.recovery.conftest import flip

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def test_a_sound_backup_is_proven_and_the_proof_remembered(living):
    backup_id = living.back_up().backup_id
    proof = drill(living.settings, now=NOW)
    assert (proof.ok, proof.backup_id, proof.at) == (True, backup_id, NOW)
    assert last_proven(living.repository) == proof
    assert not (living.repository.root / drilling.SCRATCH).exists()


def test_a_damaged_backup_is_told_by_the_file_and_proves_nothing(living):
    living.back_up()
    proven = drill(living.settings)
    flip(living.object_of("keys/lead-id.key"))
    proof = drill(living.settings)
    assert not proof.ok
    assert "keys/lead-id.key is damaged" in proof.sentence
    assert last_proven(living.repository) == proven
    assert not (living.repository.root / drilling.SCRATCH).exists()


def test_no_backup_at_all_is_a_failure_that_says_what_to_do(living):
    proof = drill(living.settings)
    assert not proof.ok
    assert "leadscout backup" in proof.sentence


def test_a_scratch_home_left_by_a_killed_drill_is_removed_by_the_next(living):
    living.back_up()
    left = living.repository.root / drilling.SCRATCH / "home"
    left.mkdir(parents=True)
    (left / "lead-id.key").write_text("left")
    assert drill(living.settings).ok
    assert not left.exists()


def test_the_scratch_home_is_removed_also_when_storage_fails(living, monkeypatch):
    living.back_up()

    def fails(*_, **__):
        raise EdgeFailed("the disk is gone")

    monkeypatch.setattr(drilling, "restore", fails)
    with pytest.raises(EdgeFailed):
        drill(living.settings)
    assert not (living.repository.root / drilling.SCRATCH).exists()
    assert proofs(living.repository) == []


def test_two_drills_do_not_share_a_scratch_home(living):
    living.back_up()
    with living.repository.drilling(), pytest.raises(AlreadyRunning):
        drill(living.settings)


def test_the_last_good_proof_outlives_any_number_of_failures(living, monkeypatch):
    monkeypatch.setattr(proving, "KEPT", 3)
    good = Proof("good", NOW, True, "as it was", 1.0)
    remember(living.repository, good)
    for number in range(8):
        remember(living.repository, Proof(f"bad {number}", NOW, False, "damaged", 1.0))
    assert last_proven(living.repository) == good
    assert len(proofs(living.repository)) <= 3 + 2


@pytest.mark.parametrize(
    "text",
    [
        '[{"ok": true}]',
        "[" * 200_000,
        '[{"backup_id": "x", "at": "2026-03-02T08:00:00", "ok": true, "sentence": "as it was", "seconds": 1.0}]',
        '[{"backup_id": ["x"], "at": "2026-03-02T08:00:00Z", "ok": true, "sentence": "as it was", "seconds": 1.0}]',
    ],
    ids=["incomplete", "deep", "without a time zone", "of no backup"],
)
def test_a_damaged_list_of_proofs_proves_nothing(living, text):
    living.back_up()
    (living.repository.root / "proofs.json").write_text(text)
    assert proofs(living.repository) == []
    assert drill(living.settings).ok
