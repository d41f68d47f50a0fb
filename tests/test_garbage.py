"""No garbage is looked for at first, and then as usual, but not among what the start has left."""

from __future__ import annotations

import gc

from leadscout_assets import garbage
from tests.waiting import until


def test_it_is_looked_for_after_a_while(monkeypatch):
    monkeypatch.setattr(garbage, "AFTER_SECONDS", 0.2)
    garbage.look_later()
    assert not gc.isenabled()
    until(gc.isenabled, "garbage is looked for")
    assert gc.get_freeze_count() > 0
    gc.unfreeze()
