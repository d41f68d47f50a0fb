"""What a home tells Prometheus: nothing before there is anything, each record once, and what a person would count by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from leadscout_assets.alerts.engine import State
from leadscout_assets.alerts.facts import CRITICAL
from leadscout_assets.alerts.store import DatabaseStore
from leadscout_assets.database.deliveries import DeliveryRecord
from leadscout_assets.database.engine import database_of, downgrade
from leadscout_assets.errors import EdgeFailed
from leadscout_assets.home import Home
from leadscout_assets.home_metrics import HomeMetrics
from leadscout_assets.metrics.families import Sample
from leadscout_assets.metrics.text import render
from leadscout_assets.runs.history import RUN_PERFORMANCE, Event, to_frame
from leadscout_assets.runs.record import RunRecord

NOON = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)

RECORD = RunRecord("classifications", "run", 1, 100, 100, 2.0, 50.0, 200.0, machine_class="m", cold=False, answered=90)


def value(samples, family: str, *labels: str) -> float | None:
    found = [s.value for s in samples if (s.family, s.labels) == (family, labels)]
    assert len(found) < 2
    return found[0] if found else None


@pytest.fixture
def opened(home):
    found = Home(home)
    yield found
    found.database.close()


@pytest.fixture
def metrics(home):
    made = HomeMetrics(home, now=lambda: NOON)
    yield made.sources()
    made.close()


def deliver(home: Home, number: int, at: datetime) -> None:
    record = DeliveryRecord(f"2026-03-02_list_{number:08x}", f"{number:064x}", 10, at, 5)
    home.records.record(record)


def keep(home: Home, *records: RunRecord, first: int = 1, at: datetime = NOON) -> None:
    events = [
        Event(n, at + timedelta(seconds=n), one, "2026-03-02_l_00000001", 1) for n, one in enumerate(records, first)
    ]
    home.tables.add_new(RUN_PERFORMANCE, to_frame(events))


def test_a_home_that_is_not_there_yet_is_not_made(home, metrics):
    found = [sample for source in metrics.values() for sample in source()]
    assert not home.home.exists()
    assert value(found, "batches") == 0
    assert value(found, "steps_total", "leads", "failed") == 0
    assert render(found)


def test_deliveries_are_counted_with_what_is_owed_and_the_age_of_the_newest(opened, metrics):
    for number, hours in enumerate((5, 3, 2)):
        deliver(opened, number, NOON - timedelta(hours=hours))
    opened.records.note_reported(["2026-03-02_list_00000001"], NOON)
    found = metrics["deliveries"]()
    assert (value(found, "batches"), value(found, "batches_owed")) == (3, 2)
    assert value(found, "newest_delivery_age_seconds") == 7_200


def test_the_database_answers_with_its_size_its_pool_and_its_queries(opened, metrics):
    assert opened.records.newest() is None
    first, second = metrics["database"](), metrics["database"]()
    assert value(second, "database_up", "application_database") == 1
    assert value(second, "database_bytes", "application_database") > 10_000
    assert value(second, "database_pool_limit") == 30
    assert value(second, "database_queries_total") > value(first, "database_queries_total") > 0


def test_a_schema_of_an_earlier_version_is_told_and_left_as_it_is(opened, home, metrics):
    downgrade(opened.database, "0001")
    with pytest.raises(EdgeFailed, match="upgraded at the next start"):
        metrics["deliveries"]()
    database = database_of(home)
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "0001"
    database.close()


def test_alerts_that_fire_are_told_by_rule_and_level_and_all_others_as_zero(opened, metrics):
    store = DatabaseStore(opened.database)
    states = [
        State("run_failed", root, CRITICAL, "it failed", pending_since=NOON, fired_at=fired)
        for root, fired in (("raw_leads", NOON), ("backup", NOON), ("name_lexicon", None))
    ]
    memory = replace(store.memory(), value={"lags": [[NOON.timestamp() - 60, 12.5], [NOON.timestamp() - 7_200, 900.0]]})
    store.save(memory, now=NOON, states=states)
    found = metrics["alerts"]()
    assert value(found, "alerts_firing", "run_failed", "critical") == 2
    assert value(found, "alerts_firing", "disk_low", "warning") == 0
    assert value(found, "alert_lag_seconds") == 12.5
    assert value(found, "notifications_waiting") == 0


def test_each_run_record_counts_once_however_many_batches_and_looks_there_are(opened, metrics):
    opened.records.newest()
    keep(opened, *[RECORD] * 3, replace(RECORD, run_id="second"))
    for _ in range(2):
        found = metrics["run_records"]()
        assert value(found, "steps_total", "classifications", "succeeded") == 2
        assert value(found, "leads_classified_total", "answered") == 180
    # A late batch of the first run, and a run that is new.
    keep(opened, RECORD, replace(RECORD, run_id="third", abstained=4), first=10)
    found = metrics["run_records"]()
    assert value(found, "steps_total", "classifications", "succeeded") == 3
    assert value(found, "leads_classified_total", "abstained") == 4


def test_a_record_that_the_table_shows_late_is_counted_too(opened, metrics):
    opened.records.newest()
    keep(opened, RECORD, first=20)
    metrics["run_records"]()
    keep(opened, replace(RECORD, run_id="late"), first=5)
    keep(opened, replace(RECORD, run_id="after"), first=30)
    assert value(metrics["run_records"](), "steps_total", "classifications", "succeeded") == 3


def test_the_judges_verdict_and_its_baseline_are_told(opened, metrics):
    opened.records.newest()
    usual = [replace(RECORD, run_id=f"r{n}", seconds=2.0 + n / 100) for n in range(12)]
    slow = [replace(RECORD, run_id=f"s{n}", seconds=6.0) for n in range(2)]
    keep(opened, *usual, *slow)
    found = metrics["run_records"]()
    assert value(found, "performance_verdict", "classifications", "regression") == 1
    assert value(found, "performance_verdict", "classifications", "ok") == 0
    assert value(found, "baseline_seconds", "classifications") == pytest.approx(2.05, abs=0.1)
    assert value(found, "baseline_ratio", "classifications") == pytest.approx(2.9, abs=0.2)
    assert value(found, "baseline_runs", "classifications") >= 10


def test_ages_of_backups_are_told_once_there_are_any(opened, metrics, monkeypatch):
    assert metrics["backups"]() == []
    opened.settings.backups_dir.mkdir(parents=True)
    monkeypatch.setattr(
        "leadscout_assets.recovery.repository.Repository.ids", lambda _: ["2026-03-02T09-00-00.000000Z"]
    )
    found = metrics["backups"]()
    assert value(found, "backup_age_seconds") == 3_600
    assert {s.family for s in found} == {"backup_age_seconds"}


def test_a_backup_dated_ahead_of_the_clock_is_as_old_as_can_be(opened, metrics, monkeypatch):
    """Nothing is newer than what lies in the future: for ever fresh, it would keep the alert from firing."""
    opened.settings.backups_dir.mkdir(parents=True)
    monkeypatch.setattr(
        "leadscout_assets.recovery.repository.Repository.ids", lambda _: ["2026-03-05T09-00-00.000000Z"]
    )
    assert value(metrics["backups"](), "backup_age_seconds") == math.inf
    assert b"leadscout_backup_age_seconds +Inf" in render(metrics["backups"]())


def test_nothing_that_is_told_holds_a_batch_a_run_or_a_sentence(opened, metrics):
    deliver(opened, 1, NOON)
    keep(opened, RECORD)
    labels = {label for source in metrics.values() for s in source() for label in s.labels}
    assert not {label for label in labels if "2026" in label or " " in label or label in ("run", "m")}
    assert all(isinstance(s, Sample) for source in metrics.values() for s in source())
