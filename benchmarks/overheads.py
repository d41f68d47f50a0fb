"""What the chain and the tables cost over merely reading and storing the same rows: ratios, so that any machine will do.

`python -m benchmarks.overheads FOLDER [--rows N] [--repetitions N]` prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.processes import PURPOSE, ROOT, Workplace, timed
from benchmarks.results import Figure, Outcome
from leadscout_assets import pipeline
from leadscout_assets.lead_tables import LEAD_TABLES
from leadscout_assets.leads.synthetic import write_delivery
from leadscout_assets.settings import Settings
from leadscout_assets.single_run import describe
from leadscout_assets.tables import Tables

STEPS = ("floor", "read", "validate", "classify", "score", "report", "store")
CHAIN = STEPS[1:]


def overheads(workplace: Workplace) -> Outcome:
    """The chain on a 20,000-row CSV, its tables stored, against reading the file and storing its rows."""
    rows, repetitions = (1_000, 1) if workplace.quick else (20_000, 3)
    command = [sys.executable, "-m", "benchmarks.overheads", str(workplace.folder)]
    options = ["--rows", str(rows), "--repetitions", str(repetitions)]
    told = json.loads(timed([*command, *options], workplace, folder=ROOT).output)
    chain = [sum(one[step] for step in CHAIN) / one["floor"] for one in told]
    without = [sum(one[step] for step in CHAIN if step != "report") / one["floor"] for one in told]
    return Outcome(
        "overheads",
        (
            Figure(
                "chain on 20,000 CSV rows : reading and storing them", "times", statistics.median(chain), tuple(chain)
            ),
            Figure("the same without the report", "times", statistics.median(without), tuple(without)),
        ),
        {"rows": rows, "seconds": told},
    )


def measure(folder: Path, rows: int, repetitions: int) -> list[dict[str, float]]:
    """Return seconds of the floor and of each step, one dictionary per repetition, after one that is not counted."""
    source = folder / "leads.csv"
    write_delivery(source, rows, seed=1)
    settings = Settings(home=folder, classification_purpose=PURPOSE)
    return [_once(source, folder / "measured", settings) for _ in range(repetitions + 1)][1:]


def _once(source: Path, folder: Path, settings: Settings) -> dict[str, float]:
    # Stored anew each time, since replacing rows is not what the floor does.
    shutil.rmtree(folder, ignore_errors=True)
    seconds: dict[str, float] = {}

    def step(name: str, work: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        made = work()
        seconds[name] = round(time.perf_counter() - started, 4)
        return made

    step("floor", lambda: _floor(source, folder / "floor"))
    delivery = describe(source, settings, datetime.now(UTC))
    batches = [delivery.batch_id]
    raw = step("read", lambda: pipeline.read([delivery], lambda _: source, settings)).raw
    leads, rejected, _ = step("validate", lambda: pipeline.validate(raw, b"a key of the benchmark's own"))
    grants = pipeline.ask_purpose([delivery], raw, settings, delivery.delivered_at)
    classifications = step("classify", lambda: pipeline.classify(leads, settings, grants))
    scores = step("score", lambda: pipeline.score(leads))
    frames = pipeline.Frames(raw, leads, rejected, classifications, scores)
    reports, _ = step("report", lambda: pipeline.report([delivery], frames, folder / "reports", settings, grants))
    tables = Tables(folder / "tables")

    def store() -> None:
        made = (raw, leads, rejected, classifications, scores, reports)
        for contract, frame in zip(LEAD_TABLES, made, strict=True):
            tables.replace(contract, frame, batches)

    step("store", store)
    return seconds


def _floor(source: Path, folder: Path) -> None:
    import pyarrow as pa
    from deltalake import write_deltalake
    from pyarrow import csv

    names = csv.open_csv(source).schema.names
    as_text = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
    write_deltalake(str(folder), csv.read_csv(source, convert_options=as_text))


def main() -> None:
    """Measure in this process and print the seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args()
    print(json.dumps(measure(options.folder, options.rows, options.repetitions)))


if __name__ == "__main__":
    main()
