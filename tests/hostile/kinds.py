"""What a hostile file is: its name, how it is made from a seed, and how the chain must end on it.

The files themselves stand in texts.py, containers.py, workbooks.py and cells.py; REGISTRY in registry.py lists them all.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

DONE, FAILING, REFUSED = 0, 1, 2
"""Exit codes of `leadscout run`: a report; a report and a red check; one sentence."""

CANARY = "ZWELIBANZI QWABE"
"""Stands in every hostile file, as a person's name would: no refusal and no log line may repeat it."""

GOOD_ROWS = 19
"""Harmless leads beside the hostile one: one rejected row in twenty keeps every check green."""

HEADINGS = ("Company", "Director", "Cell", "Email", "Address", "City", "Province", "Notes")


@dataclass(frozen=True)
class Kind:
    """A kind of hostile file. `code` is the exit code it must end with, `says` words of the sentence where refused.

    `rows` is how many rows must be accounted for where a report is made, None where nobody can say.
    `file_name` is what the sender calls the file.
    """

    name: str
    make: Callable[[random.Random], bytes]
    code: int
    says: str = ""
    rows: int | None = None
    variants: int = 1
    file_name: str = "leads.xlsx"


def done(
    name: str, make: Callable[[random.Random], bytes], *, rows: int | None = GOOD_ROWS + 1, **more: object
) -> Kind:
    """Return a kind that ends in a report with green checks."""
    return Kind(name, make, DONE, rows=rows, **more)  # type: ignore[arg-type]


def failing(name: str, make: Callable[[random.Random], bytes], *, rows: int | None = None, **more: object) -> Kind:
    """Return a kind that ends in a report with a red check: most of its rows are rejected."""
    return Kind(name, make, FAILING, rows=rows, **more)  # type: ignore[arg-type]


def refused(name: str, says: str, make: Callable[[random.Random], bytes], **more: object) -> Kind:
    """Return a kind that ends in one sentence with these words."""
    return Kind(name, make, REFUSED, says=says, **more)  # type: ignore[arg-type]


def good_rows(rng: random.Random) -> list[tuple[str, ...]]:
    """Return harmless leads, which differ from seed to seed; the first is the canary's."""
    rows = []
    for number in range(GOOD_ROWS):
        director = CANARY if not number else f"THANDI NKOSI {'ABCDEFGHIJKLMNOPQRSTU'[number]}"
        mark = rng.randrange(10_000)
        rows.append(
            (f"MARULA {mark} TRADING", director, f"08500{mark:05}", f"a{mark}@example.org", "5 ALOE ROAD, DURBAN, 4001",
             "DURBAN", "KWAZULU-NATAL", f"note {mark}")
        )  # fmt: skip
    return rows
