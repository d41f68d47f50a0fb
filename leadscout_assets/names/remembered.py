"""Answers that people gave, which win over any estimate: about one lead, or about everybody with one name.

Only looked up here; storing and reviewing them is elsewhere's work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from leadscout_assets.names.deciding import FOLD_INTO
from leadscout_assets.names.display import comparison_key
from leadscout_assets.terms import Method, Origin

CERTAINTY: Mapping[Method, float] = {Method.VERIFIED: 1.0, Method.MEMORY: 0.98}
"""Confidence of what people said: of this person, and of another person with the same name. Set by judgement."""


@dataclass(frozen=True)
class Remembered:
    """Confirmed origins: `verified` by lead id, `memory` by the name's comparison key (`name_key`)."""

    verified: Mapping[str, str] = field(default_factory=dict)
    memory: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.verified or self.memory)

    def answer(self, lead_id: str | None, key: str, *, reveal_religion: bool) -> tuple[Method, Origin] | None:
        """Return what people said of a lead, else of its name; None where they said nothing."""
        for method, known, asked in ((Method.VERIFIED, self.verified, lead_id), (Method.MEMORY, self.memory, key)):
            if asked and asked in known:
                origin = Origin(known[asked])
                return method, origin if reveal_religion else FOLD_INTO.get(origin, origin)
        return None


def name_key(given_names: str | None, surname: str | None) -> str:
    """Return the comparison key of a name that was taken apart, as `split_names` gives it."""
    return comparison_key((given_names or "").split(), (surname or "").split())
