"""The labelled cases: written names with the origin they were made up for, in halves that never mix.

Reading them and choosing a new case's half belong here; measuring does not.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from leadscout_assets.names.folding import letters
from leadscout_assets.names.normalising import split_name

CALIBRATE, TEST = "calibrate", "test"
FIRST_CASES = 736
"""The oldest cases, dealt without regard to surnames. All later ones follow from `part_of`."""


@dataclass(frozen=True)
class Case:
    """A written name with the origin and group it was made up for; `part` is its half."""

    name: str
    origin: str
    group: str
    part: str


def read_cases(path: Path) -> list[Case]:
    """Read labelled cases: columns name, origin, group, part; lines that start with `#` are comments."""
    with path.open(encoding="utf-8", newline="") as lines:
        return [Case(**row) for row in csv.DictReader(line for line in lines if not line.startswith("#"))]


def find_cases() -> Path | None:
    """Return the labelled cases that lie beside this package in a checkout; None where it was installed without them."""
    beside = Path(__file__).parents[2] / "tests" / "names" / "cases.csv"
    return beside if beside.is_file() else None


def surname_key(name: str) -> str:
    """Return the letters of a written name's surname: what is dealt to one half or the other."""
    return letters(split_name(name).surname or name)


def part_of(name: str, origin: str, cases: Iterable[Case]) -> str:
    """Return the half that a new case belongs to: that of the cases with its origin and surname, else by a hash of these."""
    key = surname_key(name)
    halves = {case.part for case in cases if case.origin == origin and surname_key(case.name) == key}
    if len(halves) == 1:
        return halves.pop()
    return TEST if hashlib.sha256(f"{origin}/{key}".encode()).digest()[0] & 1 else CALIBRATE
