"""Runs commands in a process of their own, with a watchdog: what it did, or that it died or hung."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE = 30.0
"""Seconds that a command may take on one hostile file."""


@dataclass(frozen=True)
class Outcome:
    """What became of one command. `died` says how its process ended, empty where it did not; `seconds` is wall time."""

    code: int | None
    out: str
    err: str
    seconds: float
    died: str = ""

    @property
    def json(self) -> dict[str, Any]:
        """What it printed."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


class Commands:
    """The process that runs the commands; another takes its place where it died or had to be killed."""

    def __init__(self, home: Path) -> None:
        """`home` is the platform's home, and where output is caught."""
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, *arguments: object) -> Outcome:
        """Run one command and wait for it, no longer than `PATIENCE`."""
        process = self._started()
        said = self._home / "said"
        assert process.stdin is not None
        process.stdin.write(json.dumps([[str(each) for each in arguments], str(said)]).encode() + b"\n")
        process.stdin.flush()
        start = time.perf_counter()
        answer, died = self._answer(process)
        seconds = time.perf_counter() - start
        out, err = (
            path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
            for path in (said.with_suffix(".out"), said.with_suffix(".err"))
        )
        return Outcome(None if died else int(answer), out, err, seconds, died)

    def close(self) -> None:
        """End the process, where one runs."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            plain = {name: value for name, value in os.environ.items() if not name.startswith("LEADSCOUT_")}
            own = {"LEADSCOUT_HOME": str(self._home / "home"), "LEADSCOUT_LOG_LEVEL": "CRITICAL"}
            self._home.mkdir(parents=True, exist_ok=True)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.hostile.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=plain | own,
                cwd=Path(__file__).parents[2],
            )
        return self._process

    def _answer(self, process: subprocess.Popen[bytes]) -> tuple[bytes, str]:
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            ready = selector.select(PATIENCE)
        if not ready:
            self.close()
            return b"", f"hung for {PATIENCE:g} seconds"
        answer = process.stdout.readline()
        if answer:
            return answer, ""
        code = process.wait()
        self.close()
        return b"", f"its process ended with {code}"
