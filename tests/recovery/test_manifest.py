"""Manifests: read back as written, and never when anything in them was changed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from leadscout_assets.errors import BadInput, DamagedBackup
from leadscout_assets.recovery.manifest import FORMAT, DatabaseEntry, FileEntry, Manifest, TableEntry

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
FOUND = Manifest(
    "2026-03-02T08-00-00.000000Z",
    NOW,
    NOW,
    "0.1.0",
    (FileEntry("keys/lead-id.key", "ab" * 32, 32, 0o600, (32, 1, 2)), FileEntry("reports/x", "cd" * 32, 5, 0o400)),
    (TableEntry("leads", 7, 2, "0f" * 16, {"batch_id=x/part-0.parquet": (2, "0f" * 16)}),),
    (DatabaseEntry("application", "sqlite", "database/leadscout.sqlite", "0001", {"deliveries": 1}),),
)


def test_a_manifest_is_read_back_as_it_was_written():
    assert Manifest.from_text(FOUND.to_text(), "x") == FOUND
    assert (FOUND.size_bytes, FOUND.rows) == (37, 2)


@pytest.mark.parametrize("change", [('"rows": 2', '"rows": 3'), ("lead-id", "lead-ie"), ("}", "")])
def test_a_manifest_that_was_changed_is_damaged_and_named(change):
    with pytest.raises(DamagedBackup, match="manifest of backup x is damaged"):
        Manifest.from_text(FOUND.to_text().replace(*change, 1), "x")


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "[" * 200_000], ids=["", "[]", "{}", "null", "deep"])
def test_what_is_no_manifest_is_damaged(text):
    with pytest.raises(DamagedBackup):
        Manifest.from_text(text, "x")


def test_a_newer_format_is_not_guessed_at():
    outer = json.loads(FOUND.to_text()) | {"format": FORMAT + 1}
    with pytest.raises(BadInput, match="newer LeadScout"):
        Manifest.from_text(json.dumps(outer), "x")


@pytest.mark.parametrize("path", ["../escaped", "/etc/passwd", "a/../../b", ""])
def test_no_file_of_a_backup_leads_out_of_the_home(path):
    with pytest.raises(DamagedBackup):
        Manifest.from_text(replace(FOUND, files=(replace(FOUND.files[0], path=path),)).to_text(), "x")
