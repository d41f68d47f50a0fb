"""`leadscout explain`: an answer that can be understood, for people and for programs."""

import json

from leadscout_assets.database.audit import events
from leadscout_assets.home import Home


def test_people_see_the_answer_and_what_every_token_added(leadscout):
    found = leadscout("explain", "Sipho Dlamni")
    assert found.code == 0
    assert "african" in found.out
    for word in ("answered", "phonetic", "names like it", "its letters", "every name", "dlamni", "sipho"):
        assert word in found.out


def test_programs_get_json(leadscout):
    row = json.loads(leadscout("explain", "Nkosi Brian", "--json").out)
    assert row["origin"] == "african"
    assert row["turned"] is True
    assert {one["token"] for one in row["tokens"]} == {"nkosi", "brian"}


def test_what_is_no_name_is_an_abstention_and_no_error(leadscout):
    found = leadscout("explain", "N/A")
    assert found.code == 0
    assert "abstained" in found.out
    assert "unusable" in found.out


def test_a_name_turned_round_is_said_to_be(leadscout):
    assert "turned round" in leadscout("explain", "Nkosi Brian").out


def test_religion_stays_folded_unless_switched_on(leadscout, monkeypatch):
    assert "cape" not in leadscout("explain", "Moegamat Salie").out
    monkeypatch.setenv("LEADSCOUT_REVEAL_RELIGION", "true")
    assert "cape_malay" in leadscout("explain", "Moegamat Salie").out


def test_nothing_is_stored(leadscout, home):
    leadscout("explain", "Sipho Dlamini")
    assert events(Home(home).database) == []
