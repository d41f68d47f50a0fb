"""What the labelled cases say about each method: how often it was right. Confidence is nothing but this.

The counts live in `data/calibration.csv`, written by evaluation.py; a test measures again and holds them equal.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from leadscout_assets.names.stages import STAGES

ANSWERED, NARROWED, ABSTAINED = 0, 1, 2
OUTCOMES = ("answered", "narrowed")
HEADER = ("reveal_religion", "outcome", "method", "n", "right")
MIN_CASES = 5
"""Cases below which a method has not been measured; it then abstains."""


@dataclass(frozen=True)
class Cell:
    """How often a method was right: `right` of `n` cases of one outcome, with or without religion revealed."""

    reveal_religion: bool
    outcome: str
    method: str
    n: int
    right: int

    @property
    def confidence(self) -> float:
        """Return the measured accuracy, or the rule of succession's where that is less; nan when not measured.

        The rule of succession, (right + 1) / (n + 2), keeps few cases without a mistake from reading as certainty.
        """
        if self.n < MIN_CASES:
            return float("nan")
        return min(self.right / self.n, (self.right + 1) / (self.n + 2))


@dataclass(frozen=True)
class Calibration:
    """All cells; a method and outcome without a cell has not been measured."""

    cells: tuple[Cell, ...]

    def confidences(self, reveal_religion: bool) -> NDArray[np.float64]:
        """Return confidence by outcome (answered, narrowed) and stage code (0 is unknown): 2 x (stages + 1), nan unmeasured."""
        table = np.full((len(OUTCOMES), len(STAGES) + 1), np.nan)
        methods = [method.value for method, _ in STAGES]
        for cell in self.cells:
            if cell.reveal_religion == reveal_religion:
                table[OUTCOMES.index(cell.outcome), methods.index(cell.method) + 1] = cell.confidence
        return table

    def to_csv(self) -> str:
        """Return the cells as the text of `data/calibration.csv`."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows((str(c.reveal_religion).lower(), c.outcome, c.method, c.n, c.right) for c in self.cells)
        return buffer.getvalue()


UNMEASURED = Calibration(
    tuple(
        Cell(reveal, outcome, method, MIN_CASES, MIN_CASES)
        for reveal in (False, True)
        for outcome in OUTCOMES
        for method, _ in STAGES
    )
)
"""Lets every stage answer: what measuring starts from."""


def read_calibration(text: str) -> Calibration:
    """Read the text of `data/calibration.csv`."""
    rows = csv.DictReader(io.StringIO(text))
    return Calibration(
        tuple(
            Cell(r["reveal_religion"] == "true", r["outcome"], r["method"], int(r["n"]), int(r["right"])) for r in rows
        )
    )


def counted(results: Iterable[tuple[bool, str, str, bool]]) -> Calibration:
    """Count (reveal_religion, outcome, method, right) into cells, one for every combination of outcome and method."""
    cells = {(c.reveal_religion, c.outcome, c.method): replace(c, n=0, right=0) for c in UNMEASURED.cells}
    for reveal, outcome, method, right in results:
        cell = cells[reveal, outcome, method]
        cells[reveal, outcome, method] = replace(cell, n=cell.n + 1, right=cell.right + right)
    return Calibration(tuple(cells.values()))
