"""A second go for what failed in `make test`, by itself and explained: a pytest plugin.

A failure is a failure, but of tests of real processes alone: beside others, on a busy machine, these may lose a race with a
clock. Where all of them pass now, the run is told to be flaky instead of failed.
"""

from __future__ import annotations

import pytest


def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.exitstatus == pytest.ExitCode.OK and _others(session):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    session: pytest.Session | None = terminalreporter._session
    if session is None or session.testsfailed or not session.items:
        return
    if others := _others(session):
        terminalreporter.write_line(f"FAILED before, though not by themselves: {', '.join(others)}", red=True)
    else:
        told = ", ".join(item.nodeid for item in session.items)
        terminalreporter.write_line(f"FLAKY, mend what they do not wait for: {told}", yellow=True)


def _others(session: pytest.Session) -> list[str]:
    return [item.nodeid for item in session.items if item.get_closest_marker("processes") is None]
