"""What became of each delivery, from records and tables alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from leadscout_assets import contracts, pipeline
from leadscout_assets.batch_overview import details, overview, row_fate
from leadscout_assets.batch_purposes import grant
from leadscout_assets.errors import BadInput, UnknownBatch
from leadscout_assets.home import Home
from leadscout_assets.scoring import LEAD_SCORES
from leadscout_assets.settings import Settings
from tests import scenario
from tests.purposes import IN_TESTS

NOW = datetime(2026, 3, 1, 23, 0, tzinfo=UTC)
UNKNOWN = "2026-03-02_list_0123abcd"


@pytest.fixture
def platform(home: Settings) -> Home:
    return Home(home.model_copy(update=IN_TESTS))


def run(platform: Home, batch: str) -> None:
    """What the assets do, without their orchestrator."""
    deliveries = platform.deliveries([batch])
    settings = platform.settings
    reading = pipeline.read(deliveries, platform.store.path, settings)
    platform.records.settle("raw_leads", [batch], {r.batch_id: (r.code, r.sentence) for r in reading.refusals})
    raw = reading.raw
    leads, rejected, _ = pipeline.validate(raw, platform.lead_id_key)
    grants = grant(platform, deliveries, run_id="by-hand", actor="tests", now=NOW, raw=raw)
    frames = pipeline.Frames(raw, leads, rejected, pipeline.classify(leads, settings, grants), pipeline.score(leads))
    kept = [delivery for delivery in deliveries if not reading.refusals]
    files, _ = pipeline.report(kept, frames, settings.reports_dir, settings, grants)
    for contract, frame in (
        (contracts.RAW_LEADS, raw), (contracts.LEADS, leads), (contracts.REJECTED_LEADS, rejected),
        (contracts.CLASSIFICATIONS, frames.classifications), (LEAD_SCORES, frames.lead_scores), (contracts.LEAD_REPORTS, files),
    ):  # fmt: skip
        platform.tables.replace(contract, frame, [batch])


@pytest.fixture
def batches(platform: Home, tmp_path: Path) -> dict[str, str]:
    """A batch in each state, by that state."""
    (tmp_path / "bad.csv").write_bytes(b"%PDF-1.7")
    paths = {
        "reported": scenario.scenario_csv(tmp_path / "leads.csv"),
        "refused": tmp_path / "bad.csv",
        "waiting": scenario.scenario_xlsx(tmp_path / "leads.xlsx"),
    }
    found = {
        state: platform.deliver(path, now=NOW + timedelta(hours=hours)).delivery.batch_id
        for hours, (state, path) in enumerate(paths.items())
    }
    run(platform, found["reported"])
    run(platform, found["refused"])
    return found


def test_an_empty_home_has_no_batches(platform):
    assert overview(platform) == []


def test_every_batch_is_listed_with_its_state_the_newest_last(platform, batches):
    listed = overview(platform)
    assert [summary.batch_id for summary in listed] == list(batches.values())
    assert [summary.state for summary in listed] == list(batches)
    done, refused, waiting = listed
    assert (done.rows, done.leads) == (scenario.delivered_rows(), scenario.lead_rows())
    assert done.leads + done.rejected == done.rows
    assert (refused.rows, refused.leads, refused.rejected) == (None, 0, 0)
    assert (waiting.rows, waiting.leads) == (scenario.delivered_rows(), 0)


def test_times_are_told_in_johannesburg(platform, batches):
    assert overview(platform)[0].delivered_at == "2026-03-02T01:00:00+02:00"
    assert batches["reported"].startswith("2026-03-02_")


def test_details_add_up_and_name_files_that_are_there(platform, batches):
    found = details(platform, batches["reported"]).to_json()
    assert found["leads"] + found["rejected"] == found["rows"]
    assert found["answered"] + found["narrowed"] + found["abstained"] == found["leads"]
    assert found["reasons"]["totals_row"] == 1
    assert len(found["reports"]) == 3
    assert all(Path(path).is_file() for path in found["reports"])
    assert (found["state"], found["refusal"], found["file"]) == ("reported", None, "leads.csv")


def test_a_refused_batch_says_why(platform, batches):
    found = details(platform, batches["refused"])
    assert found.state == "refused"
    assert "PDF" in found.refusal
    assert found.reports == ()


def test_a_batch_that_nobody_delivered_is_unknown(platform):
    for ask in (lambda: details(platform, UNKNOWN), lambda: row_fate(platform, UNKNOWN, 2)):
        with pytest.raises(UnknownBatch):
            ask()


def test_every_row_of_the_scenario_can_be_found_again(platform, batches):
    for row, reasons in scenario.expected_by_row().items():
        fate = row_fate(platform, batches["reported"], row)
        assert fate["source_row"] == row
        if reasons:
            assert fate["became"] == "rejected"
            assert sorted(fate["reasons"]) == sorted(reasons)
            assert isinstance(fate["row"], dict)
        else:
            assert fate["became"] == "lead"


@pytest.mark.parametrize("row", [-1, 0, 1, 10_000])
def test_a_row_that_the_batch_does_not_have_is_bad_input(platform, batches, row):
    with pytest.raises(BadInput, match=f"has no row {row}"):
        row_fate(platform, batches["reported"], row)


def test_a_row_of_a_batch_that_is_not_run_yet_is_not_said_to_be_missing(platform, batches):
    with pytest.raises(BadInput, match="waiting"):
        row_fate(platform, batches["waiting"], 2)
    with pytest.raises(BadInput, match="refused"):
        row_fate(platform, batches["refused"], 2)
