"""The chain of the audit trail: what was changed, taken out or moved is found and named, and nobody's append is lost."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from leadscout_assets.database.audit import all_events, events, head, record_event, verify
from leadscout_assets.database.audit_chain import EMPTY, FIELDS, GENESIS, Head, Unreadable, follow, hash_of
from leadscout_assets.database.audit_rows import rows
from leadscout_assets.database.engine import Database, current_revision, downgrade, upgrade
from leadscout_assets.database.models import audit_events
from leadscout_assets.errors import EdgeFailed

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NUMBERS = {
    "whole": 100.0,
    "small": 1e-7,
    "large": 1e21,
    "share": 0.1,
    "count": 3,
    "nested": {"list": [1.5, True, None]},
}


def recorded(database: Database, count: int = 5) -> None:
    for number in range(count):
        record_event(database, actor="x", action="a", detail=NUMBERS, at=NOON + timedelta(seconds=number))


def tamper(database: Database, *statements: str) -> None:
    """Do what somebody with the rights of the database's owner can do: switch the guard off first."""
    with database.begin() as connection:
        if database.is_sqlite:
            for trigger in ("no_update", "no_delete", "no_replace"):
                connection.execute(sa.text(f"DROP TRIGGER audit_events_{trigger}"))
        else:
            connection.execute(sa.text("ALTER TABLE audit_events DISABLE TRIGGER ALL"))
        for statement in statements:
            connection.execute(sa.text(statement))


def test_an_untouched_trail_holds_and_knows_its_head(database):
    assert verify(database).head == head(database) == EMPTY
    recorded(database)
    found = verify(database)
    assert (found.ok, found.events, found.head) == (True, 5, head(database))
    assert found.head == Head(5, events(database)[-1].hash)


@pytest.mark.parametrize(
    ("change", "row", "says"),
    [
        (["UPDATE audit_events SET actor = 'y' WHERE id = 3"], 3, "changed"),
        (["UPDATE audit_events SET reason = 'y' WHERE id = 1"], 1, "changed"),
        (["UPDATE audit_events SET at = '2020-01-01 00:00:00' WHERE id = 5"], 5, "changed"),
        (["DELETE FROM audit_events WHERE id = 3"], 4, "does not follow event 2: 3 missing"),
        (["DELETE FROM audit_events WHERE id IN (2, 3)"], 4, "2 to 3 missing"),
        (["DELETE FROM audit_events WHERE id = 1"], 2, "the events before it are missing"),
        (
            [f"UPDATE audit_events SET id = {a} WHERE id = {b}" for a, b in ((9, 2), (2, 3), (3, 9))],
            2,
            "put here from elsewhere",
        ),
    ],
)
def test_a_changed_missing_or_moved_event_is_found_and_named(sqlite, change, row, says):
    recorded(sqlite)
    tamper(sqlite, *change)
    found = verify(sqlite)
    assert found.broken is not None
    assert found.broken.id == row
    assert says in found.broken.sentence


@pytest.mark.parametrize(
    "change",
    [
        "detail = 'notjson'",
        "detail = '[1]'",
        "detail = '{\"share\": 1e999}'",
        'detail = \'{"text": "\\ud800"}\'',
        f"detail = '{'[' * 100_000}'",
        "at = 'garbage'",
        "at = 5",
        "at = X'ff'",
        "actor = X'ff00'",
        "reason = CAST(X'ff00' AS TEXT)",
        "hash = X'ff00'",
        "prev_hash = CAST(X'ff00' AS TEXT)",
        "id = -3",
    ],
    ids=lambda change: change[:30],
)
def test_an_event_that_cannot_be_read_any_more_is_found_and_named(sqlite, change):
    recorded(sqlite)
    with sqlite.begin() as connection:
        for trigger in ("no_update", "no_delete", "no_replace"):
            connection.execute(sa.text(f"DROP TRIGGER audit_events_{trigger}"))
        connection.exec_driver_sql(f"UPDATE audit_events SET {change} WHERE id = 3")
    row = -3 if change == "id = -3" else 3
    found = verify(sqlite)
    assert found.broken is not None
    assert found.broken.id == row
    listed = all_events(sqlite)
    assert {one.id for one in listed} == {1, 2, row, 4, 5}
    assert {one.id for one in listed if isinstance(one, Unreadable)} <= {3}


def test_what_needs_an_event_that_cannot_be_read_names_it(sqlite):
    recorded(sqlite)
    tamper(sqlite, "UPDATE audit_events SET detail = 'notjson' WHERE id = 3")
    assert [one.id for one in all_events(sqlite) if isinstance(one, Unreadable)] == [3]
    with pytest.raises(EdgeFailed, match=r"^event 3 of the audit trail cannot be read"):
        events(sqlite)
    assert [one.id for one in events(sqlite, limit=2)] == [4, 5]


