"""One evaluation: read events, measure, decide, store, and only then send. Shared by the sensor and `leadscout alerts run`.

What Dagster knows comes through `Sources`, so that this ring needs no Dagster.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from leadscout_assets.alerts import machine, outbox
from leadscout_assets.alerts.channels import usable_channels
from leadscout_assets.alerts.channels.base import Channel
from leadscout_assets.alerts.engine import Decision, News, decide
from leadscout_assets.alerts.facts import Calls, Facts, Instance, Machine, Probe, Signal
from leadscout_assets.alerts.file_store import FileStore
from leadscout_assets.alerts.messages import messages
from leadscout_assets.alerts.occurrences import merge
from leadscout_assets.alerts.reading import FIRST_READ, Cursor, Fetch, read
from leadscout_assets.alerts.rules import FORGOTTEN_AFTER, RULES, Rule, rules_with
from leadscout_assets.alerts.silences import silences_at
from leadscout_assets.alerts.store import DatabaseStore, SavedByAnother
from leadscout_assets.database.engine import Database
from leadscout_assets.errors import EdgeFailed, LeadScoutError
from leadscout_assets.folders import make_private
from leadscout_assets.logs import describe, get_logger
from leadscout_assets.settings import Settings

PAGE = 500
"""Events read at a time: the newest page of each stream is decided on and told before the next is read."""

LATER_PAGES = 4

LOOK_BACK = FORGOTTEN_AFTER
"""Events that would be forgotten already are not read, not even at the first look at an old event log."""

READING_SECONDS = 20.0
"""Longest that one evaluation goes on reading a backlog; the next one goes on from there."""

WINDOW = timedelta(minutes=15)
"""How long answers and lags are remembered, and back to when calls of services outside are counted."""

TIDY_EVERY = timedelta(hours=1)

log = get_logger(__name__)


@dataclass(frozen=True)
class Stream:
    """One kind of event in Dagster's log: how to fetch it, and what signals some of it are."""

    fetch: Fetch[Any]
    signals: Callable[[Sequence[Any]], Sequence[Signal]]


@dataclass(frozen=True)
class Sources:
    """What the Dagster shell provides. Each may raise; what it would have told is then not known.

    late_commits: whether the event log may show an event after one with a higher number. probe: looks at Dagster's database.
    """

    streams: Mapping[str, Stream]
    instance: Callable[[datetime], Instance]
    probe: Callable[[], Probe]
    late_commits: bool = False


@dataclass(frozen=True)
class Evaluation:
    """What one evaluation did. `lag_seconds`: as in `Facts`. behind: whether older events are still unread."""

    news: Sequence[News] = ()
    events: int = 0
    behind: bool = False
    lag_seconds: float | None = None
    faults: Sequence[str] = ()


