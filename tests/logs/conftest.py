"""Logging set up by a test ends with it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from leadscout_assets import logs
from leadscout_assets.logs import current
from tests.logs.lines import Lines, log_as


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger(logs.ROOT)
    before = (root.handlers[:], root.level, ours.level)
    yield
    for ours_now in [handler for handler in root.handlers if handler not in before[0]]:
        ours_now.close()
    current.keep_in(None)
    root.handlers[:], root.level, ours.level = before
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def lines() -> Lines:
    lines = Lines()
    log_as("DEBUG", "json", lines.stream)
    return lines
