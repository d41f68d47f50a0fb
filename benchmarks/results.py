"""What a benchmark gives back, judged against its targets, and how that is shown. Measures nothing."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self


class BenchmarkFailed(Exception):
    """A benchmark that gave no figure; the message says what to look at."""


@dataclass(frozen=True)
class Figure:
    """One measured quantity. `value` is what is judged, `samples` what it was taken from, `of` how.

    `target` is the promise: the most that `value` may be, or the least where `at_least`; None where nothing is promised.
    """

    what: str
    unit: str
    value: float
    samples: tuple[float, ...]
    of: str = "median"
    target: float | None = None
    at_least: bool = False

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        if self.target is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target


def median(what: str, unit: str, samples: Sequence[float], **judged: Any) -> Figure:
    """Return the figure whose value is the median of the samples."""
    return Figure(what, unit, statistics.median(samples), tuple(samples), **judged)


def highest(what: str, unit: str, samples: Sequence[float], **judged: Any) -> Figure:
    """Return the figure whose value is the highest of the samples."""
    return Figure(what, unit, max(samples), tuple(samples), of="highest", **judged)


@dataclass(frozen=True)
class Outcome:
    """What one benchmark found. `details` is for whoever wants to know where the time went; `failure` says why it broke off."""

    name: str
    figures: tuple[Figure, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    failure: str | None = None


@dataclass(frozen=True)
class Report:
    """All outcomes of one call, with the machine they were measured on. `quick`: sizes too small to judge."""

    machine: Mapping[str, Any]
    quick: bool
    outcomes: tuple[Outcome, ...]

    @property
    def exit_code(self) -> int:
        """Return 0 where every target is reached, 1 where one is missed, 3 where a benchmark failed."""
        if any(outcome.failure for outcome in self.outcomes):
            return 3
        missed = any(figure.reached is False for outcome in self.outcomes for figure in outcome.figures)
        return 1 if missed and not self.quick else 0

    def to_json(self) -> dict[str, Any]:
        """Return the report as one JSON object."""
        found = asdict(self)
        for outcome, shown in zip(self.outcomes, found["outcomes"], strict=True):
            for figure, row in zip(outcome.figures, shown["figures"], strict=True):
                row["reached"] = None if self.quick else figure.reached
        return found

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Read a report that `to_json` wrote."""
        outcomes = []
        for outcome in found["outcomes"]:
            rows = [{k: v for k, v in row.items() if k != "reached"} for row in outcome["figures"]]
            figures = tuple(Figure(**row | {"samples": tuple(row["samples"])}) for row in rows)
            outcomes.append(Outcome(**{**outcome, "figures": figures}))
        return cls(found["machine"], found["quick"], tuple(outcomes))

    def table(self) -> str:
        """Return the figures as aligned text, one line each."""
        lines = [("what", "target", "figure", "samples", "reached"), *self._rows()]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)

    def markdown(self) -> str:
        """Return the figures as rows of the table in docs/benchmarks.md, then the machine as a sentence."""
        rows = [f"| {' | '.join(line)} | `make bench` |" for line in self._rows()]
        return "\n".join([*rows, "", self.sentence()])

    def sentence(self) -> str:
        """Return the machine and its state in one sentence."""
        m = self.machine
        return f"{'Small sizes, which say nothing about speed. ' if self.quick else ''}" + (
            f"Measured {m['started_at'][:10]} on {m['cores']} x {m['cpu']}, {m['memory_mb']:,} MB, Python {m['python']}; "
            f"at start load average {m['load_average']:.2f}, processors {m['busy_percent']:.0f} % busy, "
            f"calibration loop {m['calibration_seconds']:.3f} s."
        )

    def _rows(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = []
        for outcome in self.outcomes:
            if outcome.failure:
                rows.append((outcome.name, "", "failed", outcome.failure, "no"))
            rows += [self._row(figure) for figure in outcome.figures]
        return rows

    def _row(self, figure: Figure) -> tuple[str, ...]:
        bound = "at least" if figure.at_least else "at most"
        target = f"{bound} {_number(figure.target)} {figure.unit}" if figure.target is not None else "-"
        low, high = _number(min(figure.samples)), _number(max(figure.samples))
        samples = f"{low} to {high} ({len(figure.samples)})"
        answers = {True: "yes", False: "no", None: "-"}
        reached = "not judged" if self.quick and figure.target is not None else answers[figure.reached]
        return figure.what, target, f"{_number(figure.value)} {figure.unit}", samples, reached


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"
