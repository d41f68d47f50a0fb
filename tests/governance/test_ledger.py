"""Decisions are written for good, one after the other, and what a kill cut off does not count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from leadscout_assets.errors import EdgeFailed
from leadscout_assets.governance.ledger import Decision, Ledger

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def decision(number: int) -> Decision:
    return Decision("suppression", str(number), NOW + timedelta(days=number), {"hashes": {"email": ["ab"]}})


def test_what_is_appended_is_read_in_order(tmp_path):
    ledger = Ledger(tmp_path / "folder" / "ledger.jsonl")
    assert ledger.read() == []
    for number in range(3):
        ledger.append(decision(number))
    assert ledger.read() == [decision(number) for number in range(3)]
    assert ledger.path.stat().st_mode & 0o077 == 0


def test_a_line_that_was_cut_by_a_kill_does_not_count_and_is_written_over(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append(decision(1))
    ledger.path.write_bytes(ledger.path.read_bytes() + decision(2).to_line()[:-9])
    assert ledger.read() == [decision(1)]
    ledger.append(decision(3))
    assert ledger.read() == [decision(1), decision(3)]


def test_two_ledgers_merge_by_time_and_once(tmp_path):
    mine, other = Ledger(tmp_path / "mine"), Ledger(tmp_path / "other")
    for ledger, numbers in ((mine, (1, 3)), (other, (1, 2))):
        for number in numbers:
            ledger.append(decision(number))
    assert mine.merge(other) == 1
    assert mine.merge(other) == 0
    assert mine.read() == [decision(1), decision(2), decision(3)]
    assert Ledger(tmp_path / "new").merge(Ledger(tmp_path / "none")) == 0


def test_a_damaged_line_is_said_and_not_skipped(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append(decision(1))
    ledger.path.write_bytes(b"{broken\n" + ledger.path.read_bytes())
    with pytest.raises(EdgeFailed, match="damaged"):
        ledger.read()


def test_a_ledger_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EdgeFailed, match="nothing was done"):
        Ledger(tmp_path / "file" / "ledger.jsonl").append(decision(1))