@dataclass
class Watch:
    """Evaluates the rules of one home."""

    settings: Settings
    database: Callable[[], Database]
    sources: Sources
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    channels: Mapping[str, Channel] | None = None

    def run(self) -> list[Evaluation]:
        """Evaluate until nothing is left to read or the time is up, telling the news of each round before the next begins.

        Does nothing while another process of this home evaluates: it does the same.
        """
        done: list[Evaluation] = []
        with self._alone() as mine:
            if not mine:
                return done
            channels = self._channels()
            started, pages = time.monotonic(), 1
            while True:
                try:
                    done.append(self.evaluate(channels, pages=pages))
                except SavedByAnother as error:
                    log.info("alert.evaluation_void", reason=str(error))
                self._deliver(channels)
                if not done or not done[-1].behind or time.monotonic() - started > READING_SECONDS:
                    return done
                pages = LATER_PAGES

    def evaluate(self, channels: Mapping[str, Channel], *, pages: int = 1) -> Evaluation:
        """Read, measure, decide and store once; sends nothing."""
        now = self.clock()
        faults: list[str] = []
        # A figure that makes no sense must not keep the other rules from firing.
        rules = self._told(faults, "levels", lambda: rules_with(self.settings.alert_levels)) or RULES
        outside = [rule for rule in rules if rule.outside_database]
        measured = self._told(faults, "machine", lambda: machine.machine(self.settings.home))
        probes, database = self._probes()
        silenced = self._silenced(database, now, faults)
        news = list(self._outside(outside, Facts(probes=probes), channels, now, silenced))
        if database is None:
            return Evaluation(news, faults=(*faults, *(probe.fault for probe in probes if probe.fault)))
        inside = [rule for rule in rules if not rule.outside_database]
        done = self._inside(inside, database, measured, probes, channels, now, pages, silenced, faults)
        return replace(done, news=(*news, *done.news), faults=faults)

    def _silenced(self, database: Database | None, now: datetime, faults: list[str]) -> frozenset[str]:
        found = self._told(faults, "silences", lambda: silences_at(database, now)) if database is not None else None
        return frozenset(one.rule for one in found or ())

    def _outside(
        self,
        rules: Sequence[Rule],
        facts: Facts,
        channels: Mapping[str, Channel],
        now: datetime,
        silenced: frozenset[str],
    ) -> Sequence[News]:
        store = FileStore(self.settings.alerts_dir)
        decision = decide(rules, _judged(rules, facts), store.states(), now, silenced)
        if decision.states or decision.over or decision.news:
            store.save(
                now=now,
                states=decision.states,
                over=decision.over,
                messages=messages(decision.news),
                channels=list(channels),
            )
        return decision.news

    def _inside(
        self,
        rules: Sequence[Rule],
        database: Database,
        measured: Machine | None,
        probes: Sequence[Probe],
        channels: Mapping[str, Channel],
        now: datetime,
        pages: int,
        silenced: frozenset[str],
        faults: list[str],
    ) -> Evaluation:
        store = DatabaseStore(database)
        memory = store.memory()
        notes = _Notes(memory.value, now)
        if self._is_another_log(notes):
            # Dagster's storage was restored, emptied or moved. What is young enough is read, and told, again.
            log.warning("alert.event_log_replaced")
            store.begin_anew()
            notes.forget_cursors()
        signals, behind = self._read(notes, now, pages, faults)
        before = store.occurrences({(one.rule, one.subject) for one in signals})
        changed = merge(before, signals, keep_good=behind)
        if changed:
            # Stored first, apart from the decision: read again, they change nothing, and the groups are counted by the database.
            memory = store.save(replace(memory, value=notes.before_decision()), now=now, occurrences=changed)
        waiting = store.oldest_waiting("alert_lag")
        lag = max(notes.lag(), (now - waiting).total_seconds() if waiting else 0.0)
        notes.answered(probes)
        since = {rule.name: now - rule.window for rule in rules if rule.of_events}
        facts = Facts(
            occurrences=store.groups(since),
            instance=self._told(faults, "instance", lambda: self.sources.instance(now)),
            machine=measured,
            probes=probes,
            answers=notes.answers(),
            free_connections=self._told(faults, "connections", lambda: machine.free_connections(database)),
            calls=self._told(faults, "calls", lambda: _calls(database, now)),
            lag_seconds=lag,
        )
        found, forgotten = _judged(rules, facts), store.forgotten(since)
        states = store.states()
        known = states
        if behind:
            # What is not open in what was read so far may be so in what was not: nothing is over before all is read.
            known = {key: one for key, one in states.items() if key[0] not in since or key[1] in (found[key[0]] or ())}
        decision: Decision = decide(rules, found, known, now, silenced, forgotten)
        standing = {*states, *(state.key for state in decision.states)} - set(decision.over)
        tidy = notes.tidy_due()
        store.save(
            replace(memory, value=notes.value()),
            now=now,
            states=decision.states,
            over=decision.over,
            # As long as the alert stands, they stay: at its end it is told that nobody mended them.
            forgotten={key: since[key[0]] for key in forgotten - standing},
            messages=messages(decision.news),
            channels=list(channels),
        )
        if tidy:
            store.tidy(now, list(channels))
        return Evaluation(decision.news, len(signals), behind, lag)

    def _read(self, notes: _Notes, now: datetime, pages: int, faults: list[str]) -> tuple[list[Signal], bool]:
        signals: list[Signal] = []
        behind = False
        for name, stream in self.sources.streams.items():
            # At the very first look everything is old, which is nobody's delay.
            before, first = notes.cursor(name), not notes.knows(name)
            try:
                found = read(
                    before,
                    stream.fetch,
                    now=now.timestamp(),
                    oldest=(now - LOOK_BACK).timestamp(),
                    size=PAGE,
                    pages=pages,
                    overlap=self.sources.late_commits,
                )
                signals += stream.signals([*found.new, *found.again])
            except Exception as error:  # noqa: BLE001  one stream that cannot be read now is read later; the others go on
                faults.append(f"{name}: {_reason(error)}")
                log.error("alert.events_unread", stream=name, reason=_reason(error))
                continue
            notes.move(name, found.cursor)
            behind = behind or before.behind or found.cursor.behind
            if not first and found.new:
                notes.lagged(max(now.timestamp() - event.timestamp for event in found.new))
        return signals, behind

    def _is_another_log(self, notes: _Notes) -> bool:
        """Say whether a stream ends before the place up to which it was read."""
        for name, stream in self.sources.streams.items():
            top = notes.cursor(name).top
            try:
                if top > FIRST_READ and not stream.fetch(top - 1, None, 1) and top > _newest(stream):
                    return True
            except Exception as error:  # noqa: BLE001  reading, a moment later, says so and goes on with the others
                log.warning("alert.events_unread", stream=name, reason=_reason(error))
        return False

    def _probes(self) -> tuple[list[Probe], Database | None]:
        database: Database | None = None

        def look() -> None:
            nonlocal database
            database = self.database()

        opened = machine.probe(machine.APPLICATION, look)
        application = machine.probe_application(database) if database is not None and not opened.fault else opened
        return [application, self.sources.probe()], None if application.fault else database

    def _told(self, faults: list[str], what: str, tell: Callable[[], Any]) -> Any:
        try:
            return tell()
        except Exception as error:  # noqa: BLE001  what one source cannot tell now, the rules do not know; the others go on
            faults.append(f"{what}: {_reason(error)}")
            log.error("alert.not_measured", what=what, reason=_reason(error))
            return None

    def _channels(self) -> Mapping[str, Channel]:
        if self.channels is not None:
            return self.channels
        usable, faults = usable_channels(self.settings)
        for fault in faults:
            log.error("alert.channel_unusable", reason=fault)
        return usable

    def _deliver(self, channels: Mapping[str, Channel]) -> None:
        outboxes: list[outbox.Outbox] = [FileStore(self.settings.alerts_dir)]
        try:
            outboxes.append(DatabaseStore(self.database()))
        except EdgeFailed as error:
            log.error("alert.outbox_failed", reason=str(error))
        outbox.deliver(outboxes, channels, clock=self.clock)

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        try:
            make_private(self.settings.alerts_dir)
            lock = (self.settings.alerts_dir / ".lock").open("w")
        except OSError as error:
            # A home that cannot be written to is worth telling, and two that tell it are better than none.
            log.error("alert.not_alone", reason=error.strerror)
            yield True
            return
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True


