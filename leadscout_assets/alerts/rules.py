"""The rules, as data: what is measured, over what, for how long, from which figure on, and what to do then.

How a value comes about is in `conditions`; what follows from a finding is in `engine`. Each has a page in docs/alerts.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from leadscout_assets.alerts import conditions
from leadscout_assets.alerts.conditions import Condition, occurrences_of
from leadscout_assets.alerts.facts import CRITICAL, RANK, WARNING, Facts, Finding, Measured
from leadscout_assets.errors import BadSetting

NOW = timedelta(0)

FORGOTTEN_AFTER = timedelta(days=7)
"""What happened stays wrong until what mends it happened. A list that is refused is never mended, so one day it is enough;
a week covers a holiday and the weekend beside it."""


def _minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@dataclass(frozen=True)
class Rule:
    """One thing that people are told about.

    numerator, denominator: what the value is made of ("" where it is no ratio). window: how far back it looks; of events,
    after how long one that nobody mended is forgotten. warning, critical: the value from which on (`below`: below which) it is one, in `unit`.
    hold: for how long it must be wrong before people are told. clear: for how long right before it counts as resolved.
    of_events: it is about what happened, each of which is open until a later event mends it. by_severity: how bad it is the
    events say themselves, no figure. do: what to do. outside_database: its state lies in a file, since the application database may be what fails.
    """

    name: str
    means: str
    condition: Condition
    numerator: str
    denominator: str
    unit: str
    window: timedelta
    warning: float
    critical: float
    do: str
    below: bool = False
    hold: timedelta = NOW
    clear: timedelta = timedelta(minutes=1)
    of_events: bool = False
    by_severity: bool = False
    outside_database: bool = False

    @property
    def page(self) -> str:
        """Where the alert is explained."""
        return f"docs/alerts.md#{self.name}"

    def level(self, measured: Measured) -> str | None:
        """Return how bad a measured value is, None where it is not."""
        if measured.level is not None:
            return measured.level
        if self.below:
            wrong = [measured.value < self.warning, measured.value < self.critical]
        else:
            wrong = [measured.value >= self.warning, measured.value >= self.critical]
        return CRITICAL if wrong[1] else WARNING if wrong[0] else None

    def judge(self, facts: Facts) -> Mapping[str, Finding] | None:
        """Return the worst that is wrong, by root; None where the facts do not tell."""
        measured = self.condition(facts)
        if measured is None:
            return None
        found: dict[str, Finding] = {}
        for one in sorted(measured, key=lambda one: one.value, reverse=not self.below):
            level = self.level(one)
            if level and (one.root not in found or RANK[level] > RANK[found[one.root].level]):
                found[one.root] = Finding(one.root, level, one.sentence, one.mark)
        return found


ABOVE = 1e-9
"""Added to a figure that may be reached but not passed: "over 1 %" is not "1 % and more"."""

# fmt: off
RULES: tuple[Rule, ...] = (
    Rule(
        "run_failed", "a run failed, and nothing has done its work since", conditions.failed_runs,
        "batches, or jobs without batches, whose newest run failed", "", "failures", FORGOTTEN_AFTER, 1, 10,
        "open the run in the UI: its error names the place and the fix; then leadscout backfill BATCH", of_events=True,
    ),
    Rule(
        "run_stuck", "a run waits and nothing moves", conditions.waiting_runs,
        "minutes since a run that is queued, starting or being cancelled moved, while none works", "", "minutes",
        NOW, 15, 60, "are the daemon and the code server up? leadscout doctor; then terminate the run and start it again",
    ),
    Rule(
        "run_too_long", "a run takes far longer than its like", conditions.long_runs,
        "seconds that the run has taken", "median seconds of the last successful runs of the same job and size, at least 10",
        "times", NOW, 3, 10, "look at the run's last event in the UI; terminate it if it does nothing",
    ),
    Rule(
        "check_failed", "a check of an asset failed", occurrences_of("check_failed", "checks fail"),
        "checks whose newest verdict on a batch is a failure; critical by the check's own severity", "", "failures",
        FORGOTTEN_AFTER, 1, 1, "leadscout show BATCH says why; the runbook says what to do for each check",
        of_events=True, by_severity=True,
    ),
    Rule(
        "deliveries_stale", "deliveries stay away, or do not arrive in the tables",
        occurrences_of("deliveries_stale", "freshness checks fail"),
        "freshness checks whose newest verdict is a failure", "", "failures", FORGOTTEN_AFTER, 1, 1,
        "ask the sender; or look for the failed or queued run of the newest batch", clear=_minutes(2),
        of_events=True, by_severity=True,
    ),
    Rule(
        "regression", "a run was worse than its own history allows", occurrences_of("regression", "assets are slower"),
        "assets whose newest check performance_regression failed", "", "assets", FORGOTTEN_AFTER, 1, 1,
        "the check's sentence names figure and baseline; mend the cause, or accept the new normal",
        of_events=True, by_severity=True,
    ),
    Rule(
        "tick_failing", "a sensor or a schedule fails at its ticks", conditions.failing_ticks,
        "ticks in a row that failed; of a schedule each counts three times", "", "ticks", NOW, 3, 10,
        "UI, Automation: the tick shows its error", clear=_minutes(2),
    ),
    Rule(
        "daemon_silent", "a daemon of the platform has stopped", conditions.silent_daemons,
        "seconds since the heartbeat of the daemon that was silent longest", "", "seconds", NOW, 120, 300,
        "leadscout doctor; the end of logs/daemon.log says why", hold=_minutes(1),
    ),
    Rule(
        "error_rate", "too many runs of a job fail", conditions.error_rate,
        "failed runs of a job", "finished runs of the job, failed or successful, at least 20", "share",
        timedelta(hours=1), 0.01 + ABOVE, 0.05, "many runs fail for one reason: look at the newest, then at disk and database",
        clear=_minutes(5),
    ),
    Rule(
        "slow_answers", "the platform's databases answer slowly", conditions.slow_answers,
        "the seconds within which 95 % of the engine's probes were answered", "all probes of the window, at least 20",
        "seconds", _minutes(15), 2 + ABOVE, 5, "what else uses the disk or the database server? A backup, a backfill?",
        clear=_minutes(5),
    ),
    Rule(
        "disk_low", "the disk fills up", conditions.disk_free,
        "free bytes of the disk that holds the home", "all its bytes", "share", NOW, 0.20, 0.10,
        "make room, in the order of the runbook's page on a full disk", below=True, hold=_minutes(1), clear=_minutes(15),
    ),
    Rule(
        "memory_high", "the memory is nearly used up", conditions.memory_used,
        "used bytes of memory, without caches", "all bytes of memory", "share", NOW, 0.80 + ABOVE, 0.85,
        "which run is it? Lower LEADSCOUT_MAX_ROWS_PER_RUN, or give the machine more", hold=_minutes(5), clear=_minutes(5),
    ),
    Rule(
        "database_failing", "a database of the platform does not answer", conditions.failing_databases,
        "probes of the application database and of Dagster's that failed, at this moment", "", "databases", NOW, 1, 1,
        "the sentence says what to look at; see also the runbook's page on the database", outside_database=True,
    ),
    Rule(
        "connections_low", "the database server runs out of connections", conditions.free_connections,
        "connections that the server still grants: its limit less those reserved and those open", "", "connections",
        NOW, 2, 1, "who holds them? pg_stat_activity; lower LEADSCOUT_DATABASE_POOL_SIZE, or raise the server's limit",
        below=True, clear=_minutes(5),
    ),
    Rule(
        "rate_limited", "a service outside refuses our calls for being too many", conditions.rate_violations,
        "calls refused for being too many; 0 while no such service is used", "", "calls", _minutes(15), 1, 10,
        "lower the rate set for the service, or ask for a higher one", clear=_minutes(15),
    ),
    Rule(
        "llm_failing", "calls to a language model fail", conditions.failed_calls,
        "failed calls to language models; 0 while none is used", "finished calls, failed or not, at least 10", "share",
        _minutes(15), 0.10 + ABOVE, 0.20, "is the provider down? Leads go on without it; look at its status page",
        clear=_minutes(5),
    ),
    Rule(
        "backup_failed", "a backup failed, or none was proven lately", occurrences_of("backup_failed", "backup checks or runs fail"),
        "runs of backup and restore_drill, and checks of both, whose newest outcome is a failure", "", "failures",
        FORGOTTEN_AFTER, 1, 1, "leadscout backup; then materialize restore_drill", of_events=True, by_severity=True,
    ),
    Rule(
        "alert_lag", "news reaches people too late", conditions.alert_lag,
        "seconds from an event to its reading, or that a notification has waited to be sent, the worst of the window", "",
        "seconds", _minutes(15), 60 + ABOVE, 300, "does a channel refuse? leadscout alerts list; is the sensor alerts on?",
        clear=_minutes(5),
    ),
)
# fmt: on


def by_name(rules: Sequence[Rule] = RULES) -> dict[str, Rule]:
    """Return the rules by name."""
    return {rule.name: rule for rule in rules}


def rules_with(levels: str | None) -> tuple[Rule, ...]:
    """Return the rules with other figures: `levels` is `rule=warning:critical`, several divided by commas.

    Raises `BadSetting`, which names the setting and the part that cannot be used.
    """
    chosen: dict[str, tuple[float, float]] = {}
    known = by_name()
    for part in filter(None, (part.strip() for part in (levels or "").split(","))):
        name, _, figures = (piece.strip() for piece in part.partition("="))
        if name not in known:
            raise BadSetting(f"LEADSCOUT_ALERT_LEVELS: there is no rule {name}; leadscout alerts list --rules")
        chosen[name] = _figures(known[name], figures)
    return tuple(
        replace(rule, warning=chosen[rule.name][0], critical=chosen[rule.name][1]) if rule.name in chosen else rule
        for rule in RULES
    )


def _figures(rule: Rule, given: str) -> tuple[float, float]:
    """Return what was given as the warning and the critical figure of a rule. Raises `BadSetting` unless both can be reached."""
    about = f"LEADSCOUT_ALERT_LEVELS: {rule.name}"
    if rule.by_severity:
        raise BadSetting(f"{about} has no figures: how bad it is the check says itself; take it out")
    warning, _, critical = given.partition(":")
    try:
        pair = float(warning), float(critical)
    except ValueError:
        raise BadSetting(f"{about} needs two figures: RULE=WARNING:CRITICAL") from None
    # One that no value reaches would turn the rule off, and one that every value reaches would always fire.
    if rule.unit == "share" and not all(0 < figure <= 1 for figure in pair):
        raise BadSetting(f"{about} is a share: figures above 0 and up to 1, 80 % is 0.8; given is {given}")
    if not all(0 < figure < math.inf for figure in pair):
        raise BadSetting(f"{about} is counted in {rule.unit}: figures above 0; given is {given}")
    if not (pair[0] >= pair[1] if rule.below else pair[0] <= pair[1]):
        raise BadSetting(
            f"{about}: the critical figure must be the worse one, {'lower' if rule.below else 'higher'}; given is {given}"
        )
    return pair
