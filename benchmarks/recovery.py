"""Backup and restore of a home with a million leads: how long until it is safe, and until it is back and proven.

`python -m benchmarks.recovery HOME BATCHES ROWS` makes such a home: one list through the real chain, repeated.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.processes import LEADSCOUT, PURPOSE, ROOT, Ended, Workplace, timed
from benchmarks.results import BenchmarkFailed, Figure, Outcome
from leadscout_assets import pipeline
from leadscout_assets.home import Home
from leadscout_assets.lead_tables import LEAD_TABLES
from leadscout_assets.leads.synthetic import write_delivery
from leadscout_assets.settings import read_settings

RTO_SECONDS = 900.0
"""Fifteen minutes for a million leads, from the command to a home that is proven."""


def restore_1m(workplace: Workplace) -> Outcome:
    """Fifty batches of 20,000 leads: a first backup, one after nothing changed, and the restore with its proof."""
    batches, rows = (2, 500) if workplace.quick else (50, 20_000)
    making = [sys.executable, "-m", "benchmarks.recovery", workplace.home, str(batches), str(rows)]
    made = json.loads(timed(making, workplace, folder=ROOT).output)
    backups = workplace.folder / "backups"
    first, second = (timed([LEADSCOUT, "backup", "--to", backups, "--json"], workplace) for _ in range(2))
    target = workplace.folder / "restored"
    restored = timed([LEADSCOUT, "restore", backups, "--to", target, "--json"], workplace)
    compared = json.loads(restored.output)["compared"]
    if not all(one["equal"] for one in compared):
        raise BenchmarkFailed("what was restored is not what was backed up")
    return Outcome(
        "restore_1m",
        (
            _once("first backup of 1M leads, start to exit", first),
            _once("backup of 1M leads when nothing has changed", second),
            _once("restore of 1M leads with its proof, start to exit", restored, target=RTO_SECONDS),
            Figure("the same, peak memory", "MB", restored.peak_mb, (restored.peak_mb,), of="highest"),
        ),
        {
            "made": made,
            "backup": json.loads(first.output),
            "second_backup": json.loads(second.output),
            "rows": {one["name"]: one["rows"] for one in compared},
        },
    )


def make_home(root: Path, batches: int, rows: int) -> dict[str, Any]:
    """Make a home with `batches` batches of the same `rows` rows: delivered, in every table, and reported."""
    started = time.perf_counter()
    settings = read_settings(home=root, classification_purpose=PURPOSE)
    home, source = Home(settings), root.parent / "leads.csv"
    write_delivery(source, rows, seed=1)
    now = datetime.now(UTC) - timedelta(hours=1)
    first = home.deliver(source, now=now).delivery
    raw = pipeline.read([first], home.store.path, settings).raw
    leads, rejected, _ = pipeline.validate(raw, home.lead_id_key)
    grants = pipeline.ask_purpose([first], raw, settings, now)
    frames = pipeline.Frames(raw, leads, rejected, pipeline.classify(leads, settings, grants), pipeline.score(leads))
    reports, _ = pipeline.report([first], frames, settings.reports_dir, settings, grants)
    tables = {name: getattr(frames, name) for name in pipeline.Frames.__dataclass_fields__} | {"lead_reports": reports}
    for number in range(batches):
        batch = first.batch_id
        if number:
            # Blank lines make it another delivery of the same leads.
            with source.open("a", encoding="utf-8") as file:
                file.write("\n")
            batch = home.deliver(source, now=now).delivery.batch_id
            shutil.copytree(settings.reports_dir / first.batch_id, settings.reports_dir / batch)
        for contract in LEAD_TABLES:
            home.tables.replace(contract, _of(tables[contract.name], batch), [batch])
    return {"leads": batches * leads.num_rows, "seconds": round(time.perf_counter() - started, 1)}


def _of(frame: pa.Table, batch: str) -> pa.Table:
    column = frame.schema.get_field_index("batch_id")
    return frame.set_column(column, frame.schema.field(column), pa.array([batch] * frame.num_rows, pa.string()))


def _once(what: str, ended: Ended, **judged: float) -> Figure:
    return Figure(what, "s", ended.seconds, (ended.seconds,), of="one run", **judged)


if __name__ == "__main__":
    print(json.dumps(make_home(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
