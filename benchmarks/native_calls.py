"""How long a signal may have to wait: Python handles it between two of its own steps, and so not during a call of a library.

`python -m benchmarks.native_calls FOLDER SOURCE` takes a list through the chain in this process, as `leadscout run` does and through
Dagster, and prints the longest waits as JSON.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from benchmarks.processes import PURPOSE, ROOT, Workplace, timed
from benchmarks.results import Outcome, highest
from benchmarks.volume import materialize
from leadscout_assets.leads.synthetic import write_delivery
from leadscout_assets.settings import Settings
from leadscout_assets.single_run import run_file

EVERY_SECONDS = 0.02
SHOWN = 5


@dataclass
class Waits:
    """Signals that come regularly, and the longest times between two that were handled, with where the program was then."""

    longest: list[tuple[float, str]] = field(default_factory=list)
    last: float = 0.0

    def handle(self, _number: int, frame: FrameType | None) -> None:
        """Note how long ago the last one was handled."""
        now = time.perf_counter()
        where = f"{frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno}" if frame else ""
        self.longest = sorted([*self.longest, (now - self.last, where)], reverse=True)[:SHOWN]
        self.last = now


@contextmanager
def signalled() -> Iterator[Waits]:
    """Send this process a signal again and again while the block runs."""
    waits = Waits(last=time.perf_counter())
    signal.signal(signal.SIGALRM, waits.handle)
    signal.setitimer(signal.ITIMER_REAL, EVERY_SECONDS, EVERY_SECONDS)
    try:
        yield waits
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def native_calls(workplace: Workplace) -> Outcome:
    """A million leads through the chain, both ways, while a signal comes every 20 ms: the longest time between two that were seen."""
    rows = 2_000 if workplace.quick else 1_000_000
    source = workplace.folder / "leads.csv"
    write_delivery(source, rows, seed=1)
    command = [sys.executable, "-m", "benchmarks.native_calls", str(workplace.folder), str(source)]
    waits = json.loads(timed(command, workplace, folder=ROOT).output)
    return Outcome(
        "native_calls",
        (
            highest(
                "1M-lead CSV, `leadscout run`: longest time without a look at signals",
                "s",
                [waits["run"][0][0]],
                target=5.0,
            ),
            highest("the same, materialized", "s", [waits["materialized"][0][0]], target=5.0),
        ),
        {"rows": rows, "longest": waits},
    )


def main() -> None:
    """Take a list through the chain both ways and print the longest waits: seconds, and which line was next."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("source", type=Path)
    options = parser.parse_args()
    settings = Settings(home=options.folder / "home", classification_purpose=PURPOSE)
    with signalled() as run:
        run_file(
            options.source,
            options.folder / "out",
            settings,
            lead_id_key=b"one of its own",
            delivered_at=datetime.now(UTC),
        )
    with signalled() as materialized:
        materialize(options.folder, options.source)
    print(json.dumps({"run": run.longest, "materialized": materialized.longest}))


if __name__ == "__main__":
    main()
