"""The platform, the demonstration and the browser, started once each for the tests that use them."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.defs.ground import BROKEN
from tests.e2e.terminal import ROOT, Terminal, reported
from tests.purposes import ENVIRONMENT
from tests.scenario import scenario_csv, scenario_xlsx

if TYPE_CHECKING:
    from playwright.sync_api import Page, ViewportSize

ARTEFACTS = ROOT / "artefacts"
"""Where pictures of what people see are kept."""


BETRAYING = """
import sys
from leadscout_assets.logs import setup_logging
from leadscout_assets.settings import read_settings
from leadscout_assets.supervisor import up
settings = read_settings()
setup_logging(settings)
sys.exit(up(settings, on_ready=lambda url: print("is up", flush=True), module="tests.e2e.betraying_definitions"))
"""
"""`leadscout up`, but for definitions in which things can be made to go wrong."""


@pytest.fixture(scope="session")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the faults that are to happen on the shared platform, until it is first stopped."""
    return tmp_path_factory.mktemp("faults")


@pytest.fixture(scope="session")
def shared_terminal(tmp_path_factory: pytest.TempPathFactory, faults: Path) -> Iterator[Terminal]:
    """One home for the tests of a running platform, which is killed at the end, however they went."""
    environment = {"CANARY_FAULTS": str(faults), "LEADSCOUT_LOG_LEVEL": "DEBUG"}
    terminal = Terminal(tmp_path_factory.mktemp("up"), **ENVIRONMENT, **environment)
    yield terminal
    terminal.pull_the_plug()


@pytest.fixture
def terminal(shared_terminal: Terminal) -> Terminal:
    """The shared home with its platform up: first one that can be made to fail, then, where a test stopped it, `leadscout up`."""
    return _up(shared_terminal)


def _up(terminal: Terminal) -> Terminal:
    if terminal.platform is None:
        terminal.up((), command=[sys.executable, "-c", BETRAYING])
    elif not terminal.is_up():
        terminal.up()
    return terminal


@dataclass(frozen=True)
class Demonstration:
    """`leadscout demo` in a terminal, up after its report was made."""

    terminal: Terminal
    batch: str
    report: Path


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    """The demonstration, up; the test that stops it comes last of those that use it."""
    terminal = Terminal(tmp_path_factory.mktemp("demo"))
    try:
        terminal.up(["demo"], says="The Dagster UI:")
        (batch,) = re.findall(r"^batch +(\S+)$", terminal.said, re.MULTILINE)
        (report,) = re.findall(r"^report \(html\) +(\S.*)$", terminal.said, re.MULTILINE)
        yield Demonstration(terminal, batch, Path(report))
    finally:
        terminal.pull_the_plug()


@pytest.fixture(scope="session")
def three_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    broken = folder / "broken.xlsx"
    broken.write_bytes(BROKEN)
    return [scenario_xlsx(folder / "leads march.xlsx"), scenario_csv(folder / "leads april.csv", ragged=True), broken]


@pytest.fixture(scope="session")
def delivered(shared_terminal, three_files):
    """A workbook, a CSV and a broken file, dropped at once and reported."""
    _up(shared_terminal)
    for path in three_files:
        shared_terminal.drop(path)
    return reported(shared_terminal, {path.name for path in three_files})


NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
"""A browser in a container, as root, that asks nothing of the network by itself."""


@pytest.fixture(scope="session")
def browser_path() -> str:
    """The Chromium of this machine; without one the tests are skipped, or fail where they must not be."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and os.environ.get("LEADSCOUT_REQUIRE_BROWSER") == "1":
        pytest.fail(f"no Chromium, although LEADSCOUT_REQUIRE_BROWSER=1: none of {', '.join(NAMES)} is on the PATH")
    if found is None:
        pytest.skip(f"no Chromium: none of {', '.join(NAMES)} is on the PATH")
    return found


VIEWPORT: ViewportSize = {"width": 1400, "height": 700}


@pytest.fixture
def page(only_page: Page) -> Iterator[Page]:
    """A page of a browser; empty from a test's end to the next one's first look, since Dagster's UI keeps a processor busy."""
    yield only_page
    leave(only_page)


def leave(page: Page) -> None:
    """Look at nothing while something takes its time that no page is needed for."""
    page.goto("about:blank")


@pytest.fixture(scope="module")
def only_page(browser_path) -> Iterator[Page]:
    """The page of a browser without any history, closed with its module."""
    from playwright.sync_api import sync_playwright

    ARTEFACTS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=list(FLAGS))
        page = browser.new_page(viewport=VIEWPORT)
        page.set_default_timeout(60_000)
        yield page
        browser.close()