class _Notes:
    """The engine's memory while it is changed: cursors by stream, and the lags and answers of the last minutes."""

    def __init__(self, value: Mapping[str, Any], now: datetime) -> None:
        self._before, self._now = value, now.timestamp()
        self._cursors = {name: Cursor.from_json(one) for name, one in value.get("cursors", {}).items()}
        self._lags, self._answers = self._recent("lags"), self._recent("answers")
        self._tidied = float(value.get("tidied", 0.0))

    def _recent(self, name: str) -> list[tuple[float, float]]:
        oldest = self._now - WINDOW.total_seconds()
        return [(at, seconds) for at, seconds in self._before.get(name, ()) if oldest <= at <= self._now]

    def forget_cursors(self) -> None:
        self._cursors.clear()

    def knows(self, name: str) -> bool:
        return name in self._cursors

    def cursor(self, name: str) -> Cursor:
        return self._cursors.get(name, Cursor())

    def move(self, name: str, cursor: Cursor) -> None:
        self._cursors[name] = cursor

    def lagged(self, seconds: float) -> None:
        self._lags.append((self._now, round(seconds, 1)))

    def lag(self) -> float:
        return max((seconds for _, seconds in self._lags), default=0.0)

    def answered(self, probes: Sequence[Probe]) -> None:
        self._answers += [(self._now, round(probe.seconds, 4)) for probe in probes]

    def answers(self) -> list[float]:
        return [seconds for _, seconds in self._answers]

    def tidy_due(self) -> bool:
        due = not 0 <= self._now - self._tidied < TIDY_EVERY.total_seconds()
        if due:
            self._tidied = self._now
        return due

    def before_decision(self) -> Mapping[str, Any]:
        return dict(self._before)

    def value(self) -> Mapping[str, Any]:
        cursors = {name: cursor.to_json() for name, cursor in self._cursors.items()}
        return {"cursors": cursors, "lags": self._lags, "answers": self._answers, "tidied": self._tidied}


def _calls(database: Database, now: datetime) -> Calls:
    from leadscout_assets.llm.spend import calls_since

    return Calls(*calls_since(database, now - WINDOW))


def lag_at(memory: Mapping[str, Any], waiting: datetime | None, now: datetime) -> float:
    """Return how late news was read within the window, or has waited to be sent since `waiting`, the worst; seconds."""
    lag = _Notes(memory, now).lag()
    return max(lag, (now - waiting).total_seconds() if waiting else 0.0)


def _newest(stream: Stream) -> int:
    page = stream.fetch(FIRST_READ, None, 1)
    return int(page[0].storage_id) if page else FIRST_READ


def _judged(rules: Sequence[Rule], facts: Facts) -> dict[str, Any]:
    return {rule.name: rule.judge(facts) for rule in rules}


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, LeadScoutError) else describe(error).splitlines()[-1]
