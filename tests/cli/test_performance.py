"""`leadscout perf`: the verdicts, the history of one asset, what people decide, and the page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from leadscout_assets.database.audit import events
from leadscout_assets.home import Home
from leadscout_assets.performance import ASSETS
from leadscout_assets.runs.history import RUN_PERFORMANCE, Event, to_frame
from leadscout_assets.runs.record import RunRecord
from leadscout_assets.terms import Outcome

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


def record(number: int, seconds: float, asset: str = "leads", **more) -> RunRecord:
    return RunRecord(asset, f"run-{number:08}", 1, 500, 490, seconds, 500 / seconds, 90.0, cold=False, **more)


@pytest.fixture
def store(home):
    """Stores run records as if a run a day had left them."""

    def add(*records: RunRecord) -> None:
        found = [Event(n, START + timedelta(days=n), one) for n, one in enumerate(records, 1)]
        Home(home).tables.add_new(RUN_PERFORMANCE, to_frame(found))

    return add


@pytest.fixture
def regressed(store):
    store(*(record(n, 18 + n % 3) for n in range(14)), record(14, 42.0), record(15, 44.0))


def test_without_runs_there_is_nothing_to_judge(leadscout):
    found = leadscout("perf")
    assert found.code == 0
    assert "no run has left a record yet" in found.out
    assert [row["verdict"] for row in leadscout("perf", "--json").json] == [None] * len(ASSETS)


def test_a_regression_is_listed_with_its_reason_and_exits_1(leadscout, regressed):
    found = leadscout("perf")
    assert found.code == 1
    assert "2 of the last 3 runs were slow" in found.out
    assert "100 to 999 rows, 1 to 9 batches, warm" in found.out


def test_what_is_as_usual_exits_0(leadscout, store):
    store(*(record(n, 18 + n % 3) for n in range(14)))
    found = leadscout("perf")
    assert (found.code, "19.0 s against a median of" in found.out) == (0, True)


def test_json_holds_the_verdict_the_baseline_and_with_an_asset_every_run(leadscout, regressed):
    (leads,) = [row for row in leadscout("perf", "--json").json if row["asset"] == "leads"]
    (kind,) = leads["kinds"]
    assert (leads["verdict"], kind["seconds"], kind["baseline_runs"], kind["median_seconds"]) == (
        "regression",
        44,
        13,
        19,
    )
    assert "history" not in leads
    (leads,) = leadscout("perf", "--asset", "leads", "--json").json
    assert len(leads["history"]) == leads["runs"] == 16


def test_the_runs_of_an_asset_are_listed_the_newest_last(leadscout, store):
    store(*(record(n, 18.0) for n in range(11)), record(11, 0.5, outcome=Outcome.FAILED))
    lines = leadscout("perf", "--asset", "leads").out.splitlines()
    assert len(lines) == 13
    assert "failed after 0.50 s" in lines[-1]
    assert lines[1].startswith("2026-03-03T08:00:00+02:00")


def test_an_accepted_regression_is_none_any_more_and_audited(leadscout, regressed, home):
    found = leadscout("perf", "accept", "--asset", "leads", "--reason", "twice as many rules")
    assert (found.code, found.out) == (0, "leads: a new normal begins; after 10 runs it is judged again\n")
    assert leadscout("perf").code == 0
    (event,) = events(Home(home).database)
    assert (event.action, event.reason, event.detail) == (
        "performance.accepted",
        "twice as many rules",
        {"asset": "leads"},
    )


def test_where_no_run_counts_the_newest_says_why(leadscout, store):
    store(record(1, 1.0, outcome=Outcome.FAILED))
    found = leadscout("perf")
    assert found.code == 0
    assert "not_judged" in found.out
    assert "failed after 1.00 s" in found.out


def test_a_run_marked_as_an_incident_does_not_count(leadscout, regressed):
    for run in ("run-00000014", "run-00000015"):
        assert leadscout("perf", "incident", run, "--reason", "another program had the machine").code == 0
    assert leadscout("perf").code == 0
    assert "was marked before" in leadscout("perf", "incident", "run-00000015", "--reason", "again").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--asset", "lead"), "raw_leads, leads"),
        (("accept", "--asset", "lead", "--reason", "x"), "raw_leads, leads"),
        (("accept", "--asset", "leads", "--reason", " "), "--reason"),
        (("accept", "--asset", "leads"), "--reason"),
        (("incident", "run-77777777", "--reason", "x"), "no run of that id"),
        (("report", "--out", "/proc/nowhere/page.html"), "--out"),
    ],
)
def test_what_cannot_be_meant_exits_2_and_says_what_can(leadscout, regressed, arguments, said):
    found = leadscout("perf", *arguments)
    assert found.code == 2
    assert said in found.err


def test_the_page_shows_every_asset_that_ran(leadscout, regressed, home, tmp_path):
    found = leadscout("perf", "report")
    assert found.code == 0
    page = (home.reports_dir / "performance.html").read_text()
    assert str(home.reports_dir / "performance.html") in found.out
    assert "Worse than their own history: leads" in page
    assert leadscout("perf", "report", "--out", tmp_path / "page.html").code == 0
    assert (tmp_path / "page.html").is_file()


def test_it_needs_no_dagster(home):
    import subprocess
    import sys

    code = (
        "import sys; from leadscout_assets.cli.application import run_application as run;"
        "assert run(['perf']) == 0; assert run(['perf', 'report']) == 0; assert 'dagster' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