def test_a_database_that_does_not_answer_is_no_changed_event(sqlite):
    with sqlite.read() as connection, pytest.raises(sa.exc.OperationalError):
        rows(connection, sa.select(audit_events).where(sa.text("no_such_column = 1")))


def test_an_end_that_was_cut_off_shows_only_against_a_head_that_was_kept_elsewhere(database):
    recorded(database)
    kept = head(database)
    recorded(database, 2)
    assert verify(database, [kept]).ok
    tamper(database, "DELETE FROM audit_events WHERE id >= 5")
    assert verify(database).ok
    found = verify(database, [kept])
    assert found.broken is not None
    assert (found.broken.id, "missing at the end" in found.broken.sentence) == (5, True)


def test_a_trail_written_anew_from_some_point_on_shows_against_a_head_that_was_kept_elsewhere(sqlite):
    recorded(sqlite)
    kept = head(sqlite)
    tamper(sqlite, "DELETE FROM audit_events WHERE id >= 4")
    recorded(sqlite, 1)
    record_event(sqlite, actor="y", action="b", at=NOON)
    found = verify(sqlite, [kept])
    assert found.broken is not None
    assert "written anew" in found.broken.sentence


def test_the_events_of_an_older_schema_are_chained_by_the_upgrade_and_survive_the_way_back(empty):
    upgrade(empty)
    recorded(empty)
    before, told = events(empty), head(empty)
    downgrade(empty, "0001")
    assert current_revision(empty) == "0001"
    with empty.begin() as connection:
        old = (
            "INSERT INTO audit_events (id, at, actor, action, detail) VALUES (9, '2026-03-03 00:00:00', 'x', 'a', '{}')"
        )
        connection.execute(sa.text(old))
    refused = "DELETE FROM audit_events"
    with pytest.raises(Exception, match="nothing was changed"), empty.begin() as connection:
        connection.execute(sa.text(refused))
    upgrade(empty)
    found = verify(empty)
    assert (found.ok, found.events, found.head.id) == (True, 6, 9)
    assert events(empty)[:5] == before
    assert events(empty)[4].hash == told.hash
    record_event(empty, actor="x", action="a")
    assert verify(empty).ok
    with pytest.raises(Exception, match="nothing was changed"), empty.begin() as connection:
        connection.execute(sa.text(refused))


FOUR_AT_ONCE = """
import os, sys
from leadscout_assets.database.audit import record_event
from leadscout_assets.database.engine import Database

reading, writing = os.pipe()
children = []
for number in range(4):
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.read(reading, 1)
        database = Database(sys.argv[1])
        for _ in range(15):
            record_event(database, actor=f"process {number}", action="a")
        os._exit(0)
    children.append(child)
os.close(writing)
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""


def test_four_processes_that_append_at_once_make_one_chain(database):
    url = database.url.render_as_string(hide_password=False)
    done = subprocess.run([sys.executable, "-c", FOUR_AT_ONCE, url], capture_output=True, text=True)
    # On a busy machine to wait for each other is slow, and said.
    said = [line for line in done.stderr.splitlines() if "database.slow_query" not in line]
    assert (done.returncode, said) == (0, [])
    found = verify(database)
    assert (found.ok, found.events, found.head.id) == (True, 60, 60)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_json_cannot_hold_is_refused(sqlite, number):
    with pytest.raises(ValueError, match="finite"):
        record_event(sqlite, actor="x", action="a", detail={"share": number})
    assert events(sqlite) == []


def chained(actors: list[str]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for number, actor in enumerate(actors, start=1):
        previous = rows[-1]["hash"] if rows else GENESIS
        row: dict[str, object] = dict.fromkeys(FIELDS) | {"id": number, "at": NOON, "actor": actor, "detail": {}}
        row["prev_hash"] = previous
        rows.append({**row, "hash": hash_of(row)})
    return rows


@given(st.lists(st.text(max_size=3), min_size=2, max_size=8), st.data())
def test_any_single_change_breaks_the_chain(actors, data):
    rows = chained(actors)
    assert follow(rows).ok
    at = data.draw(st.integers(0, len(rows) - 1))
    kind = data.draw(st.sampled_from(["change", "swap", "drop"]))
    changed = list(rows)
    if kind == "change":
        changed[at] = {**rows[at], "actor": f"{rows[at]['actor']}!"}
    elif kind == "drop" and at < len(rows) - 1:
        del changed[at]
    else:
        other = (at + 1) % len(rows)
        changed[at], changed[other] = changed[other], changed[at]
    assert not follow(changed).ok
