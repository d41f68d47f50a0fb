"""The past of a demonstration: small lists of the last days, so that there is a baseline, and a regression to be seen.

On the days before the last two the chain really works and is really measured; only Dagster's runs around it are left out,
which cost more than the chain. The last two are real runs, slowed on purpose: their tag says so.
"""

from __future__ import annotations

import tempfile
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from leadscout_assets import pipeline
from leadscout_assets.batch_purposes import grant
from leadscout_assets.errors import EdgeFailed
from leadscout_assets.home import Home
from leadscout_assets.lead_tables import LEAD_TABLES
from leadscout_assets.progress import current
from leadscout_assets.runs.record import RunRecord, Stopwatch, measured
from leadscout_assets.terms import TIME_ZONE

if TYPE_CHECKING:
    import pyarrow as pa
    from dagster import DagsterInstance

DAYS, SLOW_DAYS = 14, 2
"""Days that are delivered, the last of them slowed. The first is cold and so of another kind: eleven make the baseline."""

ROWS = 40

SLOWED_TIMES = "8"
"""How many times as long as it needs the step that writes the reports takes then: so much stands out on a busy machine as well."""

HOUR = time(8, 0)

A_MOMENT = timedelta(minutes=2)
"""Before now: the second list of a day follows a minute after the first."""


def deliver_past_days(home: Home, *, days: int | None = None) -> None:
    """Deliver and run the lists of the last days up to today, one a day and now and then two; nothing where the home has
    deliveries already.

    Raises `EdgeFailed` where a run fails.
    """
    from leadscout_assets.defs.execution import run_here
    from leadscout_assets.defs.instance import ensure_partitions
    from leadscout_assets.defs.orphans import open_instance
    from leadscout_assets.defs.run_performance import catch_up
    from leadscout_assets.defs.steps import SLOWED
    from leadscout_assets.supervisor import prepare_instance

    count = DAYS if days is None else days
    if not count or home.records.newest() is not None:
        return
    now, progress = datetime.now(TIME_ZONE), current("days")
    today = now.date()
    with (
        tempfile.TemporaryDirectory(prefix="leadscout-demo-") as folder,
        open_instance(prepare_instance(home.settings).folder) as instance,
    ):
        for number in range(count):
            day = datetime.combine(today - timedelta(days=count - number - 1), HOUR, TIME_ZONE)
            # What is run as soon as it is delivered is fresh: the newest is of this moment, whatever the hour.
            day = day if number < count - 1 else now - A_MOMENT
            progress.stage("past days", (number + 1) / count)
            batches = _deliver(home, Path(folder), day, number)
            progress.item(batches[-1])
            ensure_partitions(instance, batches)
            if number < count - SLOW_DAYS:
                _record(instance, home, batches, run_id=f"recorded-{day:%Y-%m-%d}")
                if number == count - SLOW_DAYS - 1:
                    catch_up(instance, home)
            elif not run_here(instance, batches, {SLOWED: SLOWED_TIMES}):
                raise EdgeFailed(
                    "a run of the demonstration's past days failed; look at it in the UI, or run leadscout doctor"
                )
            home.records.note_reported(batches, datetime.now(TIME_ZONE))
            progress.tell(1.0)


def _deliver(home: Home, folder: Path, day: datetime, number: int) -> list[str]:
    from leadscout_assets.leads.synthetic import write_delivery

    batches = []
    for nth in range(2 if number % 4 == 3 else 1):
        path = folder / f"Leads {day:%d %B} {nth + 1}.csv"
        write_delivery(path, ROWS, seed=10_000 + 2 * number + nth)
        batches.append(home.deliver(path, now=day + timedelta(minutes=nth)).delivery.batch_id)
    return batches


def _record(instance: DagsterInstance, home: Home, batches: list[str], *, run_id: str) -> None:
    """Take the batches through the chain, store what it makes, and tell Dagster of it with the run records."""
    from leadscout_assets.defs.instance import report_materialized
    from leadscout_assets.facts import record_figures
    from leadscout_assets.frames import rows_by_batch
    from leadscout_assets.known_leads import join

    deliveries, settings = home.deliveries(batches), home.settings
    made: dict[str, pa.Table] = {}
    records: dict[str, RunRecord] = {}

    def keep(watch: Stopwatch, asset: str, rows_in: int, frame: pa.Table, rejected: int = 0) -> None:
        made[asset] = frame
        records[asset] = watch.record(
            asset=asset,
            run_id=run_id,
            batches=len(batches),
            rows_in=rows_in,
            rows_out=frame.num_rows,
            rejected=rejected,
            **record_figures(frame),
        )

    with measured("raw_leads") as watch:
        raw = pipeline.read(deliveries, home.store.path, settings).raw
    keep(watch, "raw_leads", raw.num_rows, raw)
    with measured("leads") as watch:
        leads, rejected, _ = pipeline.validate(raw, home.lead_id_key)
    keep(watch, "leads", raw.num_rows, leads, rejected.num_rows)
    keep(watch, "rejected_leads", raw.num_rows, rejected, rejected.num_rows)
    with measured("classifications") as watch:
        grants = grant(home, deliveries, run_id=run_id, actor="demonstration", now=datetime.now(TIME_ZONE), raw=raw)
        classifications = pipeline.classify(leads, settings, grants)
    keep(watch, "classifications", leads.num_rows, classifications)
    with measured("lead_scores") as watch:
        scores = pipeline.score(leads)
    keep(watch, "lead_scores", leads.num_rows, scores)
    frames = pipeline.Frames(raw, leads, rejected, classifications, scores)
    with measured("lead_reports") as watch:
        files, _ = pipeline.report(deliveries, frames, settings.reports_dir, settings, grants)
    keep(watch, "lead_reports", raw.num_rows, files)
    for contract in LEAD_TABLES:
        home.tables.replace(contract, made[contract.name], batches)
    with measured("known_leads") as watch:
        join(home.tables, leads, {one.batch_id: one.delivered_at for one in deliveries})
    keep(watch, "known_leads", leads.num_rows, leads)
    for asset, record in records.items():
        rows = rows_by_batch(made[asset])
        for batch in batches:
            told = {**record.to_metadata(), "dagster/row_count": rows.get(batch, 0)}
            report_materialized(instance, asset, batch, told)
