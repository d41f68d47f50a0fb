"""How often answers are right, by model and the model's own word: measured on labelled cases, else a cautious judgement.

A prompt that was never measured is not used: `data/calibration.json` names those that were admitted. Which models are, `golden_gate` says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from leadscout_assets.errors import LeadScoutError
from leadscout_assets.llm.schema import BANDS, Form

FEWEST = 20
"""Labelled answers of a band below which its figure is drawn half-way or more to the cautious one."""


@dataclass(frozen=True)
class Calibration:
    """Share of right answers (0..1) by band, for models measured and for others, and the prompts that are admitted.

    `shipped`: models that may be asked without a measurement, KIND/MODEL: the stand-in's, whose answers mean nothing anyway.
    """

    prompts: tuple[str, ...]
    unmeasured: Mapping[str, float]
    measured: Mapping[str, Mapping[str, float]]
    shipped: tuple[str, ...] = ()

    def right(self, provider: str, model: str, band: str) -> float:
        """Return how often such an answer is right."""
        return self.measured.get(f"{provider}/{model}", self.unmeasured)[band]

    def admit(self, form: Form) -> None:
        """Raise `LeadScoutError` where the prompt is none that was admitted."""
        if form.prompt_hash not in self.prompts:
            raise LeadScoutError(
                "the prompt has changed since it was measured: run `leadscout llm evaluate`, and admit it in calibration.json"
            )


def load_calibration() -> Calibration:
    """Return the package's calibration."""
    found = json.loads(files("leadscout_assets.llm").joinpath("data", "calibration.json").read_text("utf-8"))
    return Calibration(tuple(found["prompts"]), found["unmeasured"], found["measured"], tuple(found["shipped"]))


def measured(counts: Mapping[str, tuple[int, int]], cautious: Mapping[str, float]) -> dict[str, float]:
    """Return the share of right answers by band from counts of (right, all); few answers are drawn to the cautious figure."""
    found = {}
    for band in BANDS:
        right, whole = counts.get(band, (0, 0))
        found[band] = round((right + FEWEST * cautious[band]) / (whole + FEWEST), 3)
    return found
