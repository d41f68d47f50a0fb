"""`leadscout deliver`: the batch that a file is, or already was, and what is known of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from leadscout_assets.arrivals import MAX_ATTEMPTS
from leadscout_assets.cli.deliver import UNCOUNTED
from leadscout_assets.home import Home
from leadscout_assets.supervisor.lock import hold_home
from tests import scenario
from tests.defs.ground import BROKEN


def test_a_new_file_is_answered_with_its_batch(leadscout, leads):
    found = leadscout("deliver", leads)
    assert found.code == 0
    today = datetime.now(UTC).year
    assert found.out.startswith(f"batch {today}-")
    assert "leadscout up" in found.out


def test_known_content_is_answered_with_the_batch_it_already_is(leadscout, leads):
    first = leadscout("deliver", leads, "--json").json
    again = leadscout("deliver", leads.rename(leads.with_name("Other name.csv")))
    assert again.code == 0
    assert again.out.splitlines()[0] == f"already batch {first['batch_id']}"
    assert f"leadscout backfill {first['batch_id']}" in again.out


def test_json_says_whether_it_was_known(leadscout, leads):
    first, again = leadscout("deliver", leads, "--json").json, leadscout("deliver", leads, "--json").json
    assert first == {
        "batch_id": first["batch_id"], "known": False, "rows": scenario.delivered_rows(), "state": "waiting",
        "note": None, "platform": False, "again": False,
    }  # fmt: skip
    assert again == first | {"known": True}


@pytest.mark.parametrize("missing", ["Mokoena.csv", "."])
def test_what_is_no_file_exits_2(leadscout, tmp_path, missing):
    found = leadscout("deliver", tmp_path / missing)
    assert found.code == 2
    assert "Mokoena" not in found.err


def test_the_output_never_shows_a_file_name(leadscout, leads):
    found = leadscout("deliver", leads.rename(leads.with_name("Zwelibanzi.csv")))
    assert "zwelibanzi" not in (found.out + found.err).lower()
    assert "_list_" in found.out


def test_what_cannot_be_counted_is_a_delivery_all_the_same_and_said_to_be_refused(leadscout, tmp_path):
    (tmp_path / "leads.csv").touch()
    (tmp_path / "other.xlsx").write_bytes(BROKEN)
    found = leadscout("deliver", tmp_path / "leads.csv", "--json")
    assert found.code == 0
    assert (found.json["rows"], found.json["note"]) == (None, UNCOUNTED)
    assert UNCOUNTED in leadscout("deliver", tmp_path / "other.xlsx").out


def test_known_content_is_answered_with_the_state_of_its_batch(leadscout, leads, home):
    batch = leadscout("deliver", leads, "--json").json["batch_id"]
    assert f"or now: leadscout backfill {batch}" in leadscout("deliver", leads).out
    for attempt in range(MAX_ATTEMPTS):
        Home(home).records.note_request([batch], f"key-{attempt}")
    assert "it is failed; to run it again: leadscout backfill" in leadscout("deliver", leads).out
    assert leadscout("deliver", leads, "--json").json["state"] == "failed"


def test_why_known_content_was_refused_is_told_again(leadscout, home, tmp_path):
    (tmp_path / "leads.csv").touch()
    batch = leadscout("deliver", tmp_path / "leads.csv", "--json").json["batch_id"]
    Home(home).records.settle("raw_leads", [batch], {batch: ("empty", "the file is empty: send another")})
    found = leadscout("deliver", tmp_path / "leads.csv")
    assert found.out.splitlines()[:2] == [f"already batch {batch}", "the file is empty: send another"]
    assert "it is refused" in found.out
    told = leadscout("deliver", tmp_path / "leads.csv", "--json").json
    assert (told["state"], told["note"]) == ("refused", "the file is empty: send another")


def test_with_the_platform_up_nobody_is_sent_to_start_it(leadscout, leads, home):
    with hold_home(home.home):
        found = leadscout("deliver", leads)
        assert leadscout("deliver", leads, "--json").json["platform"] is True
        assert leadscout("deliver", leads).out.splitlines()[1:] == ["it is waiting for its run"]
    assert found.out.splitlines()[1:] == []
