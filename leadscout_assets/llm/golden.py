"""The golden set: made-up names, ambiguous ones and no names among them, that a model is asked about before it is trusted.

Reads the set. What a model makes of it, `evaluating` measures; what follows from that, `golden_gate` says.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files


@dataclass(frozen=True)
class Golden:
    """Names, each with the answers that are right, `cannot_tell` included; `digest` is a content hash, 12 hex digits."""

    cases: Mapping[str, frozenset[str]]
    digest: str


@lru_cache(maxsize=1)
def golden_set() -> Golden:
    """Return the package's golden set."""
    text = files("leadscout_assets.llm").joinpath("data", "golden.csv").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    cases = {row["name"]: frozenset(row["right"].split("|")) for row in csv.DictReader(lines)}
    return Golden(cases, hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12])
