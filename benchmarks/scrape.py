"""What a scrape of the metrics costs: the exporter on a small and on a large home, as a process of its own.

`python -m benchmarks.scrape FOLDER --batches N` prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from benchmarks.performance_history import _store as store_events
from benchmarks.processes import ROOT, Workplace, timed
from benchmarks.results import Figure, Outcome, median

SCRAPES = 20
FEW = 10
ASSETS = 6


def scrape(workplace: Workplace) -> Outcome:
    """Fill two homes, start an exporter on each, and ask it as Prometheus does."""
    many = 40 if workplace.quick else 5_000
    told = {}
    for name, batches in (("few", FEW), ("many", many)):
        folder = workplace.folder / name
        folder.mkdir()
        own = Workplace(folder, workplace.quick)
        command = [sys.executable, "-m", "benchmarks.scrape", folder, "--batches", str(batches)]
        told[name] = json.loads(timed(command, own, folder=ROOT, patience=1_800).output)
    large = told["many"]
    ratio = statistics.median(large["readings"]) / statistics.median(told["few"]["readings"])
    return Outcome(
        "scrape",
        (
            median(f"a scrape with {many:,} batches", "s", large["scrapes"], target=1.0),
            median("reading all sources in the background then", "s", large["readings"]),
            Figure(f"the same: with {many:,} batches : with {FEW}", "times", ratio, (ratio,)),
            Figure("the first scrape, which loads Dagster", "s", large["first"], (large["first"],)),
            Figure("from the exporter's start to its first answer", "s", large["start"], (large["start"],)),
            Figure("memory of the exporter before the first scrape", "MB", large["before"], (large["before"],)),
            Figure("the same after twenty scrapes", "MB", large["after"], (large["after"],)),
        ),
        told,
    )


def measure(batches: int) -> dict[str, Any]:
    """Fill the home of this process's settings with so many batches, and time the exporter on it."""
    from leadscout_assets.database.deliveries import DeliveryRecord
    from leadscout_assets.defs.orphans import open_instance
    from leadscout_assets.defs.run_performance import catch_up
    from leadscout_assets.home import Home
    from leadscout_assets.settings import current_settings
    from leadscout_assets.supervisor import prepare_instance

    settings = current_settings()
    home, now = Home(settings), datetime.now(UTC)
    for number in range(batches):
        name = f"2026-03-02_list_{number:08x}"
        home.records.record(DeliveryRecord(name, f"{number:064x}", 1, now - timedelta(minutes=number), 500))
    with open_instance(prepare_instance(settings).folder) as instance:
        store_events(instance, batches * ASSETS)
        catch_up(instance, home)
    home.database.close()

    began = time.perf_counter()
    command = [sys.executable, "-m", "leadscout_assets.cli", "exporter", "--port", str(_free_port())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as exporter:
        try:
            assert exporter.stdout is not None
            found = re.search(r"http://\S+(?=/health)", exporter.stdout.readline())
            assert found is not None
            _ask(f"{found[0]}/health")
            start = time.perf_counter() - began
            before = psutil.Process(exporter.pid).memory_info().rss / 1e6
            began = time.perf_counter()
            _ask(f"{found[0]}/metrics")
            first = time.perf_counter() - began
            scrapes, readings = [], []
            for _ in range(SCRAPES):
                began = time.perf_counter()
                text = _ask(f"{found[0]}/metrics")
                scrapes.append(time.perf_counter() - began)
                readings.append(
                    sum(map(float, re.findall(r"^leadscout_source_reading_seconds\{.*\} (\S+)$", text, re.M)))
                )
                time.sleep(2)
            after = psutil.Process(exporter.pid).memory_info().rss / 1e6
        finally:
            exporter.terminate()
    # The first reading imports and reads everything; what stays is what came after it.
    later = [seconds for seconds in readings if seconds != readings[0]] or readings
    return {
        "batches": batches, "start": start, "first": first, "scrapes": scrapes, "readings": later,
        "first_reading": readings[0], "before": before, "after": after,
    }  # fmt: skip


def _ask(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as response:  # noqa: S310  an address that the exporter printed
        return str(response.read().decode())


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Fill a home and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--batches", type=int, default=FEW)
    print(json.dumps(measure(parser.parse_args().batches)))


if __name__ == "__main__":
    main()
