"""The demonstration: what it drops, how long it waits, and that it admits what went wrong."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from leadscout_assets import demonstration
from leadscout_assets.arrivals import RequestedRun, RunState
from leadscout_assets.errors import EdgeFailed
from leadscout_assets.home import Home
from tests import scenario

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def platform(home, monkeypatch) -> Home:
    monkeypatch.setattr(demonstration, "ROWS", 20)
    return Home(home)


def test_each_workbook_is_one_that_the_home_has_not_seen(platform):
    first = demonstration.drop_workbook(platform)
    (file,) = platform.settings.inbox_dir.iterdir()
    assert hashlib.sha256(file.read_bytes()).hexdigest() == first.sha256
    platform.deliver(file, now=NOW)
    assert demonstration.drop_workbook(platform).sha256 != first.sha256


class TestFaults:
    @pytest.mark.parametrize(
        ("state", "checks", "told"),
        [
            ("reported", [], []),
            ("reported", ["too many rejected"], ["too many rejected"]),
            ("waiting", [], ["batch b is waiting: there is no report of its leads"]),
            ("refused", ["cut off"], ["batch b is refused: there is no report of its leads", "cut off"]),
        ],
    )
    def test_what_is_missing_and_what_fails_is_told(self, platform, monkeypatch, state, checks, told):
        monkeypatch.setattr(demonstration, "details", lambda *_: SimpleNamespace(state=state))
        monkeypatch.setattr(demonstration, "failing_checks", lambda *_: {"b": checks} if checks else {})
        assert demonstration.faults(platform, "b") == told


class TestFollowing:
    @pytest.fixture
    def follow(self, platform, monkeypatch, tmp_path):
        """Follow a delivered workbook whose run is in each of these states in turn; return the batch and what was shown."""
        file = scenario.scenario_csv(tmp_path / "leads.csv")
        delivery = platform.deliver(file, now=NOW).delivery
        platform.records.note_request([delivery.batch_id], "key")
        shown: list[tuple[int, str]] = []

        def run(*states: RunState | None, at: float | None = None):
            coming = iter(states)

            def newest_runs(_, keys):
                assert keys == ["key"]
                state = next(coming)
                return {"key": RequestedRun(state, NOW)} if state else {}

            monkeypatch.setattr("leadscout_assets.defs.instance.newest_runs", newest_runs)
            monkeypatch.setattr("leadscout_assets.defs.instance.materialized", lambda *_: set())
            dropped = demonstration.Dropped(delivery.sha256, time.monotonic() if at is None else at)
            found = demonstration.follow(
                platform, None, dropped, lambda *step: shown.append(step), sleep=lambda _: None
            )
            return found == delivery.batch_id, shown

        return run

    def test_it_waits_for_the_run_and_its_success(self, follow):
        found, shown = follow(None, RunState.UNDER_WAY, RunState.SUCCEEDED)
        assert found
        assert shown == [(0, "waiting for the inbox sensor"), (0, "raw_leads"), (0, "raw_leads")]

    @pytest.mark.parametrize("state", [RunState.FAILED, RunState.STOPPED])
    def test_a_run_that_does_not_succeed_is_a_fault(self, follow, state):
        with pytest.raises(EdgeFailed, match="did not succeed"):
            follow(RunState.UNDER_WAY, state)

    def test_it_does_not_wait_for_ever(self, follow):
        with pytest.raises(EdgeFailed, match="no report after"):
            follow(at=time.monotonic() - demonstration.PATIENCE_SECONDS - 1)
