"""The end of the audit trail outside the database: what is cut off, and who tampers with the anchors, is found."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from leadscout_assets.database.audit import events, record_event
from leadscout_assets.governance.anchors import FILE, RESTORED, anchor, read_anchors, verify_trail
from leadscout_assets.home import Home


@pytest.fixture
def trail(home):
    """A home's database and settings, with three events, an anchor, two more events and another anchor."""
    database = Home(home).database
    for _ in range(3):
        record_event(database, action="row.viewed")
    anchor(home, database, why="daily")
    for _ in range(2):
        record_event(database, action="row.viewed")
    anchor(home, database, why="up")
    yield home, database
    database.close()


def cut(database, after: int) -> None:
    with database.begin() as connection:
        connection.execute(sa.text("DROP TRIGGER IF EXISTS audit_events_no_delete"))
        connection.execute(sa.text(f"DELETE FROM audit_events WHERE id > {after}"))


def test_a_trail_that_is_whole_holds_against_its_anchors(trail):
    home, database = trail
    assert [head.id for head in read_anchors(home).heads] == [4, 7]
    found = verify_trail(home, database)
    assert (found.ok, found.events) == (True, 7)


@pytest.mark.parametrize(("after", "missing"), [(6, 7), (5, 7), (4, 7), (3, 4), (0, 4)])
def test_a_tail_that_was_cut_off_is_missed(trail, after, missing):
    home, database = trail
    cut(database, after)
    found = verify_trail(home, database)
    assert found.broken is not None
    assert (found.broken.id, "cut off" in found.broken.sentence) == (missing, True)


def test_a_tail_that_was_written_anew_is_found(trail):
    home, database = trail
    cut(database, 5)
    for _ in range(4):
        record_event(database, action="row.viewed")
    found = verify_trail(home, database)
    assert found.broken is not None
    assert (found.broken.id, "written anew" in found.broken.sentence) == (7, True)


def test_an_event_after_the_last_anchor_is_no_fault(trail):
    home, database = trail
    record_event(database, action="row.viewed")
    assert verify_trail(home, database).ok


def test_a_file_of_anchors_that_was_taken_away_is_missed(trail):
    home, database = trail
    (home.anchors_dir / FILE).unlink()
    found = verify_trail(home, database)
    assert found.broken is not None
    assert "gone" in found.broken.sentence


@pytest.mark.parametrize("line", [0, 1])
def test_a_line_of_the_anchors_that_was_changed_is_found(trail, line):
    home, database = trail
    path = home.anchors_dir / FILE
    lines = path.read_text().splitlines(keepends=True)
    lines[line] = lines[line].replace('"why":"', '"why":"x')
    lines.append(lines[line])
    path.write_text("".join(lines))
    assert not verify_trail(home, database).ok


def test_a_home_without_events_needs_no_anchor(home):
    assert verify_trail(home, Home(home).database).ok


def test_after_a_restore_heads_from_after_the_backup_are_no_heads_any_more(trail):
    home, database = trail
    cut(database, 5)  # as an older backup has it
    record_event(database, action="home.restored")
    anchor(home, database, why=RESTORED)
    assert [head.id for head in read_anchors(home).heads] == [4, 7]
    assert verify_trail(home, database).ok
    cut(database, 6)
    assert not verify_trail(home, database).ok


def test_an_anchor_is_said_in_the_trail_itself(trail):
    _, database = trail
    assert [event.detail["why"] for event in events(database, action="trail.anchored")] == ["daily", "up"]
