"""The audit trail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from leadscout_assets.database.audit import AuditEvent, about, events, record_event
from leadscout_assets.errors import EdgeFailed

BATCH = "2026-03-02_list_0123abcd"
LEAD = "0123456789abcdef"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DETAIL = {
    "rows": 5,
    "share": 0.5,
    "asked": True,
    "leads": [LEAD],
    "reasons": {"duplicate": 2},
    "none": None,
    "on": "2026-03-02",
}


def test_an_event_comes_back_as_it_was_recorded(database):
    number = record_event(
        database,
        actor="analyst",
        action="names.classified",
        subject=BATCH,
        reason="Audit of 2026",
        detail=DETAIL,
        at=NOON,
    )
    assert events(database) == [
        AuditEvent(number, NOON, "analyst", "names.classified", BATCH, "Audit of 2026", DETAIL),
    ]


def test_events_are_chosen_by_time_action_subject_and_number(database):
    for hour, (action, subject) in enumerate([("a", BATCH), ("b", None), ("a", LEAD), ("a", BATCH)]):
        record_event(database, actor="x", action=action, subject=subject, at=NOON + timedelta(hours=hour))

    def hours(**chosen: Any) -> list[int]:
        return [(event.at - NOON).seconds // 3600 for event in events(database, **chosen)]

    assert hours() == [0, 1, 2, 3]
    assert hours(since=NOON + timedelta(hours=2)) == [2, 3]
    assert hours(action="b") == [1]
    assert hours(subject=BATCH) == [0, 3]
    assert hours(action="a", limit=2) == [2, 3]


def test_an_event_is_stamped_with_the_present(sqlite):
    before = datetime.now(UTC)
    record_event(sqlite, actor="x", action="a")
    assert before <= events(sqlite)[0].at <= datetime.now(UTC)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET actor = 'y'",
        "UPDATE audit_events SET reason = NULL WHERE id = 1",
        "DELETE FROM audit_events",
        "DELETE FROM audit_events WHERE id = 1",
    ],
)
def test_an_event_can_be_neither_changed_nor_deleted(database, statement):
    record_event(database, actor="x", action="a", at=NOON)
    with pytest.raises(EdgeFailed, match="nothing was changed"), database.begin() as connection:
        connection.execute(sa.text(statement))
    assert [event.actor for event in events(database)] == ["x"]


def test_an_event_cannot_be_replaced_or_truncated_away(database):
    record_event(database, actor="x", action="a", at=NOON)
    bypass = (
        "INSERT OR REPLACE INTO audit_events (id, at, actor, action, detail) VALUES (1, '2026-01-01', 'y', 'a', '{}')"
        if database.is_sqlite
        else "TRUNCATE audit_events"
    )
    with pytest.raises(EdgeFailed, match="nothing was changed"), database.begin() as connection:
        connection.execute(sa.text(bypass))
    assert [event.actor for event in events(database)] == ["x"]


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("action", {"action": "Zanele Quagga"}),
        ("actor", {"actor": " "}),
        ("subject", {"subject": "Zanele Quagga"}),
        ("detail.director", {"detail": {"director": "Zanele Quagga"}}),
        ("a key in detail", {"detail": {"Zanele Quagga": 1}}),
        ("an element of detail.rows", {"detail": {"rows": ["Zanele Quagga"]}}),
        ("detail.row.cell", {"detail": {"row": {"cell": "+27 82 123 4567"}}}),
        ("detail.frame", {"detail": {"frame": object()}}),
    ],
)
def test_what_could_be_personal_is_refused_without_being_quoted(sqlite, field, given):
    with pytest.raises(ValueError, match=f"^audit event: {field} ") as caught:
        record_event(sqlite, **{"actor": "x", "action": "a", **given})
    assert "Quagga" not in str(caught.value)
    assert events(sqlite) == []


@given(st.text().filter(lambda text: any(character.isupper() or character.isspace() for character in text)))
def test_no_text_with_capitals_or_spaces_gets_into_a_detail(text):
    database: Any = None  # never reached
    with pytest.raises(ValueError, match="audit event"):
        record_event(database, actor="x", action="a", detail={"note": text.replace("T", "Q").replace("Z", "Q")})


def test_events_about_somebody_name_them_or_their_batch_and_no_other_single_lead_or_row_of_it(database):
    other = LEAD[::-1]
    for subject, detail in (
        (BATCH, {"rows": 5}),
        (BATCH, {"source_row": 2, "lead_id": LEAD}),
        (BATCH, {"source_row": 3, "lead_id": other}),
        (BATCH, {"source_row": 4, "lead_id": None}),
        (BATCH, {"source_row": 5, "lead_id": None}),
        (other, {"batches": [BATCH]}),
        (LEAD, {"batches": [BATCH]}),
        (other, {"persons": ["00ff" * 8]}),
        (None, {"persons": ["00ff" * 8]}),
    ):
        record_event(database, action="row.viewed", subject=subject, detail=detail)
    found = events(database)
    assert [one.id for one in about(found, [LEAD])] == [2, 7]
    assert [one.id for one in about(found, [LEAD, BATCH])] == [1, 2, 7]
    assert [one.id for one in about(found, [LEAD, BATCH], {BATCH: {2, 4}})] == [1, 2, 4, 7]
    assert [one.id for one in about(found, ["00ff" * 8])] == [8, 9]
