"""What the rules judge, as plain values. Who measures it is `machine`, the application database, and the Dagster shell.

A fact that could not be measured is None: no rule fires on it, and none takes it for good news.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

WARNING, CRITICAL = "warning", "critical"

RANK: Mapping[str | None, int] = {None: 0, WARNING: 1, CRITICAL: 2}
"""Levels by how bad they are; None is "nothing wrong"."""


@dataclass(frozen=True)
class Signal:
    """One event on one subject, as far as a rule is concerned.

    rule: whose it is. subject: what it happened to, such as job and batch; a later event on the same subject replaces it.
    root: what it is grouped under. event_id: its number in Dagster's event log. level: warning or critical, None for a good event.
    """

    rule: str
    subject: str
    root: str
    event_id: int
    at: datetime
    level: str | None
    sentence: str


@dataclass(frozen=True)
class Group:
    """What is open under one root: how many subjects, how many of them critical, and the newest that opened."""

    root: str
    open: int
    critical: int
    newest_id: int
    newest_at: datetime
    newest: str


@dataclass(frozen=True)
class UnderWay:
    """One run that has not ended.

    waiting: queued, starting or cancelling, so that no step works on it. seconds: how long it has been in this state.
    median_seconds: what its like took, over `like` successful runs; None where there were too few.
    """

    run_id: str
    root: str
    state: str
    waiting: bool
    seconds: float
    median_seconds: float | None = None
    like: int = 0


@dataclass(frozen=True)
class Finished:
    """Operations of one kind that ended within the window: `failed` of `finished`; root: what the kind is grouped under."""

    kind: str
    root: str
    failed: int
    finished: int


@dataclass(frozen=True)
class Ticks:
    """How many of the newest ticks of a sensor or schedule failed in a row."""

    name: str
    schedule: bool
    failing: int


@dataclass(frozen=True)
class Instance:
    """What Dagster's instance says of itself. `heartbeats`: seconds since each required daemon last beat, None for never."""

    under_way: Sequence[UnderWay] = ()
    finished: Sequence[Finished] = ()
    ticks: Sequence[Ticks] = ()
    heartbeats: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Machine:
    """The machine: `disk_free` and `memory_used` are shares, 0..1."""

    disk_free: float
    memory_used: float


@dataclass(frozen=True)
class Probe:
    """One look at a database: whether it answered, and in how many seconds. `fault` says what to do where it did not."""

    name: str
    seconds: float
    fault: str | None = None


@dataclass(frozen=True)
class Calls:
    """Calls to language models, the services outside, within the window; all 0 while none is used."""

    finished: int = 0
    failed: int = 0
    rate_violations: int = 0


@dataclass(frozen=True)
class Facts:
    """Everything that the rules may ask about, at one moment.

    occurrences: what is open, by rule. answers: seconds that the databases took for each probe of the last window.
    free_connections: of the database server, None on SQLite. lag_seconds: how old the newest news was when it was read,
    or how long a notification has been waiting, whichever is worse.
    """

    occurrences: Mapping[str, Sequence[Group]] | None = None
    instance: Instance | None = None
    machine: Machine | None = None
    probes: Sequence[Probe] | None = None
    answers: Sequence[float] | None = None
    free_connections: int | None = None
    calls: Calls | None = None
    lag_seconds: float | None = None


@dataclass(frozen=True)
class Measured:
    """What a condition found for one root: a value in the rule's unit and the sentence that explains it.

    level: given only where the events carry their own level; else the rule's figures decide. mark: the newest event
    counted, 0 where the value is no count of events: a higher mark later is news worth telling again.
    """

    root: str
    value: float
    sentence: str
    mark: int = 0
    level: str | None = None


@dataclass(frozen=True)
class Finding:
    """Something is wrong under a root, and how badly."""

    root: str
    level: str
    sentence: str
    mark: int = 0
