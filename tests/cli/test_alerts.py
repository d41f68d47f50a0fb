"""`leadscout alerts` and `leadscout audit`, as they are typed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from leadscout_assets.alerts.engine import State
from leadscout_assets.alerts.file_store import FileStore
from leadscout_assets.alerts.store import DatabaseStore
from leadscout_assets.cli.application import run_application
from leadscout_assets.database.audit import events, record_event
from leadscout_assets.governance.anchors import anchor
from leadscout_assets.home import Home
from tests.alerts.conftest import answer, message, web_server

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FIRING = State("disk_low", "machine", "critical", "5% of the disk are free", fired_at=NOW, told_at=NOW)


@pytest.fixture
def database(home):
    found = Home(home).database
    yield found
    found.close()


def typed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run_application(arguments)
    shown = capsys.readouterr()
    return code, shown.out, shown.err


class TestList:
    def test_nothing_wrong_is_said_and_is_no_failure(self, database, capsys):
        assert typed(capsys, "alerts", "list")[:2] == (0, "nothing is wrong\n")

    def test_what_fires_what_is_silenced_and_what_was_sent_is_shown(self, database, home, capsys):
        store = DatabaseStore(database)
        store.save(store.memory(), now=NOW, states=[FIRING], messages=[message()], channels=["slack"])
        away = State("database_failing", "dagster_database", "critical", "away", pending_since=NOW)
        FileStore(home.alerts_dir).save(now=NOW, states=[away])
        typed(capsys, "alerts", "silence", "run_stuck", "--hours", "2", "--reason", "a move")
        code, out, _ = typed(capsys, "alerts", "list")
        assert code == 1
        for words in (
            "5% of the disk are free",
            "firing",
            "pending",
            "a move",
            "LeadScout warning: disk_low (machine)",
        ):
            assert words in out
        code, out, _ = typed(capsys, "alerts", "list", "--json")
        found = json.loads(out)
        assert (code, len(found["alerts"]), len(found["silences"]), len(found["notifications"])) == (1, 2, 1, 1)

    def test_what_lies_outside_the_database_is_shown_while_it_is_away(self, home, monkeypatch, capsys):
        from leadscout_assets.settings import read_settings, use_settings

        FileStore(home.alerts_dir).save(
            now=NOW, states=[State("database_failing", "a", "critical", "away", fired_at=NOW)]
        )
        (home.home / "database").write_text("no folder")
        use_settings(read_settings())
        code, out, _ = typed(capsys, "alerts", "list")
        assert code == 1
        assert "away" in out
        assert "not everything could be read" in out

    def test_every_rule_is_listed_with_its_figures(self, home, capsys):
        _, out, _ = typed(capsys, "alerts", "list", "--rules", "--json")
        assert {"error_rate", "disk_low", "alert_lag"} <= {rule["rule"] for rule in json.loads(out)}
        assert "disk_low" in typed(capsys, "alerts", "list", "--rules")[1]


class TestSilence:
    def test_a_silence_begins_and_ends(self, database, capsys):
        assert typed(capsys, "alerts", "silence", "disk_low", "--hours", "2", "--reason", "x")[0] == 0
        assert typed(capsys, "alerts", "unsilence", "disk_low")[:2] == (0, "disk_low is told about again\n")
        assert typed(capsys, "alerts", "unsilence", "disk_low")[0] == 2
        assert typed(capsys, "alerts", "unsilence", "nosuch")[0] == 2
        # What was not silenced was not ended either.
        assert len(events(database, action="alerts.silence_ended")) == 1

    @pytest.mark.parametrize(
        "given",
        [
            ("disk_low", "--reason", "x"),
            ("disk_low", "--reason", "x", "--hours", "1", "--until", "2030-01-01"),
            ("disk_low", "--reason", "x", "--until", "2020-01-01"),
            ("disk_low", "--reason", "x", "--hours", "1e300"),
            ("disk_low", "--hours", "1"),
            ("nonsense", "--reason", "x", "--hours", "1"),
        ],
    )
    def test_a_silence_without_rule_reason_or_end_is_misuse(self, database, given, capsys):
        assert typed(capsys, "alerts", "silence", *given)[0] == 2


class TestTest:
    def test_a_channel_is_tried_at_once(self, home, monkeypatch, capsys):
        with web_server(answer(200, b"ok")) as (url, received):
            monkeypatch.setenv("LEADSCOUT_ALERT_SLACK_URL", url)
            assert typed(capsys, "alerts", "test", "slack")[:2] == (0, "sent through slack\n")
        assert b"this is a test" in received[0][1]

    def test_a_channel_that_refuses_is_a_failure_that_names_no_address(self, home, monkeypatch, capsys):
        with web_server(answer(403)) as (url, _):
            monkeypatch.setenv("LEADSCOUT_ALERT_SLACK_URL", url)
            code, _, err = typed(capsys, "alerts", "test", "slack")
        assert code == 3
        assert "HTTP 403" in err
        assert "127.0.0.1" not in err

    @pytest.mark.parametrize("channel", ["slack", "pigeon"])
    def test_a_channel_that_is_not_there_is_misuse(self, home, channel, capsys):
        assert typed(capsys, "alerts", "test", channel)[0] == 2


def test_one_evaluation_is_run_and_told(home, capsys):
    code, out, _ = typed(capsys, "alerts", "run", "--json")
    found = json.loads(out)
    assert (code, found["evaluations"], found["events"], found["faults"]) == (0, 1, 0, [])


@pytest.mark.parametrize("command", [("alerts", "run"), ("alerts", "list", "--rules"), ("up",)], ids=" ".join)
def test_figures_that_would_turn_a_rule_off_are_refused_before_anything_is_done(home, monkeypatch, capsys, command):
    from leadscout_assets.settings import read_settings, use_settings

    monkeypatch.setenv("LEADSCOUT_ALERT_LEVELS", "memory_high=80:85")
    monkeypatch.setattr("leadscout_assets.supervisor.up", lambda *_, **__: 0)
    use_settings(read_settings())
    code, _, err = typed(capsys, *command)
    assert code == 2
    assert "LEADSCOUT_ALERT_LEVELS: memory_high is a share" in err


class TestAudit:
    def test_the_trail_is_listed(self, database, capsys):
        assert typed(capsys, "audit")[:2] == (0, "the audit trail has no such events\n")
        record_event(database, actor="op", action="names.classified", reason="why", detail={"rows": 3}, at=NOW)
        _, out, _ = typed(capsys, "audit")
        assert "names.classified" in out
        assert "rows 3" in out
        assert json.loads(typed(capsys, "audit", "--since", "2026-03-02", "--json")[1])[0]["detail"] == {"rows": 3}
        assert json.loads(typed(capsys, "audit", "--since", "2026-03-03", "--json")[1]) == []

    def test_a_trail_that_holds_is_said_to_and_one_that_was_changed_is_named_by_its_row(self, database, capsys):
        for _ in range(3):
            record_event(database, actor="op", action="a", at=NOW)
        code, out, _ = typed(capsys, "audit", "verify")
        assert (code, out.startswith("3 events hold; head 3 ")) == (0, True)
        with database.begin() as connection:
            connection.execute(sa.text("DROP TRIGGER audit_events_no_update"))
            connection.execute(sa.text("UPDATE audit_events SET actor = 'somebody else' WHERE id = 2"))
        code, out, _ = typed(capsys, "audit", "verify")
        assert code == 1
        assert out.startswith("event 2: ")
        found = json.loads(typed(capsys, "audit", "verify", "--json")[1])
        assert (found["ok"], found["broken"]["id"]) == (False, 2)

    def test_the_anchored_part_of_the_trail_is_told(self, database, home, capsys):
        record_event(database, actor="op", action="a", at=NOW)
        anchor(home, database, why="daily", at=NOW)
        record_event(database, actor="op", action="a", at=NOW)
        code, out, _ = typed(capsys, "audit", "verify")
        assert (code, out.splitlines()[1:]) == (0, ["anchored up to event 2 of 3"])
        assert json.loads(typed(capsys, "audit", "verify", "--json")[1])["anchored_to"] == 2

    def test_an_event_that_cannot_be_read_is_listed_as_that_and_named(self, database, capsys):
        for _ in range(3):
            record_event(database, actor="op", action="a", at=NOW)
        with database.begin() as connection:
            connection.execute(sa.text("DROP TRIGGER audit_events_no_update"))
            connection.execute(sa.text("UPDATE audit_events SET detail = 'notjson' WHERE id = 2"))
        code, out, _ = typed(capsys, "audit", "verify")
        assert (code, out.startswith("event 2: its content cannot be read: it was changed")) == (1, True)
        code, out, err = typed(capsys, "audit")
        assert (code, len(out.splitlines())) == (0, 4)
        assert "unreadable: it was changed" in out
        assert "event 2 cannot be read" in err
        listed = json.loads(typed(capsys, "audit", "--json")[1])
        assert [(one["id"], one.get("unreadable"), one["actor"]) for one in listed] == [
            (1, None, "op"), (2, True, None), (3, None, "op"),
        ]  # fmt: skip
