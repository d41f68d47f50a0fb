"""Decides: what was found, what was known and the time give the new states and what people must be told. Pure.

Told is what changes: it fired, got worse, more came, still so after a day, resolved, forgotten. The same news is never told twice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from leadscout_assets.alerts.facts import RANK, Finding
from leadscout_assets.alerts.rules import Rule

FIRED, ESCALATED, MORE, REMINDER, RESOLVED = "fired", "escalated", "more", "reminder", "resolved"

FORGOTTEN = "forgotten"
"""Over because it is so old, in place of "resolved": nobody mended it."""

REMIND_AFTER = timedelta(hours=24)

FIRST_PAUSE = timedelta(seconds=60)
"""After news on an alert, newer events on it wait so long, and twice as long after each further piece of news: a storm of
failures under one root is a handful of messages, and a second failure an hour later is one more."""

Key = tuple[str, str]
"""(rule, root)"""


@dataclass(frozen=True)
class State:
    """What is known of one rule under one root; there is none while nothing is wrong.

    The moments: wrong since (`pending_since`), for long enough since (`fired_at`), right again since (`cleared_since`),
    and what people were told last: which level, when, up to which event; and how often of newer ones.
    """

    rule: str
    root: str
    level: str
    sentence: str
    pending_since: datetime | None = None
    fired_at: datetime | None = None
    cleared_since: datetime | None = None
    told_level: str | None = None
    told_at: datetime | None = None
    told_mark: int = 0
    updates: int = 0

    @property
    def key(self) -> Key:
        """Rule and root."""
        return self.rule, self.root

    @property
    def firing(self) -> bool:
        """Whether it is wrong, and has been for long enough."""
        return self.fired_at is not None


@dataclass(frozen=True)
class News:
    """One thing that people must be told: `kind` is one of the six above."""

    kind: str
    rule: Rule
    root: str
    level: str
    sentence: str
    fired_at: datetime
    at: datetime
    mark: int

    @property
    def key(self) -> str:
        """What makes this news this news: the same for whoever decides it a second time."""
        # Of one alert neither is told twice within a day, a rise only after a reminder of the lower level; see `_kind`.
        again = self.at.date().isoformat() if self.kind in {REMINDER, ESCALATED} else ""
        return f"{self.rule.name}|{self.root}|{self.fired_at.isoformat()}|{self.kind}|{self.level}|{self.mark}|{again}"


@dataclass(frozen=True)
class Decision:
    """The states to store in place of those before, the keys of states that are over, and the news."""

    states: Sequence[State]
    over: Sequence[Key]
    news: Sequence[News]


def decide(
    rules: Sequence[Rule],
    found: Mapping[str, Mapping[str, Finding] | None],
    known: Mapping[Key, State],
    now: datetime,
    silenced: Collection[str] = (),
    forgotten: Collection[Key] = (),
) -> Decision:
    """Return what follows at `now` from what each rule found under which root; a rule that found None could not tell.

    Of the rules in `silenced` nothing is told but that they are resolved, where people knew that they fired. What still
    fires when the silence ends is told then. `forgotten`: where something happened that nobody mended, too long ago to be
    found: what is over there is not resolved.
    """
    states: list[State] = []
    over: list[Key] = []
    news: list[News] = []
    for rule in rules:
        findings = found.get(rule.name)
        if findings is None:
            continue
        roots = {root for name, root in known if name == rule.name} | set(findings)
        for root in sorted(roots):
            before = known.get((rule.name, root))
            after, told = _step(rule, root, before, findings.get(root), now, rule.name in silenced)
            if told is not None and told.kind == RESOLVED and (rule.name, root) in forgotten:
                told = replace(told, kind=FORGOTTEN)
            if after is None:
                over.append((rule.name, root))
            elif after != before:
                states.append(after)
            if told is not None:
                news.append(told)
    return Decision(states, over, news)


def _step(
    rule: Rule, root: str, before: State | None, finding: Finding | None, now: datetime, silenced: bool
) -> tuple[State | None, News | None]:
    state = _not_ahead(before, now) if before else None
    if finding is None:
        return _right(rule, state, now) if state else (None, None)
    state = state or State(rule.name, root, finding.level, finding.sentence, pending_since=now)
    state = replace(state, level=finding.level, sentence=finding.sentence, cleared_since=None)
    if not state.firing:
        since = state.pending_since or now
        if now - since < rule.hold:
            return replace(state, pending_since=since), None
        state = replace(state, pending_since=None, fired_at=now)
    kind = None if silenced else _kind(state, finding, now)
    if kind is None:
        return state, None
    told = replace(
        state,
        # Also where it is the lower one: who was told that it is better now must be told when it is worse again.
        told_level=finding.level,
        told_at=now,
        told_mark=max(state.told_mark, finding.mark),
        updates=state.updates + (kind == MORE),
    )
    return told, _news(kind, rule, told, now)


def _kind(state: State, finding: Finding, now: datetime) -> str | None:
    if state.told_at is None:
        return FIRED
    if RANK[finding.level] > RANK[state.told_level]:
        return ESCALATED
    if now - state.told_at >= REMIND_AFTER:
        return REMINDER
    if finding.mark > state.told_mark and now - state.told_at >= pause_after(state.updates):
        return MORE
    return None


def pause_after(updates: int) -> timedelta:
    """Return how long newer events wait after so many times that people were told of some: a minute, doubled each time."""
    return min(FIRST_PAUSE * (1 << min(updates, 30)), REMIND_AFTER)


def _right(rule: Rule, state: State, now: datetime) -> tuple[State | None, News | None]:
    if not state.firing:
        return None, None
    since = state.cleared_since or now
    if now - since < rule.clear:
        return replace(state, cleared_since=since), None
    return None, _news(RESOLVED, rule, state, now) if state.told_at else None


def _news(kind: str, rule: Rule, state: State, now: datetime) -> News:
    level = (state.told_level or state.level) if kind == RESOLVED else state.level
    return News(kind, rule, state.root, level, state.sentence, state.fired_at or now, now, state.told_mark)


def _not_ahead(state: State, now: datetime) -> State:
    """Return the state with no moment after `now`: a clock that was set back must not silence an alert until it caught up."""

    def past(at: datetime | None) -> datetime | None:
        return None if at is None else min(at, now)

    return replace(
        state,
        pending_since=past(state.pending_since),
        cleared_since=past(state.cleared_since),
        told_at=past(state.told_at),
    )
