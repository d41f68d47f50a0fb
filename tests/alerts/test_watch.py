"""Whole evaluations on a real home: read, measure, decide, store, send. Only Dagster is played, as plain events."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from pydantic import SecretStr

from leadscout_assets.alerts import machine, watch
from leadscout_assets.alerts.facts import WARNING, Instance, Machine, Probe, Signal
from leadscout_assets.alerts.file_store import FileStore
from leadscout_assets.alerts.silences import end_silences, silence, silences_at
from leadscout_assets.alerts.store import DatabaseStore, Memory
from leadscout_assets.alerts.watch import Sources, Stream, Watch
from leadscout_assets.database.audit import events
from leadscout_assets.database.engine import Database, upgrade
from leadscout_assets.errors import BadInput, EdgeFailed
from tests.alerts.conftest import NOON, Clock, Recorder


@dataclass(frozen=True)
class Event:
    storage_id: int
    timestamp: float
    subject: str
    level: str | None
    root: str = "raw_leads"


class Scene:
    """A home, a clock, a channel, and an event log that the test writes."""

    def __init__(self, settings, monkeypatch) -> None:
        self.settings, self.clock, self.channel = settings, Clock(), Recorder()
        self.events: list[Event] = []
        self.instance = Instance()
        self.machine = Machine(0.5, 0.5)
        self.answers = 0.01
        self.dagster_fault: str | None = None
        self.database = Database(settings.database)
        upgrade(self.database)
        self.database_down = False
        self.broken_stream = False
        monkeypatch.setattr(machine, "machine", lambda _home: self.machine)

    def fetch(self, after: int, before: int | None, limit: int) -> Sequence[Event]:
        if self.broken_stream:
            raise RuntimeError("Zanele Quagga")
        among = [e for e in self.events if after < e.storage_id and (before is None or e.storage_id < before)]
        return among[::-1][:limit]

    def signals(self, found: Sequence[Event]) -> list[Signal]:
        return [
            Signal("run_failed", e.subject, e.root, e.storage_id, datetime.fromtimestamp(e.timestamp, NOON.tzinfo), e.level, f"run {e.storage_id}")
            for e in found
        ]  # fmt: skip

    def happen(self, subject: str, level: str | None = WARNING, root: str = "raw_leads") -> None:
        number = len(self.events) + 1
        self.events.append(Event(number, self.clock.now.timestamp(), subject, level, root))

    def watch(self) -> Watch:
        def opened() -> Database:
            if self.database_down:
                raise EdgeFailed("application database: OperationalError 57; the server is shutting down")
            return self.database

        return Watch(
            self.settings,
            opened,
            Sources(
                {"runs": Stream(self.fetch, self.signals)},
                lambda _: self.instance,
                lambda: Probe(machine.DAGSTER, self.answers, self.dagster_fault),
            ),
            self.clock,
            {"slack": self.channel},
        )

    def evaluate(self, **span: float) -> list[str]:
        """Let time pass, evaluate, and return what was told, newest last: `kind rule root`."""
        self.clock.pass_(**span)
        before = len(self.channel.sent)
        self.watch().run()
        return [f"{line.kind} {line.rule} {one.root}" for one in self.channel.sent[before:] for line in one.lines]


@pytest.fixture
def scene(home, monkeypatch):
    found = Scene(home, monkeypatch)
    yield found
    found.database.close()


def test_a_failure_is_told_once_with_what_to_do_and_its_end_too(scene):
    assert scene.evaluate() == []
    scene.happen("job:a")
    assert scene.evaluate(seconds=10) == ["fired run_failed raw_leads"]
    assert scene.evaluate(seconds=10) == []
    scene.happen("job:a", None)
    assert scene.evaluate(seconds=10) == []
    assert scene.evaluate(minutes=2) == ["resolved run_failed raw_leads"]
    assert "leadscout backfill" in scene.channel.sent[0].text


def test_news_under_one_root_is_one_message_and_under_two_is_two(scene):
    scene.evaluate()
    for number in range(12):
        scene.happen(f"job:{number}")
    scene.happen("backup", root="backup")
    scene.evaluate(seconds=10)
    assert [(one.root, one.level) for one in scene.channel.sent] == [("backup", "warning"), ("raw_leads", "critical")]
    assert "12 failed, the newest: run 12" in scene.channel.sent[1].text


def test_in_a_backlog_the_newest_failure_is_told_first_and_the_hidden_root_is_not_lost(scene):
    scene.evaluate()
    scene.happen("backup", root="backup")
    for number in range(1_800):
        scene.happen(f"job:{number}")
    told = scene.evaluate(seconds=10)
    assert told == ["fired run_failed raw_leads", "fired run_failed backup"]
    assert "run 1801" in scene.channel.sent[0].text
    store = DatabaseStore(scene.database)
    (group,) = [g for g in store.groups({"run_failed": NOON})["run_failed"] if g.root == "raw_leads"]
    assert group.open == 1_800


def test_a_backlog_in_which_everything_was_mended_later_ends_in_silence(scene):
    scene.evaluate()
    for number in range(1_200):
        scene.happen(f"job:{number}")
    for number in range(1_200):
        scene.happen(f"job:{number}", None)
    told = scene.evaluate(seconds=10)
    assert told == []
    assert scene.evaluate(minutes=3) == []
    assert DatabaseStore(scene.database).groups({"run_failed": NOON}) == {}


def test_failures_before_the_first_look_are_told_if_they_are_young_enough(scene):
    scene.clock.pass_(days=-8)
    scene.happen("job:old")
    scene.clock.pass_(days=8)
    assert scene.evaluate() == []
    scene.happen("job:young")
    assert scene.evaluate(seconds=10) == ["fired run_failed raw_leads"]


def test_a_failure_nobody_mends_is_remembered_every_day_and_forgotten_after_a_week_but_never_resolved(scene):
    scene.evaluate()
    scene.happen("job:a")
    assert scene.evaluate(seconds=10) == ["fired run_failed raw_leads"]
    told = [news for _ in range(80) for news in scene.evaluate(hours=3)]
    assert told == ["reminder run_failed raw_leads"] * 6 + ["forgotten run_failed raw_leads"]
    last = scene.channel.sent[-1]
    assert last.title == "LeadScout forgotten: run_failed (raw_leads)"
    assert "nobody mended it" in last.text
    assert "leadscout backfill" in last.text
    # Failing again it is news again.
    scene.happen("job:a")
    assert scene.evaluate(seconds=10) == ["fired run_failed raw_leads"]


def test_a_failure_that_is_mended_days_later_is_resolved_then(scene):
    scene.evaluate()
    scene.happen("job:a")
    scene.evaluate(seconds=10)
    assert [news for _ in range(17) for news in scene.evaluate(hours=3)] == ["reminder run_failed raw_leads"] * 2
    scene.happen("job:a", None)
    assert scene.evaluate(seconds=10) + scene.evaluate(minutes=2) == ["resolved run_failed raw_leads"]


def test_where_one_failure_was_mended_and_another_never_the_end_is_not_called_resolved(scene):
    scene.evaluate()
    scene.happen("job:a")
    scene.evaluate(seconds=10)
    scene.happen("job:b")
    scene.evaluate(days=5)
    scene.evaluate(days=2, hours=1)
    scene.happen("job:b", None)
    assert scene.evaluate(seconds=10) + scene.evaluate(minutes=2) == ["forgotten run_failed raw_leads"]
    assert DatabaseStore(scene.database).forgotten({"run_failed": scene.clock.now}) == set()


def test_while_older_events_are_unread_nothing_is_over(scene, monkeypatch):
    scene.evaluate()
    scene.happen("job:a")
    assert scene.evaluate(seconds=10) == ["fired run_failed raw_leads"]
    for number in range(1_200):
        scene.happen(f"other:{number}", None)
    # The memory is lost, as with an event log that was replaced: what is open is found in its oldest page only.
    store = DatabaseStore(scene.database)
    store.begin_anew()
    store.save(Memory({}, store.memory().version), now=scene.clock.now)
    with monkeypatch.context() as patch:
        patch.setattr(watch, "READING_SECONDS", -1.0)
        assert [scene.evaluate(minutes=2) for _ in range(3)] == [[], [], []]
    assert "more run_failed raw_leads" in scene.evaluate(minutes=2)


def test_late_news_is_told_and_its_lag_as_well(scene):
    scene.evaluate()
    scene.happen("job:a")
    assert scene.evaluate(seconds=400) == ["fired alert_lag platform", "fired run_failed raw_leads"]
    assert [one.level for one in scene.channel.sent] == ["critical", "warning"]
    told = [news for _ in range(8) for news in scene.evaluate(minutes=4)]
    assert told == ["resolved alert_lag platform"]


def test_a_channel_that_refuses_for_long_is_told_over_the_others(scene):
    scene.evaluate()
    other = Recorder()
    scene.channel.failing = [RuntimeError()] * 100
    scene.machine = Machine(0.05, 0.5)
    for _ in range(8):
        scene.clock.pass_(seconds=30)
        run = scene.watch()
        dataclasses.replace(run, channels={"slack": scene.channel, "log": other}).run()
    assert [line.rule for one in other.sent for line in one.lines] == ["disk_low", "alert_lag"]


def test_the_disk_must_stay_low_and_stay_free_again_for_a_while(scene):
    scene.machine = Machine(0.15, 0.5)
    assert scene.evaluate() == []
    assert scene.evaluate(minutes=1) == ["fired disk_low machine"]
    scene.machine = Machine(0.05, 0.5)
    assert scene.evaluate(minutes=1) == ["fired disk_low machine".replace("fired", "escalated")]
    scene.machine = Machine(0.5, 0.5)
    assert scene.evaluate(minutes=1) + scene.evaluate(minutes=10) == []
    assert scene.evaluate(minutes=10) == ["resolved disk_low machine"]


def test_slow_answers_are_told_when_there_are_enough_of_them(scene):
    scene.answers = 9.0
    told = [scene.evaluate(seconds=30) for _ in range(12)]
    assert [news for each in told for news in each] == ["fired slow_answers database"]
    assert told[9] == ["fired slow_answers database"]  # twenty probes: two of each evaluation


def test_a_database_that_does_not_answer_is_told_without_it_and_so_is_its_return(scene):
    scene.evaluate()
    scene.happen("job:a")
    scene.database_down = True
    assert scene.evaluate(seconds=10) == ["fired database_failing application_database"]
    assert "the server is shutting down" in scene.channel.sent[0].text
    assert scene.evaluate(seconds=10) == []
    scene.database_down = False
    # What happened meanwhile was not lost.
    assert scene.evaluate(seconds=10) == ["fired run_failed raw_leads"]
    assert scene.evaluate(minutes=2)[-1:] == ["resolved database_failing application_database"]


def test_dagsters_database_is_watched_too(scene):
    scene.dagster_fault = "dagster database: OperationalError"
    assert scene.evaluate() == ["fired database_failing dagster_database"]


def test_a_stream_that_cannot_be_read_holds_up_nothing_and_is_read_later(scene, caplog):
    scene.evaluate()
    scene.happen("job:a")
    scene.broken_stream = True
    scene.machine = Machine(0.05, 0.5)
    scene.evaluate(seconds=10)
    assert scene.evaluate(minutes=1) == ["fired disk_low machine"]
    assert "alert.events_unread" in caplog.text
    assert "Quagga" not in caplog.text
    scene.broken_stream = False
    assert "fired run_failed raw_leads" in scene.evaluate(seconds=10)


def test_facts_that_cannot_be_had_fire_nothing_and_resolve_nothing(scene, monkeypatch):
    scene.machine = Machine(0.05, 0.5)
    scene.evaluate()
    assert scene.evaluate(minutes=1) == ["fired disk_low machine"]

    def gone(_home):
        raise EdgeFailed("the disk does not answer")

    monkeypatch.setattr(machine, "machine", gone)
    assert [scene.evaluate(minutes=20) for _ in range(3)] == [[], [], []]


def test_one_evaluation_at_a_time(scene):
    with scene.watch()._alone() as mine:
        assert mine
        scene.happen("job:a")
        assert scene.evaluate() == []
    assert scene.evaluate(seconds=1) == ["fired run_failed raw_leads"]


def test_an_evaluation_that_was_killed_after_reading_reads_again(scene, monkeypatch):
    scene.evaluate()
    scene.happen("job:a")
    with monkeypatch.context() as patch:
        patch.setattr(watch, "decide", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            scene.evaluate(seconds=10)
    assert scene.evaluate(seconds=10) == ["fired run_failed raw_leads"]


class TestSilences:
    def test_a_silenced_rule_is_quiet_until_its_end_and_others_are_not(self, scene):
        scene.evaluate()
        until = scene.clock.now + timedelta(hours=1)
        silence(scene.database, "run_failed", until=until, reason="a move", actor="op", now=scene.clock.now)
        silence(scene.database, "database_failing", until=until, reason="a move", actor="op", now=scene.clock.now)
        scene.happen("job:a")
        scene.machine = Machine(0.05, 0.5)
        scene.dagster_fault = "away"
        told = scene.evaluate(seconds=10) + scene.evaluate(minutes=1)
        assert told == ["fired disk_low machine"]
        assert scene.evaluate(hours=1) == [
            "fired database_failing dagster_database",
            "fired run_failed raw_leads",
        ]

    def test_silences_are_audited_and_can_be_ended(self, scene):
        now = scene.clock.now
        silence(scene.database, "disk_low", until=now + timedelta(days=1), reason="a move", actor="op", now=now)
        (one,) = silences_at(scene.database, now)
        assert (one.rule, one.reason, one.actor) == ("disk_low", "a move", "op")
        assert end_silences(scene.database, "disk_low", actor="op", now=now + timedelta(hours=1)) == 1
        assert end_silences(scene.database, "disk_low", actor="op", now=now + timedelta(hours=2)) == 0
        with pytest.raises(BadInput, match="no rule disk"):
            end_silences(scene.database, "disk", actor="op", now=now)
        assert silences_at(scene.database, now + timedelta(hours=1)) == []
        assert [(e.action, e.actor, e.reason) for e in events(scene.database)] == [
            ("alerts.silenced", "op", "a move"),
            ("alerts.silence_ended", "op", None),
        ]

    @pytest.mark.parametrize(
        ("given", "says"),
        [
            ({"rule": "disk"}, "no rule disk"),
            ({"reason": " "}, "--reason"),
            ({"until": NOON}, "lies ahead"),
            ({"until": NOON + timedelta(days=91)}, "90 days"),
        ],
    )
    def test_a_silence_needs_a_rule_a_reason_and_an_end(self, scene, given, says):
        chosen = {"rule": "disk_low", "until": NOON + timedelta(hours=1), "reason": "x", **given}
        with pytest.raises(BadInput, match=says):
            silence(
                scene.database, chosen["rule"], until=chosen["until"], reason=chosen["reason"], actor="op", now=NOON
            )
        assert events(scene.database) == []


def test_an_event_log_that_is_another_one_is_read_from_its_beginning_and_nothing_stays_silent(scene, caplog):
    scene.evaluate()
    for number in range(9):
        scene.happen(f"job:{number}")
    assert scene.evaluate(seconds=10) == ["fired run_failed raw_leads"]
    scene.events = []
    scene.happen("job:0", root="backup")
    assert scene.evaluate(minutes=5) == ["fired run_failed backup"]
    assert caplog.text.count("alert.event_log_replaced") == 1
    assert scene.evaluate(minutes=5) == ["resolved run_failed raw_leads"]
    scene.happen("job:1", root="backup")
    assert scene.evaluate(seconds=10) == ["more run_failed backup"]
    assert caplog.text.count("alert.event_log_replaced") == 1


def test_free_connections_are_counted_on_a_server_only(database):
    free = machine.free_connections(database)
    assert free is None if database.is_sqlite else 0 < free <= 100


def test_the_machine_is_measured(home):
    home.home.mkdir(parents=True)
    found = machine.machine(home.home)
    assert 0 <= found.disk_free <= 1
    assert 0 < found.memory_used < 1
    with pytest.raises(EdgeFailed, match="free disk space"):
        machine.machine(home.home / "gone")


def test_levels_other_than_the_default_are_obeyed(scene):
    scene.settings = replace_setting(scene.settings, alert_levels="disk_low=0.6:0.1")
    scene.evaluate()
    assert scene.evaluate(minutes=1) == ["fired disk_low machine"]


def test_a_typo_in_a_setting_silences_nothing_but_what_it_is_about(scene, caplog):
    scene.settings = replace_setting(scene.settings, alert_levels="disk=1", alert_webhook_url=SecretStr("https://x"))
    scene.machine = Machine(0.05, 0.5)
    scene.evaluate()
    assert scene.evaluate(minutes=1) == ["fired disk_low machine"]
    assert "LEADSCOUT_ALERT_LEVELS" in caplog.text
    assert list(replace(scene.watch(), channels=None)._channels()) == ["log"]
    assert "LEADSCOUT_ALERT_WEBHOOK_SECRET" in caplog.text


def replace_setting(settings, **given):
    return settings.model_copy(update=given)


def test_a_home_that_cannot_be_written_to_is_evaluated_all_the_same(scene, caplog):
    assert FileStore(scene.settings.alerts_dir).states() == {}
    scene.settings = replace_setting(scene.settings, home=scene.settings.home / "database" / "leadscout.sqlite")
    assert replace(scene.watch(), channels={}).run() != []
    assert "alert.not_alone" in caplog.text
