"""Reads the log files back: every kind and day, compressed or not, in the order of time, what is wanted of them, and figures.

Lines that are torn or not ours are left out and counted.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

import orjson

from leadscout_assets.errors import BadInput
from leadscout_assets.logs.events import OUTCOME
from leadscout_assets.logs.files import FILE_NAME, log_paths
from leadscout_assets.terms import TIME_ZONE

Line = dict[str, Any]

LEVELS = ("debug", "info", "warning", "error", "critical")

LONGEST_MS = 1e12
"""Thirty years: a larger figure is no time."""

_SPAN = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class Wanted:
    """Which lines are asked for; None, and the lowest level, is all. `since` has a time zone."""

    run: str | None = None
    batch: str | None = None
    level: str = "debug"
    since: datetime | None = None

    def __contains__(self, line: Line) -> bool:
        """Say whether a line is one of them."""
        return (
            (self.run is None or line.get("run_id") == self.run)
            and (self.batch is None or line.get("batch_id") == self.batch)
            and LEVELS.index(line["level"]) >= LEVELS.index(self.level)
            and (self.since is None or datetime.fromisoformat(line["timestamp"]) >= self.since)
        )


@dataclass
class Found:
    """What was found in the files on the way: how many lines could not be read."""

    unreadable: int = 0


def since(text: str, now: datetime) -> datetime:
    """Return the moment that `text` means: a span before `now` (`30m`, `2h`, `7d`), or an ISO date or time.

    A date or time without a zone is one of Johannesburg. Raises `BadInput`.
    """
    if span := _SPAN.fullmatch(text.strip()):
        with suppress(OverflowError):
            return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
    try:
        at = datetime.fromisoformat(text.strip())
        at = at if at.tzinfo else at.replace(tzinfo=TIME_ZONE)
        # The first and the last hours of the calendar have no counterpart in UTC, which the files' days are in.
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInput(
            "--since takes a span such as 30m, 2h or 7d, a date or a time such as 2026-11-22T08:00"
        ) from None


def read_lines(root: Path, wanted: Wanted, found: Found) -> Iterator[Line]:
    """Yield the wanted lines of the log files below `root` in the order of time; `found` counts what cannot be read.

    A day at a time is held in memory, of it the wanted lines only.
    """
    first = wanted.since.astimezone(UTC).date().isoformat() if wanted.since else ""
    days: defaultdict[str, set[Path]] = defaultdict(set)
    for path in log_paths(root):
        match = FILE_NAME.fullmatch(path.name)
        if match and match["day"] >= first:
            days[match["day"]].add(path.with_name(f"{match['kind']}-{match['day']}.log"))
    for _, paths in sorted(days.items()):
        lines = [line for path in sorted(paths) for line in _lines_of(path, wanted, found)]
        # Processes write a moment after they have looked at the clock.
        yield from sorted(lines, key=lambda line: str(line["timestamp"]).removesuffix("Z"))


def _lines_of(path: Path, wanted: Wanted, found: Found) -> list[Line]:
    """Return the wanted lines of a file and of its compressed part; while a file is being compressed, both hold the same."""
    # In this order: what is compressed between the two looks is seen twice, not never.
    plain = dict(_wanted_in(path, wanted, found))
    packed = dict(_wanted_in(path.with_name(f"{path.name}.gz"), wanted, found))
    return [*(line for raw, line in packed.items() if raw not in plain), *plain.values()]


def _wanted_in(path: Path, wanted: Wanted, found: Found) -> Iterator[tuple[bytes, Line]]:
    # Parsing is what costs: most lines of a large file are none of the run.
    needles = [value.encode() for value in (wanted.run, wanted.batch) if value is not None]
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            # The place makes equal lines of one file differ, and is the same in its compressed copy.
            for number, raw in enumerate(file):
                if all(needle in raw for needle in needles) and raw.strip():
                    line = _parsed(raw)
                    if line is None:
                        found.unreadable += 1
                    elif line in wanted:
                        yield b"%d %b" % (number, raw), line
    except FileNotFoundError:
        return
    except (EOFError, OSError, zlib.error):
        found.unreadable += 1  # damaged from here on


def _parsed(raw: bytes) -> Line | None:
    """Return a line of ours, or None for what is torn or comes from elsewhere."""
    try:
        line = orjson.loads(raw)
        ours = line["level"] in LEVELS and isinstance(line["event"], str)
        return line if ours and datetime.fromisoformat(line["timestamp"]).tzinfo else None
    except (ValueError, TypeError, KeyError):
        return None


@dataclass
class Stats:
    """Figures over lines: by level, by event, and for each operation how often, how often it failed, and its times.

    A line of an operation that tells no time, which no line of ours does, counts without one.
    """

    levels: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    times: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failures: Counter[str] = field(default_factory=Counter)
    first: str | None = None
    last: str | None = None

    def add(self, line: Line) -> None:
        """Count one line; they come in the order of time."""
        self.first, self.last = self.first or line["timestamp"], line["timestamp"]
        self.levels[line["level"]] += 1
        self.events[str(line["event"])] += 1
        if all(key in line for key in OUTCOME):
            self.ended[line["event"]] += 1
            self.failures[line["event"]] += not line["success"]
            if (took := _milliseconds(line["processing_time_ms"])) is not None:
                self.times[line["event"]].append(took)

    def operations(self) -> list[dict[str, object]]:
        """Return one row per operation, the one that took longest in all first; times in milliseconds."""
        rows: list[dict[str, object]] = [
            {
                "operation": name,
                "times": count,
                "failed": self.failures[name],
                "median_ms": round(_quantile(times, 50), 1) if times else None,
                "p95_ms": round(_quantile(times, 95), 1) if times else None,
                "max_ms": max(times, default=None),
                "total_ms": round(sum(times), 1),
            }
            for name, count, times in ((name, count, self.times.get(name, [])) for name, count in self.ended.items())
        ]
        return sorted(rows, key=lambda row: -float(str(row["total_ms"])))

    def to_json(self) -> dict[str, object]:
        """Return the figures as one JSON object."""
        return {
            "first": self.first,
            "last": self.last,
            "lines": self.levels.total(),
            "levels": {level: self.levels[level] for level in LEVELS if self.levels[level]},
            "events": dict(self.events.most_common()),
            "operations": self.operations(),
        }


def _milliseconds(value: object) -> float | None:
    """Return a time as an operation may have taken it."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LONGEST_MS:
        return None
    return float(value)


def _quantile(times: Sequence[float], percent: int) -> float:
    return times[0] if len(times) == 1 else quantiles(times, n=100, method="inclusive")[percent - 1]
