"""Taking back a batch of 100,000 leads that others share: seconds from the command's start to its end.

`python -m benchmarks.undo FOLDER ROWS` makes such a home and prints the batch to take back.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.processes import LEADSCOUT, ROOT, Workplace, timed
from benchmarks.results import Outcome, highest, median
from leadscout_assets import pipeline
from leadscout_assets.home import Home
from leadscout_assets.known_leads import join
from leadscout_assets.lead_tables import LEAD_TABLES
from leadscout_assets.leads.synthetic import generate, write_table
from leadscout_assets.leads.synthetic_again import generate_again
from leadscout_assets.settings import read_settings

TARGET_SECONDS = 60.0


def undo(workplace: Workplace) -> Outcome:
    """Two lists, of which the second repeats half of its rows from the first; the second is taken back."""
    rows = 500 if workplace.quick else 100_000
    made = timed([sys.executable, "-m", "benchmarks.undo", workplace.home, str(rows)], workplace, folder=ROOT)
    batch = json.loads(made.output)["batch"]
    ended = timed([LEADSCOUT, "undo", batch, "--json"], workplace)
    return Outcome(
        "undo",
        (
            median("`leadscout undo` of 100,000 rows, start to exit", "s", [ended.seconds], target=TARGET_SECONDS),
            highest("the same, peak memory", "MB", [ended.peak_mb]),
        ),
        {"undone": json.loads(ended.output), "cpu": round(ended.cpu_seconds, 1)},
    )


def make_home(root: Path, rows: int) -> str:
    """Make the home, all tables but the reports filled, and return the second batch."""
    home, before, batch = Home(read_settings(home=root)), generate(rows, 1), ""
    again, _ = generate_again(before, rows, 0.5, 2)
    root.mkdir(parents=True, exist_ok=True)
    for number, table in enumerate((before, again)):
        source = root / f"list {number}.csv"
        write_table(source, table)
        delivery = home.deliver(source, now=datetime.now(UTC) - timedelta(days=2 - number)).delivery
        batch = delivery.batch_id
        raw = pipeline.read([delivery], home.contents([delivery]), home.settings).raw
        leads, rejected, _ = pipeline.validate(raw, home.lead_id_key)
        made = (raw, leads, rejected, pipeline.classify(leads, home.settings, {}), pipeline.score(leads))
        for contract, frame in zip(LEAD_TABLES, made, strict=False):
            home.tables.replace(contract, frame, [batch])
        join(home.tables, leads, {batch: delivery.delivered_at})
    return batch


if __name__ == "__main__":
    print(json.dumps({"batch": make_home(Path(sys.argv[1]), int(sys.argv[2]))}))
