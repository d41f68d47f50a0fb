"""The past of a demonstration: delivered, reported, recorded, and there once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from leadscout_assets import demonstration_history
from leadscout_assets.batch_overview import overview
from leadscout_assets.contracts import LEADS
from leadscout_assets.defs.freshness_checks import WATCHED, judge
from leadscout_assets.defs.orphans import open_instance
from leadscout_assets.defs.steps import SLOWED
from leadscout_assets.demonstration_history import deliver_past_days
from leadscout_assets.errors import EdgeFailed
from leadscout_assets.home import Home
from leadscout_assets.performance import histories
from leadscout_assets.progress import tracked
from leadscout_assets.terms import TIME_ZONE
from tests.defs.ground import in_use


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(demonstration_history, "SLOW_DAYS", 1)
    monkeypatch.setattr(demonstration_history, "SLOWED_TIMES", "2")
    monkeypatch.setattr(demonstration_history, "ROWS", 12)


def test_the_days_are_delivered_reported_and_recorded_and_the_last_is_a_run_that_says_it_was_slowed(home, small):
    platform = Home(home)
    with in_use(home), tracked(home, "demo_history", total=5, unit="days") as progress:
        deliver_past_days(platform, days=5)
        assert (progress.to_json()["processed"], progress.to_json()["percentage"]) == (5, 100.0)
        batches = overview(platform)
        assert [batch.state for batch in batches] == ["reported"] * 6
        newest = datetime.fromisoformat(batches[-1].delivered_at).astimezone(TIME_ZONE)
        assert timedelta() < datetime.now(TIME_ZONE) - newest < timedelta(hours=1)
        days = [datetime.fromisoformat(batch.delivered_at).date() for batch in batches]
        today = (newest + timedelta(minutes=2)).date()
        assert days[:-1] == [today - timedelta(days=ago) for ago in (4, 3, 2, 1, 1)]
        assert all(platform.tables.rows(LEADS, [batch.batch_id]) for batch in batches)
        assert platform.records.unreported() == []
        for history in histories(platform):
            assert len(history.judgements) == 5, history.asset
        with open_instance(home.dagster_dir) as instance:
            (run,) = instance.get_runs()
            assert run.tags[SLOWED] == "2"
            for asset in WATCHED:
                verdicts = judge(instance, platform, asset, datetime.now(UTC))
                assert all(verdict.fresh for verdict in verdicts.values()), asset
        deliver_past_days(platform, days=5)
        assert len(overview(platform)) == 6, "a home with deliveries is left as it is"


def test_a_past_run_that_fails_is_told(home, small, monkeypatch):
    monkeypatch.setattr("leadscout_assets.defs.execution.run_here", lambda *_: False)
    with in_use(home), pytest.raises(EdgeFailed, match="past days failed"):
        deliver_past_days(Home(home), days=1)
