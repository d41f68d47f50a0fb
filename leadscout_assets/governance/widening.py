"""The settings that decide on the use of names: whenever they are others than the trail knows, the trail is told."""

from __future__ import annotations

from collections.abc import Mapping

from leadscout_assets.database.audit import events, record_event
from leadscout_assets.database.engine import Database
from leadscout_assets.governance.gate import asked_for
from leadscout_assets.governance.purposes import read_register
from leadscout_assets.settings import Settings

NARROWEST: Mapping[str, object] = {
    "reveal_religion": False,
    "purpose": None,
    "entry": None,
    "origin_weight": 0,
}
"""What holds before anything was set: nothing is inferred."""


def in_use(settings: Settings) -> dict[str, object]:
    """Return the settings that decide on the use of names, as the trail may hold them."""
    entry = read_register(settings.purposes).get(asked_for(settings) or "")
    return {
        "reveal_religion": settings.reveal_religion,
        "purpose": entry.id if entry else None,
        "entry": entry.digest if entry else None,
        "origin_weight": settings.origin_weight,
    }


def note_widening(database: Database, settings: Settings, *, actor: str | None = None) -> bool:
    """Record the settings that decide on the use of names where they have changed; say whether they have."""
    known = events(database, action="settings.widened", limit=1)
    # An event of before a setting was there says nothing of it.
    before = {**NARROWEST, **(known[0].detail if known else {})}
    now = in_use(settings)
    if now == before:
        return False
    record_event(database, actor=actor, action="settings.widened", detail=now)
    return True
