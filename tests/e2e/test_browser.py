"""The UI in a browser, over the demonstration. Each page is kept as a picture in `artefacts/`.

With LEADSCOUT_PICTURES=1 the pictures of the README are made anew, too: `LEADSCOUT_PICTURES=1 make test TESTS=tests/e2e/test_browser.py`.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.defs.test_definitions import CHECKS, FRESH, LEAD_ASSETS, REFERENCE_ASSETS
from tests.e2e.conftest import Demonstration
from tests.e2e.terminal import PATIENCE, ROOT, until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.xdist_group("platform"),
    pytest.mark.timeout(900),
]

ARTEFACTS, PICTURES = ROOT / "artefacts", ROOT / "docs" / "images"
MAKES_PICTURES = os.environ.get("LEADSCOUT_PICTURES") == "1"

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
"""A browser in a container, as root, that asks nothing of the network by itself."""


@pytest.fixture(scope="module")
def browser_path() -> str:
    """The Chromium of this machine; without one the tests are skipped, or fail where they must not be."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and os.environ.get("LEADSCOUT_REQUIRE_BROWSER") == "1":
        pytest.fail(f"no Chromium, although LEADSCOUT_REQUIRE_BROWSER=1: none of {', '.join(NAMES)} is on the PATH")
    if found is None:
        pytest.skip(f"no Chromium: none of {', '.join(NAMES)} is on the PATH")
    return found


@pytest.fixture(scope="module")
def page(browser_path) -> Iterator[Page]:
    """A page of a browser without any history."""
    from playwright.sync_api import sync_playwright

    ARTEFACTS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1400, "height": 700})
        page.set_default_timeout(PATIENCE * 1000)
        yield page
        browser.close()


def open_page(page: Page, demonstration: Demonstration, path: str) -> None:
    page.goto(f"{demonstration.terminal.url}{path}")


def expand_groups(page: Page) -> None:
    """Open both groups of the asset graph, and give it the whole window."""
    page.get_by_text("Hide navigation").click()
    page.locator("[aria-label=panel_show_right]").last.click()
    # One moves when the other opens.
    for left in (2, 1):
        icons = page.locator("[aria-label=unfold_more]")
        until(lambda icons=icons, left=left: icons.count() == left, f"{left} closed groups")
        icons.first.click()


def test_the_asset_graph_shows_every_asset(page, demonstration):
    open_page(page, demonstration, "/asset-groups/")
    expand_groups(page)
    for asset in (*LEAD_ASSETS, *REFERENCE_ASSETS):
        page.get_by_text(asset, exact=True).first.wait_for()
    page.screenshot(path=ARTEFACTS / "asset-graph.png")


def test_the_checks_of_an_asset_are_green(page, demonstration):
    open_page(page, demonstration, "/assets/leads?view=checks")
    page.get_by_text(f"Checks ({len(CHECKS['leads'] | FRESH)})").wait_for()
    until(lambda: page.get_by_text("Succeeded", exact=True).count() == len(CHECKS["leads"] | FRESH), "all are judged")
    assert page.get_by_text("Failed", exact=True).count() == 0
    page.screenshot(path=ARTEFACTS / "checks.png")


def test_the_verdict_of_a_check_stands_under_the_batch(page, demonstration):
    open_page(page, demonstration, "/assets/leads?view=checks&checkDetail=conservation")
    page.get_by_text("500 rows delivered = 500 leads + rejected").first.wait_for()
    page.get_by_text("Partitions", exact=True).last.click()
    page.get_by_text(demonstration.batch).first.wait_for()
    page.screenshot(path=ARTEFACTS / "check-partitions.png")


def test_the_list_of_batches_shows_the_batch_and_its_row_count(page, demonstration):
    open_page(page, demonstration, f"/assets/leads?view=partitions&partition={demonstration.batch}")
    page.get_by_text(demonstration.batch).first.wait_for()
    page.get_by_text("dagster/row_count").first.wait_for()
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


@pytest.mark.skipif(not MAKES_PICTURES, reason="the README's pictures are made anew only with LEADSCOUT_PICTURES=1")
def test_the_pictures_of_the_readme_are_made_anew(page, demonstration):
    terminal = demonstration.terminal
    until(lambda: terminal.rest() and len(terminal.runs()) >= 2, "lexicon and model are materialized as well")
    PICTURES.mkdir(exist_ok=True)
    open_page(page, demonstration, "/asset-groups/")
    expand_groups(page)
    page.get_by_text("lead_reports", exact=True).first.wait_for()
    until(lambda: page.get_by_text("Loading").count() == 0, "every asset shows its status")
    page.screenshot(path=PICTURES / "asset-graph.png")
    page.goto(demonstration.report.as_uri())
    page.screenshot(path=PICTURES / "report.png", clip={"x": 0, "y": 0, "width": 1400, "height": 900}, full_page=True)
    assert all(path.stat().st_size < 300_000 for path in PICTURES.glob("*.png"))
