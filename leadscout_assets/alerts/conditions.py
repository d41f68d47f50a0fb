"""What each rule measures, from facts alone. A condition returns `Measured` values, or None where it cannot tell.

How much is too much is not here but in `rules`. No condition divides by zero: without a denominator there is no rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from leadscout_assets.alerts.facts import CRITICAL, WARNING, Facts, Measured

PLATFORM, MACHINE, DATABASE, SERVICES = "platform", "machine", "database", "services"
"""Roots of what belongs to no asset."""

FEWEST_FINISHED = 20
"""Finished operations below which one failure would be a rate of more than 5 %: single failures have a rule of their own."""

FEWEST_CALLS = 10

FEWEST_ANSWERS = 20
"""Probes below which the slowest one alone would be the 95th percentile."""

FEWEST_LIKE = 10
"""Successful runs of the same kind and size that a baseline needs."""

GRACE_SECONDS = 60.0
"""A run that takes a minute longer than its like is not worth a message, however short they are."""

SCHEDULE_WEIGHT = 3
"""A failed tick of a schedule counts as three of a sensor: the next one may be a day away."""

NEVER = 1e9
"""Seconds since a heartbeat that never was."""

Condition = Callable[[Facts], Sequence[Measured] | None]


def occurrences_of(rule: str, what: str) -> Condition:
    """Return the condition "something of this rule is open", one value per root; its level is the worst one open."""

    def condition(facts: Facts) -> Sequence[Measured] | None:
        if facts.occurrences is None:
            return None
        return [
            Measured(
                group.root,
                group.open,
                f"{group.open:,} {what}; the newest: {group.newest}" if group.open > 1 else group.newest,
                group.newest_id,
                CRITICAL if group.critical else WARNING,
            )
            for group in facts.occurrences.get(rule, ())
        ]

    return condition


def failed_runs(facts: Facts) -> Sequence[Measured] | None:
    """Failed pieces of work that no later run did; judged by their number."""
    if facts.occurrences is None:
        return None
    return [
        Measured(
            group.root,
            group.open,
            f"{group.open:,} failed, the newest: {group.newest}" if group.open > 1 else group.newest,
            group.newest_id,
        )
        for group in facts.occurrences.get("run_failed", ())
    ]


def waiting_runs(facts: Facts) -> Sequence[Measured] | None:
    """Minutes that the longest waiting run of each root has not moved."""
    if facts.instance is None:
        return None
    worst: dict[str, Measured] = {}
    for run in facts.instance.under_way:
        minutes = run.seconds / 60
        if run.waiting and (run.root not in worst or minutes > worst[run.root].value):
            sentence = f"run {run.run_id} has been {run.state} for {minutes:.0f} minutes"
            worst[run.root] = Measured(run.root, minutes, sentence)
    return list(worst.values())


def long_runs(facts: Facts) -> Sequence[Measured] | None:
    """How many times as long as its like the slowest working run of each root has taken so far."""
    if facts.instance is None:
        return None
    worst: dict[str, Measured] = {}
    for run in facts.instance.under_way:
        median = run.median_seconds
        if run.waiting or median is None or run.like < FEWEST_LIKE or run.seconds < median + GRACE_SECONDS:
            continue
        ratio = run.seconds / max(median, 1.0)
        if run.root not in worst or ratio > worst[run.root].value:
            sentence = (
                f"run {run.run_id} has been working for {run.seconds:.0f} s, against a median of {median:.0f} s "
                f"over {run.like} runs of its kind and size"
            )
            worst[run.root] = Measured(run.root, ratio, sentence)
    return list(worst.values())


def failing_ticks(facts: Facts) -> Sequence[Measured] | None:
    """Ticks in a row that failed, of each sensor and schedule; of a schedule each counts three times."""
    if facts.instance is None:
        return None
    return [
        Measured(
            tick.name,
            tick.failing * (SCHEDULE_WEIGHT if tick.schedule else 1),
            f"the last {tick.failing} ticks of the {'schedule' if tick.schedule else 'sensor'} {tick.name} failed",
        )
        for tick in facts.instance.ticks
        if tick.failing
    ]


def silent_daemons(facts: Facts) -> Sequence[Measured] | None:
    """Seconds since the heartbeat of the daemon that has been silent longest."""
    if facts.instance is None or not facts.instance.heartbeats:
        return None
    ages = {name: NEVER if age is None else age for name, age in facts.instance.heartbeats.items()}
    name = max(ages, key=lambda one: ages[one])
    since = "has never beaten" if ages[name] == NEVER else f"has not beaten for {ages[name]:.0f} s"
    return [Measured(PLATFORM, ages[name], f"the daemon {name} {since}")]


def error_rate(facts: Facts) -> Sequence[Measured] | None:
    """Failed over finished runs of each job within the window, 0..1."""
    if facts.instance is None:
        return None
    return [
        Measured(
            one.root,
            one.failed / one.finished,
            f"{one.failed} of {one.finished} runs of {one.kind} failed within the hour ({one.failed / one.finished:.1%})",
        )
        for one in facts.instance.finished
        if one.finished >= FEWEST_FINISHED
    ]


def slow_answers(facts: Facts) -> Sequence[Measured] | None:
    """The 95th percentile of the seconds that the databases took to answer within the window."""
    if facts.answers is None or len(facts.answers) < FEWEST_ANSWERS:
        return None
    ordered = sorted(facts.answers)
    p95 = ordered[math.ceil(0.95 * len(ordered)) - 1]
    return [Measured(DATABASE, p95, f"95 % of {len(ordered)} answers came within {p95:.2f} s, no better")]


def disk_free(facts: Facts) -> Sequence[Measured] | None:
    """Free share of the disk that holds the home, 0..1."""
    if facts.machine is None:
        return None
    free = facts.machine.disk_free
    return [Measured(MACHINE, free, f"{free:.0%} of the disk with the home are free")]


def memory_used(facts: Facts) -> Sequence[Measured] | None:
    """Used share of the machine's memory, 0..1."""
    if facts.machine is None:
        return None
    used = facts.machine.memory_used
    return [Measured(MACHINE, used, f"{used:.0%} of the memory are in use")]


