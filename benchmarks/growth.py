"""What a file costs when 5,000 batches are already there, against what it costs with ten: report, tick and asset page.

`python -m benchmarks.growth fill FOLDER N` fills the home that the settings name with N batches; `... tick HOME...` prints seconds of
sensor ticks in each of the homes, as JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.inbox_latency import Drop, Site, drop, offsets, prepare
from benchmarks.processes import ROOT, Workplace, platform_up, timed
from benchmarks.results import BenchmarkFailed, Figure, Outcome, median
from leadscout_assets.leads.synthetic import write_delivery

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from leadscout_assets.home import Home

FIRST = datetime(2024, 1, 1, 6, 0, tzinfo=UTC)
ROWS = 5
TOGETHER = 50
"""Batches of one commit of a table, and of one call of the chain: a year of history has many commits."""

TICKS, PAGES, DROPS = 200, 20, 4
WARM_TICKS = 5
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
PAGE_SECONDS = 60.0
PAGE_TARGET = 2.0
"""What people expect of a dashboard (checklist of production readiness)."""


def growth(workplace: Workplace) -> Outcome:
    """Fill a home with ten batches and one with 5,000; then, with both by turns, ticks with nothing to do, asset pages and files to their reports.

    By turns: a machine that others use changes its pace from minute to minute, by more than what is compared.
    """
    few, many = (2, 20) if workplace.quick else (10, 5_000)
    homes = [_filled(workplace, number) for number in (few, many)]
    ticked = timed(
        [sys.executable, "-m", "benchmarks.growth", "tick", *(own.home for own in homes)], workplace, folder=ROOT
    )
    with platform_up(homes[0]) as small, platform_up(homes[1]) as large:
        sites = [
            Site(own.home / "inbox", own.home / "reports", url) for own, url in zip(homes, (small, large), strict=True)
        ]
        drops = _drops(workplace, sites)
        pages = _pages([site.url for site in sites])
    measured = {
        "one more 500-lead file to its report": [[one.report for one in dropped] for dropped in drops],
        "the UI's asset page, until it shows how many batches are materialized": pages,
        "a sensor tick that finds nothing": json.loads(ticked.output),
    }
    return Outcome(
        "growth",
        (
            *(_ratio(f"{what}: with {many:,} batches : with {few}", *seconds) for what, seconds in measured.items()),
            median(f"the UI's asset page with {many:,} batches", "s", pages[1], target=PAGE_TARGET),
        ),
        {**measured, "drops": [[asdict(one) for one in dropped] for dropped in drops]},
    )


def _ratio(what: str, small: list[float], large: list[float]) -> Figure:
    ratio = statistics.median(large) / statistics.median(small)
    return Figure(what, "times", ratio, tuple(one / statistics.median(small) for one in large), target=1.3)


def _filled(workplace: Workplace, batches: int) -> Workplace:
    own = Workplace(workplace.folder / f"{batches}-batches", workplace.quick)
    own.folder.mkdir()
    command = [sys.executable, "-m", "benchmarks.growth", "fill", own.folder, str(batches)]
    timed(command, own, folder=ROOT, patience=3_600)
    return own


def _drops(workplace: Workplace, sites: Sequence[Site]) -> list[list[Drop]]:
    """Return what files took at each site; the first is not counted."""
    drops, rows = (1, 50) if workplace.quick else (DROPS, 500)
    files = prepare(workplace.folder / "prepared", len(sites) * (drops + 1), rows)
    found: list[list[Drop]] = [[] for _ in sites]
    # So long after a tick of the sensor at both: that decides more than what is compared.
    for offset in (0.0, *offsets(drops, random.Random(1))):
        for site, dropped in zip(sites, found, strict=True):
            dropped.append(drop(site, [next(files)], offset))
    return [dropped[1:] for dropped in found]


def _pages(urls: Sequence[str]) -> list[list[float]]:
    """Return seconds until the page of an asset shows the state of its partitions, in a browser; the first is not counted."""
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        raise BenchmarkFailed(f"the UI's page needs a browser: none of {', '.join(CHROMIUM)} is on the PATH")
    seconds: list[list[float]] = [[] for _ in urls]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        # Each in a window of its own: two addresses in one would share what the UI keeps.
        pages = [browser.new_context(viewport={"width": 1400, "height": 900}).new_page() for _ in urls]
        for _ in range(PAGES + 1):
            for url, page, taken in zip(urls, pages, seconds, strict=True):
                started = time.perf_counter()
                page.goto(f"{url}/assets/leads?view=partitions", timeout=PAGE_SECONDS * 1_000)
                page.get_by_text("Materialized (").first.wait_for(timeout=PAGE_SECONDS * 1_000)
                taken.append(time.perf_counter() - started)
                # What a page still asks for afterwards is not to be answered while the other is timed.
                page.wait_for_load_state("networkidle")
                page.goto("about:blank")
        browser.close()
    return [taken[1:] for taken in seconds]


def fill(folder: Path, batches: int) -> None:
    """Fill the home of this process's settings with reported batches.

    Rows go through the chain, events and records through their own interfaces. Report files are left out: no later run
    looks at those of other batches.
    """
    from leadscout_assets.defs.instance import ensure_partitions
    from leadscout_assets.defs.orphans import open_instance
    from leadscout_assets.home import Home
    from leadscout_assets.settings import current_settings
    from leadscout_assets.supervisor import prepare_instance

    settings = current_settings()
    home = Home(settings)
    settings.inbox_dir.mkdir(parents=True, exist_ok=True)
    with open_instance(prepare_instance(settings).folder) as instance:
        for first in range(0, batches, TOGETHER):
            ids = _deliver(home, folder, range(first, min(first + TOGETHER, batches)))
            ensure_partitions(instance, ids)
            _store(home, ids)
            _tell(instance, ids, run=f"run-{first:06}")
            home.records.note_reported(ids, datetime.now(UTC))
        _age(instance)


def ticks(folders: Sequence[Path]) -> list[list[float]]:
    """Return seconds of each tick of the sensor in each home, by turns; the first ones are not counted."""
    from leadscout_assets.defs.inbox_sensor import tick
    from leadscout_assets.defs.orphans import open_instance
    from leadscout_assets.home import Home
    from leadscout_assets.settings import Settings
    from leadscout_assets.supervisor import prepare_instance

    homes = [Home(Settings(home=folder)) for folder in folders]
    taken: list[list[float]] = [[] for _ in homes]
    with ExitStack() as stack:
        instances = [stack.enter_context(open_instance(prepare_instance(home.settings).folder)) for home in homes]
        for _ in range(TICKS + WARM_TICKS):
            for instance, home, seconds in zip(instances, homes, taken, strict=True):
                started = time.perf_counter()
                tick(instance, home, now=datetime.now(UTC))
                seconds.append(time.perf_counter() - started)
    return [seconds[WARM_TICKS:] for seconds in taken]


def _deliver(home: Home, folder: Path, numbers: range) -> list[str]:
    ids = []
    for number in numbers:
        path = folder / "leads.csv"
        write_delivery(path, ROWS, seed=number + 1)
        ids.append(home.deliver(path, now=FIRST + timedelta(hours=number)).delivery.batch_id)
    return ids


def _store(home: Home, ids: list[str]) -> None:
    from leadscout_assets import pipeline
    from leadscout_assets.contracts import LEAD_REPORTS
    from leadscout_assets.lead_tables import LEAD_TABLES
    from leadscout_assets.terms import ALWAYS_REPORTED

    import pyarrow as pa  # isort: skip

    deliveries = home.deliveries(ids)
    raw = pipeline.read(deliveries, home.store.path, home.settings).raw
    grants = pipeline.ask_purpose(deliveries, raw, home.settings, datetime.now(UTC))
    leads, rejected, _ = pipeline.validate(raw, home.lead_id_key)
    reports = pa.Table.from_pylist(
        [
            {"batch_id": batch, "kind": kind, "path": f"{batch}/{batch}.{kind}", "bytes": 1, "sha256": "0" * 64}
            for batch in ids
            for kind in ALWAYS_REPORTED
        ],
        LEAD_REPORTS.schema,
    )
    frames = (raw, leads, rejected, pipeline.classify(leads, home.settings, grants), pipeline.score(leads), reports)
    for table, frame in zip(LEAD_TABLES, frames, strict=True):
        home.tables.replace(table, frame, ids)


def _tell(instance: DagsterInstance, ids: list[str], run: str) -> None:
    """Report what a run reports of each batch: a materialization of every asset with its record, and a verdict of every check."""
    import dagster as dg

    from leadscout_assets.defs.lead_checks import LEAD_CHECKS, schema_contracts
    from leadscout_assets.defs.table_io import CONTRACTS
    from leadscout_assets.runs.record import Stopwatch

    watch = Stopwatch(1.0, 300.0, 1.0, cold=False)
    records = {
        asset: watch.record(
            asset=asset, run_id=run, batches=len(ids), rows_in=ROWS * len(ids), rows_out=ROWS * len(ids)
        )
        for asset in CONTRACTS
    }
    checks = [spec for one in (*LEAD_CHECKS, schema_contracts) for spec in one.check_specs]
    for batch in ids:
        for asset in CONTRACTS:
            instance.report_runless_asset_event(
                dg.AssetMaterialization(
                    asset, partition=batch, metadata={**records[asset].to_metadata(), "dagster/row_count": ROWS}
                )
            )
        for spec in checks:
            instance.report_runless_asset_event(
                dg.AssetCheckEvaluation(asset_key=spec.asset_key, check_name=spec.name, passed=True, partition=batch)
            )


def _age(instance: DagsterInstance) -> None:
    """Let all of it be a day old: each run reads what the last ten minutes brought again, which is never thousands of batches."""
    import sqlalchemy as sa

    storage: Any = instance.event_log_storage
    text = "json_set(event, '$.timestamp', json_extract(event, '$.timestamp') - 86400)"
    column = "strftime('%Y-%m-%d %H:%M:%f000', timestamp, '-1 day')"
    with storage.index_connection() as connection:
        connection.execute(sa.text(f"UPDATE event_logs SET event = {text}, timestamp = {column}"))


def main() -> None:
    """Fill a home, or print what ticks take."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    filling = commands.add_parser("fill")
    filling.add_argument("folder", type=Path)
    filling.add_argument("batches", type=int)
    ticking = commands.add_parser("tick")
    ticking.add_argument("homes", type=Path, nargs="+")
    options = parser.parse_args()
    if options.command == "fill":
        fill(options.folder, options.batches)
    else:
        print(json.dumps(ticks(options.homes)))


if __name__ == "__main__":
    main()
