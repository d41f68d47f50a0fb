"""A million leads: seconds, memory, the price over merely reading and storing them, and whether cost grows in a line.

`python -m benchmarks.volume floor|materialize FOLDER SOURCE` does one of the two in this process and prints seconds as JSON.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.processes import LEADSCOUT, ROOT, Ended, Workplace, timed
from benchmarks.results import BenchmarkFailed, Figure, Outcome, highest, median
from leadscout_assets.leads.synthetic import write_delivery

DONE = (0, 1)
MILLION = 1_000_000


@dataclass(frozen=True)
class Measured:
    """One size: seconds and memory of the command, of the materialization through Dagster, and seconds of the floor."""

    rows: int
    command: tuple[Ended, ...]
    materialized: tuple[Ended, ...]
    floor: tuple[float, ...]


def volume(workplace: Workplace) -> Outcome:
    """Lists of 10k, 100k and 1M leads as CSV: by `leadscout run`, and delivered and materialized on an instance of their own."""
    sizes = (100, 1_000, 2_000) if workplace.quick else (10_000, 100_000, MILLION)
    small, middle, large = (
        _measure(workplace, rows, repetitions) for rows, repetitions in zip(sizes, (3, 3, 2), strict=True)
    )
    floor = min(large.floor)
    seconds = [ended.seconds for ended in large.command]
    stored = [json.loads(ended.output)["seconds"] for ended in large.materialized]
    return Outcome(
        "volume",
        (
            median("1M-lead CSV, `leadscout run`, start to exit", "s", seconds, target=60.0),
            highest("the same, peak memory", "MB", [e.peak_mb for e in large.command], target=3_000.0),
            median(
                "the same : the floor (read by pyarrow, stored by deltalake)",
                "times",
                [s / floor for s in seconds],
                target=20.0,
            ),
            median(
                "1M-lead CSV delivered and materialized, tables, events and checks included", "s", stored, target=60.0
            ),
            highest("the same, peak memory", "MB", [e.peak_mb for e in large.materialized], target=3_000.0),
            median("the same : the floor", "times", [s / floor for s in stored], target=20.0),
            _linear(
                "a further lead above 100k : below, `leadscout run`",
                small.command,
                middle.command,
                large.command,
                sizes,
            ),
            _linear("the same, materialized", small.materialized, middle.materialized, large.materialized, sizes),
        ),
        {"sizes": [_told(one) for one in (small, middle, large)]},
    )


def _linear(
    what: str, small: tuple[Ended, ...], middle: tuple[Ended, ...], large: tuple[Ended, ...], sizes: Any
) -> Figure:
    """Return the price of a further lead from the middle to the large size, over that from the small to the middle one."""
    low, mid, high = (min(ended.seconds for ended in one) for one in (small, middle, large))
    first, second = (mid - low) / (sizes[1] - sizes[0]), (high - mid) / (sizes[2] - sizes[1])
    return Figure(what, "times", second / first, (second / first,), target=1.3)


def _measure(workplace: Workplace, rows: int, repetitions: int) -> Measured:
    source = workplace.folder / f"leads-{rows}.csv"
    write_delivery(source, rows, seed=1)
    run = [LEADSCOUT, "run", source, "--out", workplace.folder / "out", "--json"]
    here = [sys.executable, "-m", "benchmarks.volume"]
    floors = [timed([*here, "floor", str(workplace.folder), str(source)], workplace, folder=ROOT) for _ in range(3)]
    return Measured(
        rows,
        tuple(timed(run, workplace, good=DONE) for _ in range(repetitions)),
        tuple(
            timed([*here, "materialize", str(workplace.folder), str(source)], workplace, folder=ROOT)
            for _ in range(repetitions)
        ),
        tuple(json.loads(ended.output)["seconds"] for ended in floors),
    )


def _told(one: Measured) -> dict[str, Any]:
    return {
        "rows": one.rows,
        "floor": one.floor,
        "run": [json.loads(ended.output)["seconds"] | {"cpu": round(ended.cpu_seconds, 1)} for ended in one.command],
        "materialized": [json.loads(ended.output) | {"process": round(ended.seconds, 1)} for ended in one.materialized],
    }


def floor(folder: Path, source: Path) -> dict[str, Any]:
    """Read the file as text with pyarrow and store it with deltalake; nothing is looked at."""
    import pyarrow as pa
    from deltalake import write_deltalake
    from pyarrow import csv

    shutil.rmtree(folder / "floor", ignore_errors=True)
    started = time.perf_counter()
    names = csv.open_csv(source).schema.names
    as_text = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
    write_deltalake(str(folder / "floor"), csv.read_csv(source, convert_options=as_text))
    return {"seconds": time.perf_counter() - started}


def materialize(folder: Path, source: Path) -> dict[str, Any]:
    """Deliver the file to a fresh home and materialize its batch on the embedded instance, checks included."""
    from leadscout_assets.defs.execution import run_here
    from leadscout_assets.defs.instance import ensure_partitions
    from leadscout_assets.defs.orphans import open_instance
    from leadscout_assets.home import Home
    from leadscout_assets.settings import read_settings, use_settings
    from leadscout_assets.supervisor import prepare_instance

    shutil.rmtree(folder / "materialized", ignore_errors=True)
    settings = use_settings(read_settings(home=folder / "materialized"))
    home = Home(settings)
    with open_instance(prepare_instance(settings).folder) as instance:
        started = time.perf_counter()
        batch = home.deliver(source, now=datetime.now(UTC)).delivery.batch_id
        delivered = time.perf_counter() - started
        ensure_partitions(instance, [batch])
        if not run_here(instance, [batch]):
            raise BenchmarkFailed("the run of the batch failed")
        seconds = time.perf_counter() - started
        events = instance.get_records_for_run(instance.get_run_records(limit=1)[0].dagster_run.run_id).records
    return {"seconds": seconds, "deliver": round(delivered, 2), "steps": steps_of(events)}


def steps_of(events: Any) -> dict[str, float]:
    """Return the seconds of each step of a run, from its events."""
    started: dict[str, float] = {}
    taken: dict[str, float] = {}
    for record in events:
        event = record.event_log_entry.dagster_event
        if event is not None and event.event_type_value == "STEP_START":
            started[event.step_key] = record.timestamp
        if event is not None and event.event_type_value == "STEP_SUCCESS":
            taken[event.step_key] = round(record.timestamp - started[event.step_key], 2)
    return taken


def main() -> None:
    """Do one of the two in this process and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["floor", "materialize"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("source", type=Path)
    options = parser.parse_args()
    print(json.dumps({"floor": floor, "materialize": materialize}[options.what](options.folder, options.source)))


if __name__ == "__main__":
    main()
