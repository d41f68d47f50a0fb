"""The stream that a test logs to, and the set-up that sends lines there."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TextIO

from leadscout_assets.logs import setup_logging
from leadscout_assets.settings import read_settings

CANARY = "Zanele Quagga"
BATCH = "2026-03-02_list_0123abcd"


class Lines:
    """The stream that a test logs to."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def json(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.text.splitlines()]


def log_as(level: str, form: str, stream: TextIO | None = None) -> None:
    setup_logging(read_settings(log_level=level, log_format=form), stream)


def log_to_files(home: Path, stream: TextIO | None = None, **settings: object) -> Path:
    """Set up logging with files in a home that is made, and return the folder of the logs."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "keys").mkdir(exist_ok=True)
    chosen = read_settings(**{"home": home, "log_format": "json", **settings})
    setup_logging(chosen, stream or io.StringIO(), files=True)
    return chosen.logs_dir


def in_files(logs: Path) -> dict[str, list[dict[str, object]]]:
    """Return the lines of every plain log file, by its folder and kind."""
    found: dict[str, list[dict[str, object]]] = {}
    for path in sorted(logs.glob("*/*-????-??-??.log")):
        kind = f"{path.parent.name}/{path.name[:-15]}"
        found.setdefault(kind, []).extend(json.loads(line) for line in path.read_text().splitlines())
    return found
