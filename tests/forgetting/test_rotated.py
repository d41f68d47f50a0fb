"""A home whose key of the lead ids was rotated: what was recorded of a lead under its former id is still found, and its backups."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from leadscout_assets import contracts
from leadscout_assets.cli.application import run_application
from leadscout_assets.database.audit import events
from leadscout_assets.database.reviews import Reviews
from leadscout_assets.errors import BadInput, EdgeFailed
from leadscout_assets.forgetting import rekeying
from leadscout_assets.forgetting.forget import check_replayed, forget
from leadscout_assets.forgetting.held import held
from leadscout_assets.forgetting.rekeying import rotate
from leadscout_assets.forgetting.request import request_of
from leadscout_assets.forgetting.trail import about_lead
from leadscout_assets.governance.anchors import verify_trail
from leadscout_assets.home import Home
from leadscout_assets.recovery.backup import take_backup
from leadscout_assets.settings import read_settings
from tests.forgetting.conftest import NOW, run, say_something
from tests.forgetting.test_lists import LIST

CELLS = {"THANDI": "0850000042", "ANIL": "0850000043"}


@pytest.fixture
def platform(home, tmp_path, monkeypatch):
    monkeypatch.setattr("leadscout_assets.settings._in_use", home)
    found = Home(home)
    source = tmp_path / "leads.csv"
    source.write_text(LIST)
    run(found, found.deliver(source, now=NOW).delivery.batch_id, report=False)
    yield found
    found.database.close()


def batch_of(home: Home) -> str:
    return home.records.all()[0].batch_id


def ids(home: Home) -> dict[str, str]:
    """Return the lead ids by the number that the lead has."""
    leads = home.tables.read(contracts.LEADS, [batch_of(home)]).to_pylist()
    by_cell = {lead["director_cell"]: lead["lead_id"] for lead in leads}
    return {cell: by_cell["+27" + cell[1:]] for cell in CELLS.values()}


def look_at(home: Home, cell: str) -> int:
    """Look at a lead's row as an analyst does, and return the event's number."""
    row = next(number for number, line in enumerate(LIST.splitlines(), start=1) if cell[-4:] in line.replace(" ", ""))
    assert run_application(["show", batch_of(home), "--row", str(row)]) == 0
    return events(home.database, action="row.viewed", limit=1)[0].id


def viewed(home: Home, lead: str) -> list[int]:
    return [one.id for one in about_lead(home, events(home.database), lead) if one.action == "row.viewed"]


def test_the_trail_is_found_by_a_leads_new_id_and_by_its_former_ones_and_still_holds(platform):
    mine, other = CELLS.values()
    first = look_at(platform, mine)
    look_at(platform, other)
    known = [ids(platform)[mine]]
    seen = [first]
    for _ in range(2):
        rotate(platform, "lead-id", now=NOW)
        platform = Home(platform.settings)
        known.append(ids(platform)[mine])
        seen.append(look_at(platform, mine))
    assert len(set(known)) == 3
    for lead in known:
        assert viewed(platform, lead) == seen
    told = held(platform, request_of(leads=[known[-1]]), NOW)
    assert [event["id"] for event in told["audit"] if event["action"] == "row.viewed"] == seen
    assert verify_trail(platform.settings, platform.database).ok
    with pytest.raises(BadInput, match="no lead id"):
        about_lead(platform, [], CELLS["THANDI"])


def test_a_person_is_shown_and_forgotten_by_a_former_id_and_the_trail_tells_of_it_afterwards(platform):
    mine, _ = CELLS.values()
    former = ids(platform)[mine]
    first = look_at(platform, mine)
    rotate(platform, "lead-id", now=NOW)
    platform = Home(platform.settings)
    new = ids(platform)[mine]
    (lead,) = held(platform, request_of(leads=[former]), NOW)["leads"]
    assert lead["lead"]["lead_id"] == new
    assert forget(platform, request_of(leads=[former]), now=NOW).proof.gone
    for lead_id in (former, new):
        told = about_lead(platform, events(platform.database), lead_id)
        assert {"row.viewed", "person.forgotten"} <= {event.action for event in told}
        assert viewed(platform, lead_id) == [first]


def test_that_a_row_of_theirs_was_seen_which_became_no_lead_is_found_too_and_no_other_row(platform, tmp_path):
    source = tmp_path / "again.csv"
    rows = LIST.splitlines()
    source.write_text("\n".join([rows[0], rows[2], rows[2], ",,not a lead,", ""]))
    batch = platform.deliver(source, now=NOW).delivery.batch_id
    run(platform, batch, report=False)
    for row in ("3", "4"):
        assert run_application(["show", batch, "--row", row]) == 0
    seen = [event.id for event in events(platform.database, action="row.viewed")]
    leads = platform.tables.read(contracts.LEADS, [batch])
    (lead,) = leads["lead_id"].to_pylist()
    assert viewed(platform, lead) == seen[:1]
    told = held(platform, request_of(leads=[lead]), NOW)["audit"]
    assert [event["id"] for event in told if event["action"] == "row.viewed"] == seen[:1]
    assert forget(platform, request_of(leads=[lead]), now=NOW).proof.gone
    assert viewed(platform, lead) == seen[:1]


def test_what_is_recorded_of_a_persons_number_is_found_by_their_lead_id_under_every_key_of_the_trail(platform):
    mine, other = CELLS.values()
    for key in ("audit", "lead-id"):
        record = ["consent", "record", "objection", "--channel", "call", "--cell"]
        assert run_application([*record, mine]) == 0
        rotate(platform, key, now=NOW)
        platform = Home(platform.settings)
    told = about_lead(platform, events(platform.database), ids(platform)[mine])
    assert len([event for event in told if event.action == "person.decided"]) == 2
    told = about_lead(platform, events(platform.database), ids(platform)[other])
    assert [event for event in told if event.action == "person.decided"] == []


def test_a_backup_of_before_two_rotations_is_restored_with_todays_ids_and_what_people_said_stands_under_them(
    platform, tmp_path, capsys
):
    mine, _ = CELLS.values()
    say_something(platform, batch_of(platform), mine)
    old = take_backup(platform.settings).backup_id
    for _ in range(2):
        rotate(platform, "lead-id", now=NOW)
    take_backup(platform.settings)
    now = ids(Home(platform.settings))
    platform.database.close()
    to = tmp_path / "restored"
    assert run_application(["restore", str(platform.settings.backups_dir), "--to", str(to), "--backup", old]) == 0
    assert "leads of 1 batches have their ids under the newest key now" in capsys.readouterr().err
    restored = Home(read_settings(home=to))
    assert ids(restored) == now
    assert [review.lead_id for review in Reviews(restored.database).all()] == [now[mine]]
    restored.database.close()


def test_after_an_interrupted_rotation_nothing_is_served_before_it_is_finished(platform, monkeypatch):
    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(rekeying, "_rename_leads", kill)
        rotate(platform, "lead-id", now=NOW)
    with pytest.raises(EdgeFailed, match="leadscout keys rotate lead-id"):
        check_replayed(Home(platform.settings))
    rotate(Home(platform.settings), "lead-id", now=datetime.now(UTC))
    check_replayed(Home(platform.settings))
