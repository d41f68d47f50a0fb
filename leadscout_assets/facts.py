"""Counts, for some batches, the facts that `checks` judges: from the tables, or from frames in memory.

Each figure is counted anew from its own table or file; nothing is carried over from what a step said of itself.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets import contracts
from leadscout_assets.checks import BatchFacts, ReportFacts
from leadscout_assets.contracts import Contract
from leadscout_assets.frames import rows_by_batch
from leadscout_assets.leads.delivery import Delivery
from leadscout_assets.names.outcome import ModelOutcome
from leadscout_assets.scoring import LEAD_SCORES
from leadscout_assets.terms import Method

ReadTable = Callable[[Contract, Sequence[str]], pa.Table]
"""Gives the named columns of a table, rows of the batches in question only."""

NEEDED: Mapping[str, Mapping[Contract, tuple[str, ...]]] = {
    "raw_leads": {contracts.RAW_LEADS: ()},
    "leads": {contracts.LEADS: ("warnings",), contracts.REJECTED_LEADS: ("reasons",)},
    "rejected_leads": {contracts.LEADS: (), contracts.REJECTED_LEADS: ()},
    "classifications": {contracts.LEADS: (), contracts.CLASSIFICATIONS: ("origin", "origin_set", "method")},
    "lead_scores": {contracts.LEADS: (), LEAD_SCORES: ()},
    "lead_reports": {
        contracts.LEADS: (),
        contracts.REJECTED_LEADS: (),
        contracts.CLASSIFICATIONS: ("origin", "origin_set", "method"),
        contracts.LEAD_REPORTS: ("kind", "path", "sha256"),
    },
}
"""Per asset, the tables and the columns beside `batch_id` that its checks are judged on."""


def gather(
    assets: Sequence[str],
    deliveries: Sequence[Delivery],
    refusals: Mapping[str, str],
    read: ReadTable,
    reports_dir: Path,
    asked: Mapping[str, ModelOutcome] | None = None,
) -> list[BatchFacts]:
    """Return the facts of each delivery, as far as the checks of `assets` need them.

    `refusals` maps a refused batch to its sentence; `asked` one that a language model may be asked about to what came of it.
    """
    columns: dict[Contract, set[str]] = {}
    for asset in assets:
        for contract, names in NEEDED[asset].items():
            columns.setdefault(contract, set()).update(names)
    frames = {contract.name: read(contract, ["batch_id", *sorted(names)]) for contract, names in columns.items()}
    counts = {name: rows_by_batch(frame) for name, frame in frames.items()}
    reasons = _codes_by_batch(frames.get("rejected_leads"), "reasons")
    warnings = _codes_by_batch(frames.get("leads"), "warnings")
    decided = _decisions_by_batch(frames.get("classifications"))
    reports = _files_by_batch(frames.get("lead_reports"))

    def facts(delivery: Delivery) -> BatchFacts:
        batch = delivery.batch_id
        answers = decided.get(batch, Counter())
        return BatchFacts(
            batch_id=batch,
            delivered=delivery.rows_counted,
            refusal=refusals.get(batch),
            raw=counts.get("raw_leads", {}).get(batch, 0),
            leads=counts.get("leads", {}).get(batch, 0),
            rejected=counts.get("rejected_leads", {}).get(batch, 0),
            reasons=reasons.get(batch, {}),
            warnings=warnings.get(batch, {}),
            classifications=counts.get("classifications", {}).get(batch, 0),
            answered=answers["answered"],
            narrowed=answers["narrowed"],
            abstained=answers["abstained"],
            without_purpose=answers["without_purpose"],
            scores=counts.get("lead_scores", {}).get(batch, 0),
            report=_read_report(reports_dir, reports[batch]) if batch in reports else None,
            asked=(asked or {}).get(batch),
        )

    return [facts(delivery) for delivery in deliveries]


def _codes_by_batch(frame: pa.Table | None, column: str) -> dict[str, dict[str, int]]:
    if frame is None or column not in frame.column_names:
        return {}
    codes = frame[column].combine_chunks()
    flat = pa.table(
        {
            "batch_id": frame["batch_id"].combine_chunks().take(pc.list_parent_indices(codes)),
            "code": pc.list_flatten(codes),
        }
    )
    return _tally(flat, "code")


def record_figures(frame: pa.Table) -> dict[str, int]:
    """Return what a run record says of the rows that its asset made, by field: warnings, answers, reports. What does not apply is left out."""
    names, found = set(frame.column_names), dict[str, int]()
    if "warnings" in names:
        found["warnings"] = pc.sum(pc.list_value_length(frame["warnings"]), min_count=0).as_py()
    if "origin_set" in names:
        counted = pc.value_counts(_decisions(frame)).to_pylist()
        found |= {one["values"]: one["counts"] for one in counted}
    if {"kind", "sha256"} <= names:
        found["reports"] = pc.count_distinct(frame["batch_id"]).as_py()
    return found


def _decisions(frame: pa.Table) -> pa.ChunkedArray:
    size = pc.list_value_length(frame["origin_set"])
    single = pc.is_valid(frame["origin"])
    return pc.if_else(single, "answered", pc.if_else(pc.greater(size, 0), "narrowed", "abstained"))


def _decisions_by_batch(frame: pa.Table | None) -> dict[str, Counter[str]]:
    if frame is None or "origin" not in frame.column_names:
        return {}
    counted = _tally(pa.table({"batch_id": frame["batch_id"], "decision": _decisions(frame)}), "decision")
    unasked = _tally(frame.filter(pc.equal(frame["method"], Method.NO_PURPOSE)), "method")
    return {
        batch: Counter(tally) + Counter(without_purpose=sum(unasked.get(batch, {}).values()))
        for batch, tally in counted.items()
    }


def _tally(frame: pa.Table, column: str) -> dict[str, dict[str, int]]:
    grouped = frame.group_by(["batch_id", column]).aggregate([([], "count_all")])
    tallies: dict[str, dict[str, int]] = {}
    for row in grouped.to_pylist():
        tallies.setdefault(row["batch_id"], {})[row[column]] = row["count_all"]
    return tallies


def _files_by_batch(frame: pa.Table | None) -> dict[str, list[dict[str, str]]]:
    files: dict[str, list[dict[str, str]]] = {}
    for row in frame.to_pylist() if frame is not None else ():
        files.setdefault(row["batch_id"], []).append(row)
    return files


def _read_report(reports_dir: Path, files: Sequence[Mapping[str, str]]) -> ReportFacts:
    from leadscout_assets.reports.reading_back import read_back

    return read_back(reports_dir, files)
