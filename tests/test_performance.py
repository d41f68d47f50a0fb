"""The history of a home: as far back as needed, by kind of run, with what people decided."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from leadscout_assets import performance
from leadscout_assets.errors import BadInput
from leadscout_assets.home import Home
from leadscout_assets.performance import histories
from leadscout_assets.runs.history import RUN_PERFORMANCE, Event, to_frame
from leadscout_assets.runs.judge import Verdict
from leadscout_assets.runs.record import RunRecord

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def platform(home) -> Home:
    return Home(home)


def store(platform: Home, *runs: tuple[float, float], rows: int = 500, asset: str = "leads", first: int = 1) -> None:
    """Store runs as (days before noon, seconds)."""
    events = [
        Event(n, NOON - timedelta(days=ago), RunRecord(asset, f"run {n}", 1, rows, rows, s, rows / s, 9.0, cold=False))
        for n, (ago, s) in enumerate(runs, first)
    ]
    platform.tables.add_new(RUN_PERFORMANCE, to_frame(events))


def read_back(platform: Home, asset: str = "leads", **options) -> performance.AssetHistory:
    (history,) = histories(platform, [asset], **options)
    return history


def test_a_home_without_runs_has_no_verdict(platform):
    history = read_back(platform)
    assert (history.judgements, history.verdict, history.current) == ((), None, ())
    assert history.to_json()["verdict"] is None


def test_it_reads_further_back_only_where_the_newest_window_has_too_few_runs(platform, monkeypatch):
    monkeypatch.setattr(performance, "ENOUGH", 12)
    store(platform, *((400 - n, 18.0) for n in range(5)), *((12 - n, 18.0) for n in range(12)))
    assert len(read_back(platform).judgements) == 12
    assert len(read_back(platform, whole=True).judgements) == 17
    monkeypatch.setattr(performance, "ENOUGH", 13)
    assert len(read_back(platform).judgements) == 17


def test_a_regression_of_one_kind_of_runs_is_not_hidden_by_a_good_run_of_another(platform):
    store(platform, *((20 - n, 18.0) for n in range(14)), (5, 42.0), (4, 43.0))
    store(platform, (1, 900.0), rows=50_000, first=100)
    history = read_back(platform)
    assert [j.verdict for j in history.current] == [Verdict.REGRESSION, Verdict.INSUFFICIENT_HISTORY]
    assert history.verdict.verdict is Verdict.REGRESSION


def test_a_kind_of_runs_that_stopped_is_not_spoken_of_for_ever(platform):
    store(platform, *((60 - n, 18.0) for n in range(14)), (45, 42.0), (44, 43.0))
    store(platform, (1, 900.0), rows=50_000, first=100)
    assert [j.verdict for j in read_back(platform, whole=True).current] == [Verdict.INSUFFICIENT_HISTORY]


def test_assets_do_not_mix(platform):
    store(platform, (2, 1.0))
    store(platform, (1, 5.0), asset="lead_scores", first=50)
    assert [j.entry.record.seconds for j in read_back(platform).judgements] == [1.0]


def test_an_unknown_asset_is_named_with_the_known_ones(platform):
    with pytest.raises(BadInput, match="lead_reports"):
        histories(platform, ["reports"])
