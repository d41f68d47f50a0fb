"""Finding a new list's leads among a million known ones: seconds, memory, and how many are found rightly.

`python -m benchmarks.known_leads history|join FOLDER ...` does one part in this process and prints what it found as JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from benchmarks.processes import ROOT, Workplace, timed
from benchmarks.results import Figure, Outcome, highest, median
from leadscout_assets.contracts import KNOWN_LEAD_INDEX, KNOWN_LEAD_LINKS, LEADS
from leadscout_assets.identity.learning import leads_of, truth_of
from leadscout_assets.known_leads import join
from leadscout_assets.leads.synthetic import generate
from leadscout_assets.leads.synthetic_again import generate_again
from leadscout_assets.tables import Tables

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
JOIN_SECONDS, PRECISION, RECALL = 20.0, 0.99, 0.95
KNOWN_SHARE = 0.5
"""Share of a new list that the history has: half is more than real lists have, and costs more."""


def known_leads(workplace: Workplace) -> Outcome:
    """A history of 20 batches and a million leads; three lists of 500 and one of 20,000 that repeat half of theirs from it."""
    rows, batches, small, large = (500, 3, 50, 200) if workplace.quick else (50_000, 20, 500, 20_000)
    here = [sys.executable, "-m", "benchmarks.known_leads"]
    made = timed([*here, "history", workplace.folder, str(batches), str(rows)], workplace, folder=ROOT, patience=900)
    joins = []
    for number, size in enumerate((small, small, small, large), 1):
        prepared = [*here, "list", workplace.folder, str(number), str(rows), str(size)]
        timed(prepared, workplace, folder=ROOT)
        joins.append(timed([*here, "join", workplace.folder, str(number)], workplace, folder=ROOT))
    found = json.loads(timed([*here, "judge", workplace.folder, "4"], workplace, folder=ROOT).output)
    return Outcome(
        "known_leads",
        (
            median(
                "500 leads joined to 1M known leads, start to exit", "s", [e.seconds for e in joins[:3]], target=JOIN_SECONDS
            ),
            highest("the same, peak memory", "MB", [e.peak_mb for e in joins[:3]]),
            median("20,000 leads joined to 1M known leads", "s", [joins[3].seconds]),
            Figure("pairs found that are right", "share", found["precision"], (found["precision"],), target=PRECISION, at_least=True),
            Figure("right pairs found", "share", found["recall"], (found["recall"],), target=RECALL, at_least=True),
        ),
        {"history": json.loads(made.output), "found": found, "joins": [json.loads(e.output) for e in joins]},
    )  # fmt: skip


def batch_id(number: int) -> str:
    """Return the id of the history's batch `number`, or of a new list's, which count from 101."""
    return f"{(BEGIN + timedelta(days=number)).date()}_list_{number:08x}"


def history(folder: Path, batches: int, rows: int) -> dict[str, Any]:
    """Make the leads of a history and what is known of them; the tables as a night's maintenance leaves them."""
    tables, started = Tables(folder / "tables"), time.perf_counter()
    ids = [batch_id(number) for number in range(batches)]
    leads = [leads_of(generate(rows, number), batch)[0] for number, batch in enumerate(ids)]
    together = pa.concat_tables(leads)
    tables.replace(LEADS, together, ids)
    made = time.perf_counter()
    join(tables, together, {batch: BEGIN + timedelta(days=number) for number, batch in enumerate(ids)})
    joined = time.perf_counter() - made
    tables.maintain(KNOWN_LEAD_INDEX, timedelta(days=1))
    size = sum(path.stat().st_size for path in (folder / "tables" / KNOWN_LEAD_INDEX.name).rglob("*.parquet"))
    return {"leads": together.num_rows, "making": made - started, "joining": joined, "index_mb": size / 1e6}


def new_list(folder: Path, number: int, history_rows: int, rows: int) -> None:
    """Make the leads of a new list that repeats rows of the history's first batch, and the truth."""
    before = generate(history_rows, 0)
    again, truth = generate_again(before, rows, KNOWN_SHARE, 1_000 + number)
    left, repeats = leads_of(before, batch_id(0))
    right, _ = leads_of(again, batch_id(100 + number))
    parquet.write_table(right, folder / f"list-{number}.parquet")
    wanted = pa.array(truth_of(left, repeats, right, truth))
    at = pc.index_in(wanted, left["source_row"].combine_chunks().cast(pa.int64()))
    told = pa.table({"lead_id": right["lead_id"], "truth": left["lead_id"].take(at)})
    parquet.write_table(told, folder / f"truth-{number}.parquet")


def joined(folder: Path, number: int) -> dict[str, Any]:
    """Join a new list to what is known, as the chain does."""
    tables, batch = Tables(folder / "tables"), batch_id(100 + number)
    leads = LEADS.fit(parquet.read_table(folder / f"list-{number}.parquet"))
    tables.replace(LEADS, leads, [batch])
    started = time.perf_counter()
    found = join(tables, leads, {batch: BEGIN + timedelta(days=100 + number)})
    return {"seconds": time.perf_counter() - started, "first": found.first, "exact": found.exact, "near": found.near}


def judged(folder: Path, number: int) -> dict[str, float]:
    """Compare the links of a new list with the truth, pair by pair: a lead of the list and one of the history's first batch."""
    tables = Tables(folder / "tables")
    first, batch = (
        tables.read(KNOWN_LEAD_LINKS, [one], ["lead_id", "known_lead_id"])
        for one in (batch_id(0), batch_id(100 + number))
    )
    truth = parquet.read_table(folder / f"truth-{number}.parquet")
    known_of = dict(zip(first["lead_id"].to_pylist(), first["known_lead_id"].to_pylist(), strict=True))
    ours = dict(zip(batch["lead_id"].to_pylist(), batch["known_lead_id"].to_pylist(), strict=True))
    wanted = dict(zip(truth["lead_id"].to_pylist(), truth["truth"].to_pylist(), strict=True))
    in_first = set(known_of.values())
    right = np.array([wanted[lead] is not None and known_of[wanted[lead]] == known for lead, known in ours.items()])
    said = np.array([known in in_first for known in ours.values()])
    true = sum(lead is not None for lead in wanted.values())
    # Whatever is linked to another batch of the history, or to the wrong lead, is wrong.
    linked = sum(known != lead for lead, known in ours.items()) + sum(lead in in_first for lead in ours)
    return {
        "precision": right.sum() / max(linked, 1),
        "recall": right.sum() / max(true, 1),
        "linked": float(linked),
        "in_first": float(said.sum()),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Do one part in this process and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["history", "list", "join", "judge"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("numbers", nargs="*", type=int)
    options = parser.parse_args(arguments)
    parts = {"history": history, "list": new_list, "join": joined, "judge": judged}
    print(json.dumps(parts[options.what](options.folder, *options.numbers)))


if __name__ == "__main__":
    main()