def failing_databases(facts: Facts) -> Sequence[Measured] | None:
    """How many of the platform's databases do not answer; one root each."""
    if facts.probes is None:
        return None
    return [
        Measured(probe.name, 1.0 if probe.fault else 0.0, probe.fault or f"{probe.name} answers")
        for probe in facts.probes
    ]


def free_connections(facts: Facts) -> Sequence[Measured] | None:
    """Connections that the database server would still grant."""
    if facts.free_connections is None:
        return None
    free = facts.free_connections
    return [Measured(DATABASE, free, f"the database server grants {free} more connections")]


def rate_violations(facts: Facts) -> Sequence[Measured] | None:
    """Calls that a service outside refused because there were too many."""
    if facts.calls is None:
        return None
    count = facts.calls.rate_violations
    return [Measured(SERVICES, count, f"{count} calls were refused for being too many")]


def failed_calls(facts: Facts) -> Sequence[Measured] | None:
    """Failed over finished calls to language models within the window, 0..1."""
    if facts.calls is None or facts.calls.finished < FEWEST_CALLS:
        return None
    rate = facts.calls.failed / facts.calls.finished
    return [Measured(SERVICES, rate, f"{facts.calls.failed} of {facts.calls.finished} calls failed ({rate:.1%})")]


def alert_lag(facts: Facts) -> Sequence[Measured] | None:
    """Seconds from an event to its reading, or that a notification has been waiting to be sent."""
    if facts.lag_seconds is None:
        return None
    return [Measured(PLATFORM, facts.lag_seconds, f"news took {facts.lag_seconds:.0f} s to be read or sent")]
