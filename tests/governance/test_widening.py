"""Settings that widen the use of names are in the trail from the moment that they are used."""

from __future__ import annotations

from leadscout_assets.database.audit import events
from leadscout_assets.governance.widening import note_widening
from leadscout_assets.home import Home
from tests.purposes import IN_TESTS


def test_a_change_is_recorded_once_in_either_direction(home):
    database = Home(home).database
    widened = home.model_copy(update={"reveal_religion": True})
    noted = [note_widening(database, each) for each in (home, widened, widened, home, home)]
    assert noted == [False, True, False, True, False]
    assert note_widening(database, home.model_copy(update={"origin_weight": 2}))
    assert events(database, action="settings.widened", limit=1)[0].detail["origin_weight"] == 2
    assert note_widening(database, home)
    assert [event.detail["reveal_religion"] for event in events(database, action="settings.widened")] == [
        True,
        False,
        False,
        False,
    ]


def test_a_purpose_and_a_change_of_its_entry_are_recorded(home, tmp_path):
    database, path = Home(home).database, tmp_path / "purposes.toml"
    path.write_text(IN_TESTS["purposes"].read_text())
    settings = home.model_copy(update=IN_TESTS | {"purposes": path})
    assert note_widening(database, settings, actor="run x")
    path.write_text(path.read_text().replace("36500", "400"))
    assert note_widening(database, settings)
    first, second = events(database, action="settings.widened")
    assert (first.detail["purpose"], second.detail["purpose"], first.actor) == ("tests", "tests", "run x")
    assert first.detail["entry"] != second.detail["entry"]
