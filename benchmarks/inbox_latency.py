"""From a drop in the inbox to the report, with the platform running: one file at a time, and twelve at once."""

from __future__ import annotations

import hashlib
import os
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import Workplace, platform_up
from benchmarks.results import BenchmarkFailed, Outcome, median
from leadscout_assets.leads.synthetic import write_delivery
from leadscout_assets.supervisor.graphql import graphql
from leadscout_assets.terms import ALWAYS_REPORTED

TICK_SECONDS = 5.0
"""Period of the sensor daemon's loop: where in it a file is dropped decides how long it lies."""

POLL_SECONDS = 0.05
RUN_POLL_SECONDS = 0.5
PATIENCE_SECONDS = 240.0
TOGETHER = 12

MATERIALIZED = """query Materialized($batches: [String!]) {
  assetOrError(assetKey: {path: ["lead_reports"]}) {
    ... on Asset { assetMaterializations(partitions: $batches) { partition timestamp runId } }
  }
}"""
TICK = """{
  sensorOrError(sensorSelector: {
    repositoryLocationName: "leadscout", repositoryName: "__repository__", sensorName: "inbox"
  }) { ... on Sensor { sensorState { ticks(limit: 1) { timestamp } } } }
}"""
RUN = """query Run($id: ID!) { runOrError(runId: $id) { ... on Run { status creationTime startTime endTime } } }"""


@dataclass(frozen=True)
class Drop:
    """One drop, in seconds since the first file's rename into the inbox.

    offset: how long after a tick of the sensor. requested: the run was asked for. started: its process began
    to work. in_place: the last report file was seen. recorded: the last lead_reports materialization. ended: the run's
    end, its checks included.
    """

    files: int
    runs: int
    offset: float
    requested: float
    started: float
    in_place: float
    recorded: float
    ended: float

    @property
    def report(self) -> float:
        """Return when the reports lay there and were recorded."""
        return max(self.in_place, self.recorded)


@dataclass(frozen=True)
class Site:
    """A running platform: its folders and its address."""

    inbox: Path
    reports: Path
    url: str


def inbox_latency(workplace: Workplace) -> Outcome:
    """Drop 500-lead workbooks at all places of the sensor's period, after one drop that is not counted."""
    rows, singles, together = (50, 1, 1) if workplace.quick else (500, 8, 3)
    prepared = prepare(workplace.folder / "prepared", 1 + singles + together * TOGETHER, rows)
    dice = random.Random(1)
    with platform_up(workplace) as url:
        site = Site(workplace.home / "inbox", workplace.home / "reports", url)
        # The first run makes the tables, and reads from the disk what later ones find in its cache.
        first = drop(site, [next(prepared)], 0.0)
        alone = [drop(site, [next(prepared)], offset) for offset in offsets(singles, dice)]
        several = [drop(site, [next(prepared) for _ in range(TOGETHER)], offset) for offset in offsets(together, dice)]
    one, twelve = ([drop.report for drop in drops] for drops in (alone, several))
    return Outcome(
        "inbox_latency",
        (
            median("drop in the inbox to report, one 500-lead file", "s", one, target=12.0),
            median("drop in the inbox to reports, twelve 500-lead files at once", "s", twelve, target=18.0),
        ),
        {"rows": rows, "first": asdict(first), "alone": [*map(asdict, alone)], "twelve": [*map(asdict, several)]},
    )


def prepare(folder: Path, files: int, rows: int, seed: int = 0) -> Iterator[Path]:
    """Make different workbooks before anything is timed, and give them one by one."""
    paths = [folder / f"leads-{number:03}.xlsx" for number in range(1, files + 1)]
    for number, path in enumerate(paths, start=1):
        write_delivery(path, rows, seed + number)
    return iter(paths)


def offsets(count: int, dice: random.Random) -> list[float]:
    """Return random places in the tick period, one in each of `count` equal parts of it, in random order."""
    places = [(part + dice.random()) / count * TICK_SECONDS for part in range(count)]
    dice.shuffle(places)
    return places


def drop(site: Site, files: Sequence[Path], offset: float) -> Drop:
    """Drop files so long after a tick of the sensor, wait for their reports and the end of their runs."""
    digests = [hashlib.sha256(file.read_bytes()).hexdigest()[:8] for file in files]
    time.sleep((_last_tick(site.url) + offset - time.time()) % TICK_SECONDS)
    wall, began = time.time(), time.monotonic()
    for file in files:
        # Just written, as a copy is: the sensor has to wait until it has settled.
        os.utime(file)
        file.rename(site.inbox / file.name)
    in_place = _await_reports(site.reports, digests, began) - began
    batches = [folder.name for folder in _folders(site.reports, digests)]
    records, runs = _await_runs(site.url, batches)
    return Drop(
        files=len(files),
        runs=len(runs),
        offset=round(offset, 2),
        requested=round(min(run["creationTime"] for run in runs) - wall, 3),
        started=round(min(run["startTime"] for run in runs) - wall, 3),
        in_place=round(in_place, 3),
        recorded=round(max(records) - wall, 3),
        ended=round(max(run["endTime"] for run in runs) - wall, 3),
    )


def _last_tick(url: str) -> float:
    """Return when the sensor was last evaluated, seconds since 1970; wait for that where the platform has only just started."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        ticks = _ask(url, TICK, {})["sensorOrError"]["sensorState"]["ticks"]
        if ticks:
            return float(ticks[0]["timestamp"])
        time.sleep(RUN_POLL_SECONDS)
    raise BenchmarkFailed(f"the inbox sensor was not evaluated within {PATIENCE_SECONDS:.0f} s")


def _folders(reports: Path, digests: Sequence[str]) -> list[Path]:
    """Return the report folders of the batches; a batch id ends in the first eight digits of its file's SHA-256."""
    return [f for f in reports.iterdir() if f.name.endswith(tuple(digests))] if reports.is_dir() else []


def _await_reports(reports: Path, digests: Sequence[str], began: float) -> float:
    """Return the monotonic time at which the last file of the last report was seen."""
    while time.monotonic() - began < PATIENCE_SECONDS:
        folders = _folders(reports, digests)
        files = [folder / f"{folder.name}.{kind}" for folder in folders for kind in ALWAYS_REPORTED]
        if len(folders) == len(digests) and all(file.exists() for file in files):
            return time.monotonic()
        time.sleep(POLL_SECONDS)
    raise BenchmarkFailed(f"{len(digests)} files dropped, and not all reports there after {PATIENCE_SECONDS:.0f} s")


def _await_runs(url: str, batches: Sequence[str]) -> tuple[list[float], list[dict[str, Any]]]:
    """Return when each batch's report was recorded, and the runs that did it, once these have ended well."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = _ask(url, MATERIALIZED, {"batches": list(batches)})["assetOrError"]["assetMaterializations"]
        if {event["partition"] for event in found} == set(batches):
            runs = [_ask(url, RUN, {"id": run})["runOrError"] for run in {event["runId"] for event in found}]
            if all(run["endTime"] for run in runs):
                if any(run["status"] != "SUCCESS" for run in runs):
                    raise BenchmarkFailed("a run of the dropped files did not succeed")
                return [int(event["timestamp"]) / 1000 for event in found], runs
        time.sleep(RUN_POLL_SECONDS)
    raise BenchmarkFailed(f"the runs of the dropped files did not end within {PATIENCE_SECONDS:.0f} s")


def _ask(url: str, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    answer = graphql(url, query, variables)
    if not answer:
        raise BenchmarkFailed("the platform answered a question with errors alone")
    return answer
