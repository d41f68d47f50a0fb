"""The platform, started once for the tests that only use it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

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
