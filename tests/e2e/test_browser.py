"""The UI and the report in a browser, over the demonstration. Each page is kept as a picture in `artefacts/`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from leadscout_assets.defs.freshness_checks import WATCHED
from leadscout_assets.defs.steps import SLOWED_STEP
from leadscout_assets.demonstration_history import SLOW_DAYS
from leadscout_assets.runs.record import PREFIX
from tests.defs.test_definitions import CHECKS, CLEANSED, FRESH, LEAD_ASSETS, PER_RUN, REFERENCE_ASSETS
from tests.e2e.conftest import ARTEFACTS, VIEWPORT, Demonstration
from tests.waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.timeout(900),
]


def open_page(page: Page, demonstration: Demonstration, path: str) -> None:
    page.goto(f"{demonstration.terminal.url}{path}")


def test_the_asset_graph_shows_every_asset_its_checks_passed_but_the_slowed_step(page, demonstration):
    # Smaller, and the graph is drawn too small to tell of checks.
    page.set_viewport_size({"width": 2000, "height": 1000})
    open_page(page, demonstration, "/locations/leadscout/asset-groups/leads/lineage")
    for asset in LEAD_ASSETS:
        page.get_by_text(asset, exact=True).first.wait_for()
        watched = FRESH if asset in WATCHED else set()
        checks = len(CHECKS[asset] | {PER_RUN} | watched | ({CLEANSED} if asset == "leads" else set()))
        # The last two days before were slowed down on purpose, so that there is a regression to be seen.
        passed = checks - (asset == SLOWED_STEP)
        page.get_by_text(f"{passed} / {checks} Passed").first.wait_for()
    page.screenshot(path=ARTEFACTS / "asset-graph.png")
    page.set_viewport_size(VIEWPORT)


def test_what_names_are_classified_with_is_a_group_of_its_own(page, demonstration):
    open_page(page, demonstration, "/locations/leadscout/asset-groups/reference/lineage")
    for asset in REFERENCE_ASSETS:
        page.get_by_text(asset, exact=True).first.wait_for()
    page.screenshot(path=ARTEFACTS / "reference.png")


def test_both_groups_stand_in_the_lineage_of_everything(page, demonstration):
    open_page(page, demonstration, "/asset-groups/")
    for group in ("leads", "reference"):
        page.get_by_text(group, exact=True).first.wait_for()
    page.screenshot(path=ARTEFACTS / "lineage.png")


def test_the_checks_of_an_asset_are_green(page, demonstration):
    open_page(page, demonstration, "/assets/leads?view=checks")
    checks = CHECKS["leads"] | {PER_RUN, CLEANSED} | FRESH
    page.get_by_text(f"Checks ({len(checks)})").wait_for()
    until(lambda: page.get_by_text("Succeeded", exact=True).count() == len(checks), "all are judged")
    assert page.get_by_text("Failed", exact=True).count() == 0
    page.screenshot(path=ARTEFACTS / "checks.png")


def test_the_verdict_of_a_check_stands_under_the_batch(page, demonstration):
    open_page(page, demonstration, "/assets/leads?view=checks&checkDetail=conservation")
    page.get_by_text("500 rows delivered = 500 leads + rejected").first.wait_for()
    page.get_by_text("Partitions", exact=True).last.click()
    # The days before those that were slowed down are told to Dagster as a history, without checks.
    page.get_by_text(f"Passed ({SLOW_DAYS + 1})").wait_for()
    page.get_by_text("Failed (0)", exact=True).wait_for()
    page.screenshot(path=ARTEFACTS / "check-partitions.png")


def test_the_list_of_batches_shows_the_batch_and_its_row_count(page, demonstration):
    open_page(page, demonstration, f"/assets/leads?view=partitions&partition={demonstration.batch}")
    batches = json.loads(demonstration.terminal.type("batches", "--json").stdout)
    page.get_by_text(f"Materialized ({len(batches)})").wait_for()
    page.get_by_text("dagster/row_count").first.wait_for()
    page.get_by_text(f"{PREFIX}seconds").first.wait_for()
    page.screenshot(path=ARTEFACTS / "partitions.png")


def test_the_run_is_listed_as_a_success_of_the_chain(page, demonstration):
    open_page(page, demonstration, "/runs")
    page.get_by_text("lead_chain").first.wait_for()
    page.get_by_text("Success").first.wait_for()
    page.screenshot(path=ARTEFACTS / "runs.png")


def test_the_report_is_a_page_of_its_own_that_asks_for_nothing_else(page, demonstration):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(demonstration.report.as_uri())
    page.get_by_text(re.compile("497|500")).first.wait_for()
    page.screenshot(path=ARTEFACTS / "report.png")
    page.screenshot(path=ARTEFACTS / "report-whole.png", full_page=True)
    assert [url for url in asked if not url.startswith(("data:", demonstration.report.as_uri()))] == []
