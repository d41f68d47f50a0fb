"""The page of the performance history: the verdict first, a section per asset, and what stood out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from leadscout_assets.reports.performance_page import render_performance
from leadscout_assets.runs.judge import Entry, Judgement, Verdict, judge
from leadscout_assets.runs.record import RunRecord
from leadscout_assets.terms import Outcome

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


@dataclass
class History:
    asset: str
    judgements: list[Judgement]
    accepted: list[SimpleNamespace]

    @property
    def verdict(self) -> Judgement | None:
        return self.judgements[-1] if self.judgements else None


def entry(number: int, seconds: float, *, incident: bool = False, rows: int = 500, **more) -> Entry:
    record = RunRecord("leads", f"run {number}", 1, rows, 490, seconds, rows / seconds, 90.0, **more)
    return Entry(record, START + timedelta(days=number), incident)


def page(*entries: Entry, accepted: int | None = None) -> str:
    at = START + timedelta(days=accepted) if accepted is not None else None
    steps = [SimpleNamespace(at=at, actor="engineer", reason="more <rules>")] if at else []
    leads = History("leads", judge(entries, at), steps)
    return render_performance([leads, History("lead_scores", [], [])], now=START)


USUAL = [entry(n, 18 + n % 3) for n in range(14)]


def test_the_verdict_stands_at_the_top_with_its_reason_below():
    assert "No asset is worse than its own history" in page(*USUAL)
    worse = page(*USUAL, entry(20, 42), entry(21, 44))
    assert "Worse than their own history: leads" in worse
    assert "2 of the last 3 runs were slow" in worse


def test_an_asset_without_runs_is_listed_and_has_no_section():
    found = page(*USUAL)
    assert found.count("lead_scores") == 1
    assert "no runs yet" in found


def test_failures_incidents_and_accepted_steps_are_listed():
    found = page(
        *USUAL, entry(20, 3, outcome=Outcome.FAILED), entry(21, 90, incident=True), *(entry(n, 30) for n in (30, 31)),
        accepted=25,
    )  # fmt: skip
    for words in (
        "failed after 3.00 s",
        "marked as an incident",
        "new normal accepted",
        "more &lt;rules&gt; (engineer)",
    ):
        assert words in found, words


def test_kinds_of_runs_get_charts_of_their_own_and_rare_ones_none():
    large = [entry(40 + n, 300, rows=50_000) for n in range(4)]
    found = page(*USUAL, *large, entry(60, 1, rows=5))
    assert found.count("<svg") == 2 * 3
    assert "too few for a chart: 1" in found


def test_the_page_asks_nothing_of_anywhere_and_runs_no_script():
    found = page(*USUAL, entry(20, 42))
    assert "default-src &#x27;none&#x27;" in found
    assert "<script" not in found
    assert "http" not in found.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")


def test_every_verdict_has_words():
    from leadscout_assets.reports.performance_page import WORDS

    assert set(WORDS) == {*Verdict, None}
