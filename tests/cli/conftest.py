"""Commands run in this process, in a home of the test's own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest
import structlog

from leadscout_assets.cli.application import run_application
from leadscout_assets.settings import Settings
from tests import scenario


@dataclass(frozen=True)
class Outcome:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return orjson.loads(self.out)


@pytest.fixture
def leadscout(home: Settings, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Outcome]]:
    """Runs a command; settings come from the environment anew each time, as in a process of its own."""
    root, package = logging.getLogger(), logging.getLogger("leadscout_assets")
    before = (list(root.handlers), root.level, package.level)

    def run(*arguments: object) -> Outcome:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("leadscout_assets.settings._in_use", None)
            code = run_application([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    yield run
    for handler in [handler for handler in root.handlers if handler not in before[0]]:
        root.removeHandler(handler)
    root.setLevel(before[1])
    package.setLevel(before[2])
    structlog.reset_defaults()


@pytest.fixture
def leads(tmp_path: Path) -> Path:
    return scenario.scenario_csv(tmp_path / "leads.csv")
