"""What people decide about performance: kept, and in the audit trail."""

from __future__ import annotations

from datetime import UTC, datetime

from leadscout_assets.database.audit import events
from leadscout_assets.database.performance import Decision, accept, accepted, mark_incident, marked_incidents

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def test_a_new_normal_comes_back_with_who_and_why(database):
    accept(database, "leads", actor="engineer", reason="more rules", at=NOON)
    accept(database, "leads", actor="engineer", reason="a new disk")
    first, second = accepted(database)
    assert first == Decision("leads", NOON, "engineer", "more rules")
    assert second.at > NOON
    assert [(e.action, e.actor, e.reason, e.detail) for e in events(database)] == [
        ("performance.accepted", "engineer", "more rules", {"asset": "leads"}),
        ("performance.accepted", "engineer", "a new disk", {"asset": "leads"}),
    ]


def test_a_run_is_marked_as_an_incident_once(database):
    run = "b0eb6bfc-be77-48ba-bcb1-f609e270d44b"
    assert mark_incident(database, run, actor="engineer", reason="the disk was full")
    assert not mark_incident(database, run, actor="another", reason="again")
    (decision,) = marked_incidents(database)
    assert (decision.subject, decision.actor, decision.reason) == (run, "engineer", "the disk was full")
    assert [(e.action, e.detail) for e in events(database)] == [("performance.incident", {"run_id": run})]
