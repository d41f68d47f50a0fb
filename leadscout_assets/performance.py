"""The performance history of one home: run records in the table, people's decisions in the database, and the verdicts on them.

How a verdict comes about stands in `runs/judge`; how records get into the table, in `defs/run_performance`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.errors import BadInput
from leadscout_assets.folders import make_private
from leadscout_assets.home import Home
from leadscout_assets.lead_tables import LEAD_TABLES
from leadscout_assets.runs.history import RUN_PERFORMANCE, to_entries
from leadscout_assets.runs.judge import Entry, Judgement, Verdict, judge
from leadscout_assets.terms import TIME_ZONE

if TYPE_CHECKING:
    from leadscout_assets.database.performance import Decision

ASSETS = (*(contract.name for contract in LEAD_TABLES), "known_leads")
"""The assets that leave run records, in the order of the chain."""

ENOUGH = 90
"""Runs of the newest one's kind that are read: three baselines full. A regression that nobody mends or accepts for that
many runs becomes the normal."""

LATELY = timedelta(days=14)
"""A kind of run that did not happen for this long before the newest run is not spoken of any more."""

WINDOWS = (timedelta(days=14), timedelta(days=120))
"""How far back is read at first, and where that was not enough; after that, everything."""


@dataclass(frozen=True)
class AssetHistory:
    """One asset's judged runs, the oldest first, and the new normals accepted for it."""

    asset: str
    judgements: tuple[Judgement, ...]
    accepted: tuple[Decision, ...] = ()

    @property
    def current(self) -> tuple[Judgement, ...]:
        """The newest run of each kind, of those that were run lately; a run of 500 rows says nothing about those of 50,000."""
        newest: dict[object, Judgement] = {}
        for judgement in self.judgements:
            if judgement.verdict is not Verdict.NOT_JUDGED:
                newest[judgement.entry.record.kind] = judgement
        found = sorted(newest.values(), key=lambda j: j.entry.at)
        return tuple(j for j in found if found[-1].entry.at - j.entry.at <= LATELY)

    @property
    def verdict(self) -> Judgement | None:
        """What is said of the asset: the newest regression among `current`, else the newest run; None where nothing is judged."""
        regressions = [j for j in self.current if j.verdict is Verdict.REGRESSION]
        found = regressions or self.current
        return found[-1] if found else None

    def to_json(self, *, whole: bool = False) -> dict[str, object]:
        """Return the verdict, and what stands behind it, as plain values; with every run where `whole`."""
        told = self.verdict
        every = {"history": [run_to_json(judgement) for judgement in self.judgements]} if whole else {}
        return {
            "asset": self.asset,
            "runs": len(self.judgements),
            "verdict": str(told.verdict) if told else None,
            "explanation": told.sentence if told else None,
            "kinds": [run_to_json(judgement) for judgement in self.current],
            "accepted": [{"at": _moment(d.at), "by": d.actor, "reason": d.reason} for d in self.accepted],
            **every,
        }


def run_to_json(judgement: Judgement) -> dict[str, object]:
    """Return a run, what is said of it, and the baseline that it was held against, as plain values."""
    record, baseline = judgement.entry.record, judgement.baseline
    return {
        "verdict": str(judgement.verdict),
        "explanation": judgement.sentence,
        "outcome": str(record.outcome),
        "size_class": record.size_class,
        "cold": record.cold,
        "machine_class": record.machine_class,
        "run_id": record.run_id,
        "at": _moment(judgement.entry.at),
        "seconds": record.seconds,
        "rows": record.rows_in,
        "rows_per_second": record.rows_per_second,
        "cpu_seconds": record.cpu_seconds,
        "peak_memory_mb": record.peak_memory_mb,
        "baseline_runs": baseline.runs if baseline else 0,
        "median_seconds": round(baseline.centre, 4) if baseline else None,
        "mad_seconds": round(baseline.mad, 4) if baseline else None,
    }


def _moment(at: datetime) -> str:
    return at.astimezone(TIME_ZONE).isoformat(timespec="seconds")


def histories(home: Home, assets: Sequence[str] = ASSETS, *, whole: bool = False) -> list[AssetHistory]:
    """Return the judged history of each asset: as far back as its baseline needs, or all of it where `whole`.

    Raises `BadInput` for an asset that leaves no run records.
    """
    from leadscout_assets.database.performance import accepted, marked_incidents

    for asset in assets:
        known_asset(asset)
    normals = accepted(home.database)
    incidents = frozenset(decision.subject for decision in marked_incidents(home.database))
    entries = _entries(home, assets, incidents, whole=whole)

    def history(asset: str) -> AssetHistory:
        own = tuple(decision for decision in normals if decision.subject == asset)
        mine = [entry for entry in entries if entry.record.asset == asset]
        return AssetHistory(asset, tuple(judge(mine, own[-1].at if own else None)), own)

    return [history(asset) for asset in assets]


def known_asset(asset: str) -> str:
    """Return the name of an asset that leaves run records. Raises `BadInput` for any other."""
    if asset not in ASSETS:
        raise BadInput(f"no asset of that name leaves run records; there are {', '.join(ASSETS)}")
    return asset


def _entries(home: Home, assets: Sequence[str], incidents: frozenset[str], *, whole: bool) -> list[Entry]:
    newest: datetime | None = home.tables.largest(RUN_PERFORMANCE, "recorded_at")
    if newest is None:
        return []
    entries: list[Entry] = []
    for window in (None,) if whole else (*WINDOWS, None):
        since = [("recorded_at", ">=", newest - window)] if window else []
        frame = home.tables.select(RUN_PERFORMANCE, since)
        entries = to_entries(frame.filter(pc.is_in(frame["asset"], pa.array(assets, pa.string()))), incidents)
        if _enough(entries, assets):
            break
    return entries


def _enough(entries: Sequence[Entry], assets: Sequence[str]) -> bool:
    counted = Counter(entry.record.kind for entry in entries)
    kinds = [kind for kind in counted if kind[0] in assets]
    return {kind[0] for kind in kinds} >= set(assets) and all(counted[kind] >= ENOUGH for kind in kinds)


def known_run(home: Home, run_id: str) -> str:
    """Return the id of a run that left a record. Raises `BadInput` for any other."""
    runs = home.tables.select(RUN_PERFORMANCE, [], ["run_id"])["run_id"]
    if not pc.any(pc.equal(runs, run_id), min_count=0).as_py():
        raise BadInput("no run of that id has left a record; `leadscout perf --asset leads --json` lists them")
    return run_id


def write_report(home: Home, out: Path | None = None) -> Path:
    """Write the page of all assets' histories and return its path. Raises `BadInput` where it cannot be written there."""
    from leadscout_assets.reports.performance_page import render_performance

    path = out or home.settings.reports_dir / "performance.html"
    page = render_performance(histories(home, whole=True), now=datetime.now(TIME_ZONE))
    try:
        if out is None:
            make_private(path.parent)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"--out: the page cannot be written there ({error.strerror}): name another file") from None
    return path.resolve()
