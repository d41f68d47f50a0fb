"""What a home tells Prometheus: its database, deliveries, alerts, run records with the judge's verdicts, and backups.

Each source is read in the background by `metrics.reading`. Changes nothing: a schema that is not up to date is left as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from leadscout_assets.errors import EdgeFailed
from leadscout_assets.home import Home
from leadscout_assets.metrics.families import Sample
from leadscout_assets.metrics.reading import Source
from leadscout_assets.metrics.steps import Key, StepTotals, key_of
from leadscout_assets.runs.freshness import lies_ahead
from leadscout_assets.runs.history import RUN_PERFORMANCE, to_records
from leadscout_assets.runs.judge import Verdict
from leadscout_assets.settings import Settings

if TYPE_CHECKING:
    from leadscout_assets.database.engine import Database

OVERLAP = timedelta(minutes=10)
"""How far before the newest record is read again: on PostgreSQL an event may appear late, see `defs/run_performance`."""

REMEMBERED = timedelta(days=1)
"""How long it is remembered that a record was counted; all events of one run are stored long before that."""

JUDGED_EVERY = timedelta(minutes=5)
"""How often the verdicts are looked up without a new record: a person may have accepted a new normal."""


def utc_now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


class HomeMetrics:
    """The sources of one home, opened when they are first read."""

    def __init__(self, settings: Settings, now: Callable[[], datetime] = utc_now) -> None:
        """Take the settings; nothing is opened yet."""
        self._settings, self._now = settings, now

    def sources(self) -> Mapping[str, Source]:
        """Return the sources by name."""
        return {
            "database": self._database_samples,
            "deliveries": self._delivery_samples,
            "alerts": self._alert_samples,
            "run_records": _Records(self._home, self._database, self._now),
            "backups": self._backup_samples,
        }

    def close(self) -> None:
        """Close what was opened."""
        if "_connected" in self.__dict__:
            self._connected.close()

    @cached_property
    def _home(self) -> Home:
        return Home(self._settings)

    @cached_property
    def _connected(self) -> Database:
        from leadscout_assets.database.engine import database_of

        return database_of(self._settings)

    def _database(self) -> Database | None:
        """Return the application database; None where none was made yet. Raises `EdgeFailed` for an older schema."""
        from leadscout_assets.database.engine import HEAD, current_revision

        database = self._connected
        if not database.is_there:
            return None
        if current_revision(database) != HEAD:
            raise EdgeFailed("the application database is upgraded at the next start of the platform")
        # What opens the home finds this database in place of one that it would upgrade.
        self._home.__dict__["database"] = database
        return database

    def _database_samples(self) -> Sequence[Sample]:
        from leadscout_assets.alerts.machine import APPLICATION, free_connections, probe_application

        database = self._connected
        if not database.is_there:
            return []
        probed, queries = probe_application(database), database.queries
        found = [
            Sample("database_up", 0.0 if probed.fault else 1.0, (APPLICATION,)),
            Sample("database_probe_seconds", probed.seconds, (APPLICATION,)),
            Sample("database_queries_total", queries.count),
            Sample("database_query_seconds_total", queries.seconds),
            Sample("database_slow_queries_total", queries.slow),
            *_pool(database, self._settings),
        ]
        if probed.fault:
            return found
        found.append(Sample("database_bytes", database.size_bytes(), (APPLICATION,)))
        free = free_connections(database)
        return found if free is None else [*found, Sample("database_connections_free", free)]

    def _delivery_samples(self) -> Sequence[Sample]:
        from leadscout_assets.database.deliveries import Deliveries

        if (database := self._database()) is None:
            return [Sample("batches", 0), Sample("batches_owed", 0)]
        deliveries = Deliveries(database)
        every, owed = deliveries.counts()
        found = [Sample("batches", every), Sample("batches_owed", owed)]
        if newest := deliveries.newest():
            found.append(Sample("newest_delivery_age_seconds", self._age(newest.delivered_at)))
        return found

    def _alert_samples(self) -> Sequence[Sample]:
        from leadscout_assets.alerts.facts import CRITICAL, WARNING
        from leadscout_assets.alerts.file_store import FileStore
        from leadscout_assets.alerts.rules import RULES
        from leadscout_assets.alerts.store import DatabaseStore
        from leadscout_assets.alerts.watch import lag_at

        states = list(FileStore(self._settings.alerts_dir).states().values())
        found, now = list[Sample](), self._now()
        if database := self._database():
            store = DatabaseStore(database)
            states += store.states().values()
            lag = lag_at(store.memory().value, store.oldest_waiting("alert_lag"), now)
            found = [Sample("alert_lag_seconds", lag), Sample("notifications_waiting", store.waiting())]
        firing = [(state.rule, state.level) for state in states if state.firing]
        return [
            *found,
            *(
                Sample("alerts_firing", firing.count((rule.name, level)), (rule.name, level))
                for rule in RULES
                for level in (WARNING, CRITICAL)
            ),
        ]

    def _backup_samples(self) -> Sequence[Sample]:
        from leadscout_assets.recovery.ages import ages

        found = ages(self._settings, self._now())
        moments = {"backup_age_seconds": found.backup_at, "proven_restore_age_seconds": found.proven_at}
        return [Sample(name, self._known_age(at)) for name, at in moments.items() if at is not None]

    def _known_age(self, at: datetime) -> float:
        # As old as can be: what is dated ahead of the clock must not pass for fresh.
        return math.inf if lies_ahead(self._now(), at) else self._age(at)

    def _age(self, at: datetime) -> float:
        return max((self._now() - at).total_seconds(), 0.0)


def _pool(database: Database, settings: Settings) -> list[Sample]:
    from sqlalchemy.pool import QueuePool

    pool = database.engine.pool
    limit = settings.database_pool_size + settings.database_max_overflow
    if not isinstance(pool, QueuePool):
        return []
    return [
        Sample("database_pool_connections", pool.checkedout(), ("in_use",)),
        Sample("database_pool_connections", pool.checkedin(), ("idle",)),
        Sample("database_pool_limit", limit),
    ]


class _Records:
    """Run records out of their table: all of them once, then what is new, and the verdicts when there is something new."""

    def __init__(self, home: Home, database: Callable[[], Database | None], now: Callable[[], datetime]) -> None:
        from leadscout_assets.performance import ASSETS

        self._home, self._database, self._now = home, database, now
        self._totals = StepTotals(ASSETS)
        self._counted: dict[Key, datetime] = {}
        self._newest_id: int | None = None
        self._newest_at: datetime | None = None
        self._verdicts: Sequence[Sample] = ()
        self._judged_at: datetime | None = None

    def __call__(self) -> Sequence[Sample]:
        newest = self._home.tables.largest(RUN_PERFORMANCE, "event_id")
        if newest is not None and newest != self._newest_id:
            self._count(self._unread())
            self._newest_id, self._judged_at = newest, None
        due = self._judged_at is None or self._now() - self._judged_at >= JUDGED_EVERY
        if newest is not None and due and self._database() is not None:
            self._verdicts, self._judged_at = self._judge(), self._now()
        return [*self._totals.samples(), *self._verdicts]

    def _unread(self) -> pa.Table:
        since = [] if self._newest_at is None else [("recorded_at", ">=", self._newest_at - OVERLAP)]
        return self._home.tables.select(RUN_PERFORMANCE, since)

    def _count(self, frame: pa.Table) -> None:
        for record, at in to_records(frame):
            key = key_of(record)
            if key not in self._counted:
                self._totals.add([record])
            self._counted[key] = at
            self._newest_at = at if self._newest_at is None else max(at, self._newest_at)
        assert self._newest_at is not None  # noqa: S101  # the table has a row, or nobody would have asked
        oldest = self._newest_at - REMEMBERED
        self._counted = {key: at for key, at in self._counted.items() if at >= oldest}

    def _judge(self) -> Sequence[Sample]:
        from leadscout_assets.performance import histories

        found = list[Sample]()
        for history in histories(self._home):
            if (told := history.verdict) is None:
                continue
            asset = (history.asset,)
            found += [
                Sample("performance_verdict", float(told.verdict is verdict), (*asset, str(verdict)))
                for verdict in Verdict
            ]
            if told.baseline is not None:
                found += [
                    Sample("baseline_seconds", told.baseline.centre, asset),
                    Sample("baseline_runs", told.baseline.runs, asset),
                    Sample("baseline_ratio", told.ratio, asset),
                ]
        return found
