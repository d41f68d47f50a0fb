"""The frozen baseline: figures that no later model may fall below without a reason that a person has written down.

`data/baseline.json` holds the figures and the accepted reasons; pure comparison, no measuring.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

MORE_IS_BETTER: tuple[str, ...] = (
    "macro_f1_three",
    "macro_f1_three_surname_unknown",
    "macro_f1_coloured_apart",
    "answered",
    "answered_or_set_of_two",
    "sure",
    "set_coverage",
    "answer_or_set_coverage",
)
LESS_IS_BETTER: tuple[str, ...] = (
    "answered_error",
    "sure_error",
    "calibration_error",
    "african_with_english_given_called_european",
)
ROUNDING = 0.001
"""What a figure may differ by the processor: a weight's last bit decides one name in thousands otherwise."""


@dataclass(frozen=True)
class Baseline:
    """Frozen figures by metric, and why a fall was accepted, by metric."""

    model_version: str
    cases: int
    figures: Mapping[str, float]
    accepted: Mapping[str, str]

    def to_json(self) -> str:
        """Return the text of `data/baseline.json`."""
        return (
            json.dumps(vars(self) | {"figures": dict(self.figures), "accepted": dict(self.accepted)}, indent=1) + "\n"
        )


def read_baseline(text: str) -> Baseline:
    """Read the text of `data/baseline.json`."""
    return Baseline(**json.loads(text))


def load_baseline() -> Baseline:
    """Return the package's baseline."""
    return read_baseline(files("leadscout_assets.names").joinpath("data", "baseline.json").read_text("utf-8"))


def frozen(report: Mapping[str, Any], accepted: Mapping[str, str] | None = None) -> Baseline:
    """Return the baseline that a report of the evaluation makes."""
    figures = {metric: float(report[metric]["value"]) for metric in (*MORE_IS_BETTER, *LESS_IS_BETTER)}
    return Baseline(report["model_version"], report["cases"], figures, dict(accepted or {}))


def fallen(report: Mapping[str, Any], baseline: Baseline) -> list[str]:
    """Return a sentence for each metric that is worse than its baseline without an accepted reason."""
    now = frozen(report).figures
    sentences = []
    for metric, before in baseline.figures.items():
        worse = before - now[metric] if metric in MORE_IS_BETTER else now[metric] - before
        if worse > ROUNDING and not baseline.accepted.get(metric, "").strip():
            sentences.append(f"{metric} is {now[metric]:.4f}, {before:.4f} in the baseline")
    return sentences
