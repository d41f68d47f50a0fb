"""A backfill of a year of batches in one ranged run, against no-op assets and checks over the same partitions.

`python -m benchmarks.backfill chain|noop FOLDER --batches N --rows N` does one of the two in this process, on a fresh
embedded instance, and prints seconds as JSON.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.processes import ROOT, Workplace, timed
from benchmarks.results import BenchmarkFailed, Figure, Outcome, highest, median
from leadscout_assets.leads.synthetic import write_delivery

if TYPE_CHECKING:
    import dagster as dg

FIRST = datetime(2025, 1, 1, 6, 0, tzinfo=UTC)


def backfill(workplace: Workplace) -> Outcome:
    """365 batches of 500 leads, three report files each; the chain twice, and the no-op assets before and after either."""
    batches, rows = (6, 50) if workplace.quick else (365, 500)
    sizes = ["--batches", str(batches), "--rows", str(rows)]
    here = [sys.executable, "-m", "benchmarks.backfill"]

    def once(what: str) -> Any:
        return timed([*here, what, str(workplace.folder / what), *sizes], workplace, folder=ROOT, patience=1_800)

    what_ran = ("noop", "chain", "noop", "chain", "noop")
    ended = [(each, once(each)) for each in what_ran]
    told: dict[str, list[Any]] = {
        which: [json.loads(one.output) for each, one in ended if each == which] for which in ("chain", "noop")
    }
    chains, floors = ([one["seconds"] for one in told[which]] for which in ("chain", "noop"))
    floor = statistics.median(floors)
    what = f"backfill of {batches} batches x {rows} leads, one ranged run"
    return Outcome(
        "backfill",
        (
            Figure(
                f"{what} : no-op assets and checks",
                "times",
                statistics.median(chains) / floor,
                tuple(seconds / floor for seconds in chains),
                of="ratio of medians",
                target=2.5,
            ),
            median("the same", "s", chains),
            median("no-op assets and checks over as many partitions", "s", floors),
            highest("peak memory of the backfill", "MB", [one.peak_mb for each, one in ended if each == "chain"]),
        ),
        told,
    )


def measure(what: str, folder: Path, batches: int, rows: int) -> dict[str, Any]:
    """Return the seconds of one ranged run, from asking for it to its end, and of each of its steps."""
    from benchmarks.volume import steps_of
    from leadscout_assets.defs.instance import ensure_partitions
    from leadscout_assets.defs.orphans import open_instance
    from leadscout_assets.defs.partitions import partition_tags
    from leadscout_assets.settings import read_settings, use_settings
    from leadscout_assets.supervisor import prepare_instance

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    settings = use_settings(read_settings(home=folder / "home"))
    delivered = _deliver(settings, folder, batches, rows if what == "chain" else 1)
    job = _job(what)
    with open_instance(prepare_instance(settings).folder) as instance:
        ensure_partitions(instance, delivered)
        started = time.perf_counter()
        ended = job.execute_in_process(instance=instance, tags=partition_tags(delivered), run_config=_quiet())
        seconds = time.perf_counter() - started
        if not ended.success:
            raise BenchmarkFailed("the run failed")
        events = instance.get_records_for_run(ended.run_id).records
    return {"seconds": seconds, "steps": steps_of(events), "events": len(events)}


def _deliver(settings: Any, folder: Path, batches: int, rows: int) -> list[str]:
    from leadscout_assets.home import Home

    home, delivered = Home(settings), []
    for number in range(batches):
        path = folder / "leads.csv"
        write_delivery(path, rows, seed=number + 1)
        delivered.append(home.deliver(path, now=FIRST + timedelta(days=number)).delivery.batch_id)
    return delivered


def _quiet() -> dict[str, Any]:
    from leadscout_assets.defs.execution import QUIET

    return QUIET


def _job(what: str) -> dg.JobDefinition:
    if what == "noop":
        from benchmarks.noop import noop_job

        return noop_job()
    from leadscout_assets.definitions import definitions

    return definitions().resolve_job_def("lead_chain")


def main() -> None:
    """Do one of the two in this process and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["chain", "noop"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--batches", type=int, default=365)
    parser.add_argument("--rows", type=int, default=500)
    options = parser.parse_args()
    print(json.dumps(measure(options.what, options.folder, options.batches, options.rows)))


if __name__ == "__main__":
    main()
