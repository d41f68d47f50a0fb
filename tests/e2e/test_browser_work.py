"""What a data engineer does in the UI, in a browser: materialize, backfill, judge a check by batch, terminate a run.

Each step is kept as a picture in `artefacts/`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from leadscout_assets import pipeline
from leadscout_assets.leads.synthetic import write_delivery
from leadscout_assets.settings import Settings
from leadscout_assets.single_run import describe
from tests.e2e.conftest import ARTEFACTS, leave
from tests.e2e.terminal import Terminal
from tests.waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(900)]

ENDED = ("SUCCESS", "FAILURE", "CANCELED")

LONG = 50_000
"""Leads of a list whose run lasts long enough to be terminated by hand."""


def choose(page: Page, terminal: Terminal, asset: str, batches: Sequence[str]) -> None:
    """Open the dialog of an asset's page and choose batches in it."""
    page.goto(f"{terminal.url}/assets/{asset}?view=partitions")
    page.get_by_text("Materialized (").first.wait_for()
    page.get_by_role("button", name="Materialize").first.click()
    page.get_by_text("Select a partition or create one").click()
    for batch in batches:
        # Elsewhere on the page it stands as well, cut short and hidden.
        page.get_by_text(batch).locator("visible=true").last.click()
    page.get_by_text("Launch runs to materialize").click()


def launched(terminal: Terminal, before: set[str]) -> list[dict[str, Any]]:
    """Wait for the runs that were not there before, and return them once they have ended."""

    def new_runs() -> list[dict[str, Any]]:
        known = terminal.runs()
        # A run that is made but not submitted yet has not ended.
        ended = all(run["status"] in ENDED for run in known)
        return [run for run in known if run["runId"] not in before] if ended else []

    return until(new_runs, "the new runs have ended")


def test_a_batch_is_materialized_from_the_page_of_an_asset(page, terminal, delivered):
    before = {run["runId"] for run in terminal.runs()}
    batch = delivered["leads april.csv"]["batch_id"]
    choose(page, terminal, "lead_scores", [batch])
    page.screenshot(path=ARTEFACTS / "materialize.png")
    page.get_by_role("button", name="Launch 1 run").click()
    page.get_by_text("Launched run").wait_for()
    page.screenshot(path=ARTEFACTS / "materialize-launched.png")
    leave(page)
    (run,) = launched(terminal, before)
    assert run["status"] == "SUCCESS"
    assert {"key": "dagster/partition", "value": batch} in run["tags"]


def test_a_backfill_is_launched_over_a_selection_of_batches(page, terminal, delivered):
    before = {run["runId"] for run in terminal.runs()}
    batches = [delivered[name]["batch_id"] for name in ("leads march.xlsx", "leads april.csv")]
    choose(page, terminal, "raw_leads", batches)
    page.screenshot(path=ARTEFACTS / "backfill.png")
    with page.expect_response(lambda answer: "launchPartitionBackfill" in (answer.request.post_data or "")):
        page.get_by_role("button", name="Launch").last.click()
    leave(page)
    runs = launched(terminal, before)
    assert {run["status"] for run in runs} == {"SUCCESS"}
    asked = {tag["value"] for run in runs for tag in run["tags"] if "partition" in tag["key"]}
    assert set(batches) & asked
    page.goto(f"{terminal.url}/runs?view=backfills")
    page.get_by_text("raw_leads").first.wait_for()
    page.screenshot(path=ARTEFACTS / "backfills.png")


def test_a_failing_check_of_one_batch_stands_beside_the_green_ones_of_others(page, terminal, delivered):
    page.goto(f"{terminal.url}/assets/raw_leads?view=checks&checkDetail=conservation")
    # The asset has a tab of this name, and the check one of its own as soon as it is loaded.
    until(lambda: page.get_by_text("Partitions", exact=True).count() > 1, "the check is shown")
    page.get_by_text("Partitions", exact=True).last.click()
    page.get_by_text("Failed (1)").wait_for()
    passed = len(delivered) - 1
    until(lambda: page.get_by_text(f"Passed ({passed})").count(), "the other batches are green")
    page.screenshot(path=ARTEFACTS / "check-failed.png")


def test_a_run_is_terminated_from_its_page_and_leaves_its_batch_whole(page, terminal, delivered, tmp_path: Path):
    source = tmp_path / "leads long.csv"
    write_delivery(source, LONG, seed=7)
    before = {run["runId"] for run in terminal.runs()}
    terminal.drop(source)
    run = until(lambda: _started(terminal, before), "a run has started")
    page.goto(f"{terminal.url}/runs/{run}")
    page.get_by_role("button", name="Terminate").first.click()
    page.get_by_text("1 run will be terminated").wait_for()
    page.screenshot(path=ARTEFACTS / "terminate.png")
    page.get_by_role("button", name="Terminate 1 run").click()
    until(lambda: _status(terminal, run) == "CANCELED", "the run is canceled")
    page.get_by_text("Canceled").first.wait_for()
    page.screenshot(path=ARTEFACTS / "terminated.png")
    batch = next(batch for batch in terminal.batches() if batch["rows"] == LONG)
    # Each table is written at once, the one after the other: the run may have been stopped between two of them.
    leads, rejected = split(source)
    assert batch["leads"] in (0, leads)
    assert batch["rejected"] in (0, rejected)


def split(source: Path) -> tuple[int, int]:
    """Return how many leads and rejected rows a list has."""
    settings = Settings(home=source.parent)
    delivery = describe(source, settings, datetime.now(UTC))
    raw = pipeline.read([delivery], lambda _: source, settings).raw
    leads, rejected, _ = pipeline.validate(raw, b"any key")
    assert leads.num_rows + rejected.num_rows == LONG
    assert min(leads.num_rows, rejected.num_rows) > 0
    return leads.num_rows, rejected.num_rows


def _started(terminal: Terminal, before: set[str]) -> str | None:
    new = [run for run in terminal.runs() if run["runId"] not in before and run["status"] == "STARTED"]
    return new[0]["runId"] if new else None


def _status(terminal: Terminal, run: str) -> str:
    return next(one["status"] for one in terminal.runs() if one["runId"] == run)
