"""The platform and the demonstration, started once each for the tests that use them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.defs.conftest import ground, opened_once  # noqa: F401  # fixtures of the shell's tests, for ours
from tests.e2e.terminal import Terminal


@pytest.fixture(scope="session")
def shared_terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """One home for the tests of a running platform, which is killed at the end, however they went."""
    terminal = Terminal(tmp_path_factory.mktemp("up"), LEADSCOUT_CLASSIFICATION_PURPOSE="tests on invented people")
    yield terminal
    terminal.pull_the_plug()


@pytest.fixture
def terminal(shared_terminal: Terminal) -> Terminal:
    """The shared home with its platform up, started again where a test stopped or killed it."""
    if not shared_terminal.is_up():
        shared_terminal.up()
    return shared_terminal


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
