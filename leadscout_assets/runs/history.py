"""Run records as rows of a table, and back. Where the table lies, and where records come from, is not known here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import pyarrow as pa

from leadscout_assets import contracts
from leadscout_assets.contracts import Column
from leadscout_assets.runs.judge import Entry
from leadscout_assets.runs.record import RunRecord
from leadscout_assets.terms import Outcome

TYPES = {"str": contracts.STRING, "int": contracts.COUNT, "float": contracts.REAL, "bool": contracts.BOOLEAN}

SIZE_CLASS = Column("size_class", contracts.STRING, "orders of magnitude of rows and of batches", pattern=r"r\d+b\d+")


def _column(name: str, type_name: str, means: str) -> Column:
    if type_name == "Outcome":
        return Column(name, contracts.STRING, means, allowed=tuple(Outcome))
    return Column(name, TYPES[type_name], means, minimum=0 if type_name in ("int", "float") else None)


def _type_name(annotation: object) -> str:
    return getattr(annotation, "__name__", str(annotation))


RUN_PERFORMANCE = contracts.run_performance(
    (*(_column(f.name, _type_name(f.type), f.metadata["means"]) for f in fields(RunRecord)), SIZE_CLASS)
)
"""The columns of a run record are its fields, with what they mean."""


@dataclass(frozen=True)
class Event:
    """A run record as one event of Dagster's log holds it, with the batch that the event is about, and its rows."""

    event_id: int
    at: datetime
    record: RunRecord
    batch_id: str | None = None
    batch_rows: int | None = None


def to_frame(events: Sequence[Event]) -> pa.Table:
    """Return the events as a frame of `RUN_PERFORMANCE`."""
    columns: dict[str, list[object]] = {
        "event_id": [e.event_id for e in events],
        "recorded_at": [e.at for e in events],
        "batch_id": [e.batch_id for e in events],
        "batch_rows": [e.batch_rows for e in events],
        "size_class": [e.record.size_class for e in events],
        **{f.name: [getattr(e.record, f.name) for e in events] for f in fields(RunRecord)},
    }
    schema = RUN_PERFORMANCE.schema
    return pa.table({name: pa.array(columns[name], schema.field(name).type) for name in schema.names}, schema=schema)


def to_entries(frame: pa.Table, incidents: Collection[str] = ()) -> list[Entry]:
    """Return one entry per asset and run, the oldest first: the newest event's, as a step may be tried again within a run.

    `incidents` are ids of runs that a person marked.
    """
    newest = frame.sort_by("event_id").group_by(["asset", "run_id"], use_threads=False)
    names = [f.name for f in fields(RunRecord) if f.name not in ("asset", "run_id")]
    rows = newest.aggregate([(name, "last") for name in ("event_id", "recorded_at", *names)]).sort_by("event_id_last")
    return [_entry(row, names, incidents) for row in rows.to_pylist()]


def to_records(frame: pa.Table) -> list[tuple[RunRecord, datetime]]:
    """Return every different record with the time of its newest event, the oldest first: each attempt of a run by itself."""
    names = [f.name for f in fields(RunRecord)]
    grouped = frame.sort_by("event_id").group_by(names, use_threads=False)
    rows = grouped.aggregate([("event_id", "max"), ("recorded_at", "max")]).sort_by("event_id_max").to_pylist()
    return [
        (
            RunRecord(**{name: row[name] for name in names} | {"outcome": Outcome(row["outcome"])}),
            row["recorded_at_max"],
        )
        for row in rows
    ]


def _entry(row: dict[str, Any], names: Iterable[str], incidents: Collection[str]) -> Entry:
    found = {name: row[f"{name}_last"] for name in names}
    record = RunRecord(
        **{**found, "asset": row["asset"], "run_id": row["run_id"], "outcome": Outcome(found["outcome"])}
    )
    return Entry(record, row["recorded_at_last"], incident=record.run_id in incidents)
