"""The performance history: 100,000 run records out of the event log, and what a look costs afterwards.

`python -m benchmarks.performance_history FOLDER --events N` prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.processes import ROOT, Workplace, timed
from benchmarks.results import Figure, Outcome

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from leadscout_assets.home import Home

LOOKS = 5
FEW = 1_000
PER_RUN = 25
"""Batches of a run: between the one file of a day and the fifty of a backfill from the UI."""


def performance_history(workplace: Workplace) -> Outcome:
    """Fill an event log, read it into the table, then time looks that find one more run, after few and after many."""
    events = 600 if workplace.quick else 100_000
    few = 120 if workplace.quick else FEW
    told = {}
    for name, number in (("few", few), ("many", events)):
        folder = workplace.folder / name
        folder.mkdir()
        own = Workplace(folder, workplace.quick)
        command = [sys.executable, "-m", "benchmarks.performance_history", folder, "--events", str(number)]
        told[name] = json.loads(timed(command, own, folder=ROOT, patience=3_600).output)
    ratio = statistics.median(told["many"]["looks"]) / statistics.median(told["few"]["looks"])
    judged = statistics.median(told["many"]["judged"])
    first = told["many"]["first"]
    return Outcome(
        "performance_history",
        (
            Figure("100,000 run records out of the event log into their table", "s", first, (first,), target=20.0),
            Figure(
                f"a later look that finds one more run: after {events:,} : after {few:,}",
                "times",
                ratio,
                (ratio,),
                target=1.5,
            ),
            Figure("judging all six assets then", "s", judged, tuple(told["many"]["judged"])),
        ),
        told,
    )


def fill(events: int) -> dict[str, Any]:
    """Fill the home of this process's settings with so many materializations, and time what is done with them."""
    from leadscout_assets.defs.orphans import open_instance
    from leadscout_assets.defs.run_performance import catch_up
    from leadscout_assets.home import Home
    from leadscout_assets.performance import histories
    from leadscout_assets.settings import current_settings
    from leadscout_assets.supervisor import prepare_instance

    settings = current_settings()
    home = Home(settings)
    assert home.database
    with open_instance(prepare_instance(settings).folder) as instance:
        _store(instance, events)
        started = time.perf_counter()
        added = catch_up(instance, home)
        first = time.perf_counter() - started
        assert added == events, (added, events)
        looks, judged = [], []
        for number in range(LOOKS + 1):
            _one_more(instance, home, number)
            started = time.perf_counter()
            assert catch_up(instance, home) == 1
            looks.append(time.perf_counter() - started)
            started = time.perf_counter()
            histories(home)
            judged.append(time.perf_counter() - started)
    return {"events": events, "first": first, "looks": looks[1:], "judged": judged[1:]}


def _store(instance: DagsterInstance, events: int) -> None:
    """Write the rows of the event log at once: through the instance each costs milliseconds, which are not what is measured.

    The newest are an hour old: a look reads what is within the overlap again, whatever the history.
    """
    import dagster as dg
    import sqlalchemy as sa
    from dagster._core.events import StepMaterializationData
    from dagster._core.events.log import EventLogEntry
    from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
    from dagster._serdes import serialize_value

    from leadscout_assets.performance import ASSETS
    from leadscout_assets.runs.record import Stopwatch

    begin = time.time() - 3_600 - events
    rows = []
    for number in range(events):
        asset, run = ASSETS[number % len(ASSETS)], f"run-{number // (len(ASSETS) * PER_RUN):06}"
        watch = Stopwatch(1.0 + number % 7 / 50, 300.0, 1.0, cold=False)
        record = watch.record(asset=asset, run_id=run, batches=PER_RUN, rows_in=500 * PER_RUN, rows_out=490 * PER_RUN)
        batch = f"2026-03-02_list_{number:08x}"
        made = dg.AssetMaterialization(
            asset, partition=batch, metadata={**record.to_metadata(), "dagster/row_count": 490}
        )
        event = dg.DagsterEvent(
            dg.DagsterEventType.ASSET_MATERIALIZATION.value,
            "lead_chain",
            step_key=asset,
            event_specific_data=StepMaterializationData(made, []),
        )
        entry = EventLogEntry(
            error_info=None,
            level=20,
            user_message="",
            run_id=run,
            timestamp=begin + number,
            step_key=asset,
            job_name="lead_chain",
            dagster_event=event,
        )
        rows.append(
            {
                "run_id": run,
                "event": serialize_value(entry),
                "dagster_event_type": event.event_type_value,
                "timestamp": datetime.fromtimestamp(entry.timestamp, UTC).replace(tzinfo=None),
                "step_key": asset,
                "asset_key": dg.AssetKey(asset).to_string(),
                "partition": batch,
            }
        )
    storage: Any = instance.event_log_storage
    with storage.index_connection() as connection:
        for first in range(0, events, 5_000):
            connection.execute(sa.insert(SqlEventLogStorageTable), rows[first : first + 5_000])


def _one_more(instance: DagsterInstance, home: Home, number: int) -> None:
    from leadscout_assets.defs.instance import report_materialized
    from leadscout_assets.runs.record import Stopwatch

    record = Stopwatch(1.0, 300.0, 1.0, cold=False).record(
        asset="leads", run_id=f"more-{number}", batches=1, rows_in=500, rows_out=490
    )
    report_materialized(instance, "leads", f"2026-03-03_list_{number:08x}", record.to_metadata())


def main() -> None:
    """Fill a home and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events", type=int, default=1_000)
    options = parser.parse_args()
    print(json.dumps(fill(options.events)))


if __name__ == "__main__":
    main()
