"""What a lead list would become, found out without keeping anything of it: columns, leads, rejections, what is known already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets import pipeline
from leadscout_assets.contracts import FIELDS
from leadscout_assets.frames import rows_by_batch
from leadscout_assets.home import Home
from leadscout_assets.known_leads import compare
from leadscout_assets.leads.column_maps import ColumnMap
from leadscout_assets.leads.delivery import Delivery
from leadscout_assets.leads.grid import Grid, raw_leads
from leadscout_assets.leads.reading import read_grid
from leadscout_assets.progress import current
from leadscout_assets.single_run import describe

SAMPLES, NAMED_ROWS = 3, 5
"""Shapes shown of a column, and rows named of a reason."""


@dataclass(frozen=True)
class ColumnPlan:
    """One column of the list: the field it is read as, None where it is only kept; the share of its cells that are filled,
    0..1; how its first different values look, each letter as x and each digit as 9."""

    header: str
    field: str | None
    filled: float
    looks_like: tuple[str, ...]


@dataclass(frozen=True)
class ReasonPlan:
    """Why rows would be rejected: how many, and the first of them as a spreadsheet counts."""

    rows: int
    first: tuple[int, ...]


@dataclass(frozen=True)
class DeliveryPlan:
    """What delivering a list would do. `state`: of the batch that this content is already, None where it is new.

    `mapping`: `given`, the sender whose saved mapping fits, or None. `classification_usd`: what classifying would cost at most, US
    dollars; nothing unless a language model would be asked. `absent`: fields that no column was read as.
    """

    batch_id: str
    state: str | None
    rows: int
    leads: int
    rejected: int
    reasons: Mapping[str, ReasonPlan]
    warnings: Mapping[str, int]
    new: int
    changed: int
    unchanged: int
    changed_fields: Mapping[str, int]
    mapping: str | None
    columns: tuple[ColumnPlan, ...]
    absent: tuple[str, ...]
    classification_usd: float

    def to_json(self) -> dict[str, object]:
        """Return the plan as plain values."""
        return asdict(self)


def plan_delivery(home: Home, source: Path, *, now: datetime, named: ColumnMap | None = None) -> DeliveryPlan:
    """Work out what delivering `source` now would do. Stores nothing of it.

    Raises `BadInput` where there is no such file or a named column is not in it, and `UnreadableFile` where its batch would be refused.
    """
    settings = home.settings
    delivery = describe(source, settings, now)
    known = home.records.by_sha256(delivery.sha256)
    batch = known.batch_id if known else delivery.batch_id
    maps, progress = home.column_maps(named), current()
    progress.item(batch)
    progress.stage("raw_leads")
    grid = read_grid(source, limits=pipeline.read_limits(settings), sheet=settings.sheet, maps=maps)
    # Whoever was erased, or is on a list, would be rejected: a delivery, and its run, ask the same.
    raw = home.without_erased(raw_leads(grid, batch))
    progress.expect(raw.num_rows, "rows")
    progress.stage("leads", 0.8)
    leads, rejected, _ = pipeline.validate(raw, home.lead_id_key, home.suppressed)
    progress.stage("known_leads", 1.0)
    compared = compare(home.tables, leads, batch)
    return DeliveryPlan(
        batch_id=batch,
        state=_state(home, batch) if known else None,
        rows=raw.num_rows,
        leads=leads.num_rows,
        rejected=rejected.num_rows,
        reasons=_reasons(rejected),
        warnings=_counts(leads["warnings"]),
        mapping="given" if named else _sender(home, grid.header.digest),
        columns=_columns(grid),
        absent=tuple(name for name in FIELDS if name not in grid.header.fields),
        classification_usd=_cost(home, replace(delivery, batch_id=batch), raw, leads, now)
        if settings.llm_is_on
        else 0.0,
        new=compared.new,
        changed=compared.changed,
        unchanged=compared.unchanged,
        changed_fields=dict(sorted(compared.fields.items(), key=lambda item: (-item[1], item[0]))),
    )


def _cost(home: Home, delivery: Delivery, raw: pa.Table, leads: pa.Table, now: datetime) -> float:
    """Return what asking a language model about the names that nothing else decides would cost at most. Asks nobody."""
    from leadscout_assets.llm.evaluating import forecast
    from leadscout_assets.names.asked import full_names, undecided_rows
    from leadscout_assets.reviewing import confirmed

    grants = pipeline.ask_purpose([delivery], raw, home.settings, now)
    if not any(given.entry is not None and given.entry.llm for given in grants.values()):
        return 0.0
    classified = pipeline.classify(leads, home.settings, grants, confirmed(home))
    names = full_names(leads, undecided_rows(classified["method"], leads))
    return forecast(home.llm_stage(), list(dict.fromkeys(names))).most_usd


def _state(home: Home, batch: str) -> str:
    from leadscout_assets.batch_overview import details

    return details(home, batch).state


def _sender(home: Home, digest: str) -> str | None:
    from leadscout_assets.database.column_mappings import all_mappings

    return next((one.sender for one in all_mappings(home.database) if one.header == digest), None)


def _columns(grid: Grid) -> tuple[ColumnPlan, ...]:
    rows = len(grid.source_row)
    field_of = {index: name for name, index in grid.header.fields.items()}
    return tuple(
        ColumnPlan(header, field_of.get(index), round(1 - cells.null_count / rows, 4), _shapes(cells))
        for index, (header, cells) in enumerate(zip(grid.header.shown, grid.cells, strict=True))
    )


def _shapes(cells: pa.ChunkedArray) -> tuple[str, ...]:
    """Return the first different shapes of a column's values; what a value says cannot be told from its shape."""
    found: dict[str, None] = {}
    for value in cells.drop_null().slice(0, 200).to_pylist():
        found.setdefault(masked(value))
        if len(found) == SAMPLES:
            break
    return tuple(found)


def masked(text: str, most: int = 40) -> str:
    """Return a text's shape: x for a letter, X for a capital, 9 for a digit, at most `most` characters."""
    return "".join("9" if c.isdigit() else "X" if c.isupper() else "x" if c.isalpha() else c for c in text[:most])


def _reasons(rejected: pa.Table) -> dict[str, ReasonPlan]:
    codes = rejected["reasons"].combine_chunks()
    rows = rejected["source_row"].combine_chunks().take(pc.list_parent_indices(codes)).to_pylist()
    found: dict[str, list[int]] = {}
    for code, row in zip(pc.list_flatten(codes).to_pylist(), rows, strict=True):
        found.setdefault(code, []).append(row)
    ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    return {code: ReasonPlan(len(some), tuple(sorted(some)[:NAMED_ROWS])) for code, some in ordered}


def _counts(codes: pa.ChunkedArray) -> dict[str, int]:
    flat = pa.table({"batch_id": pc.list_flatten(codes)})
    return dict(sorted(rows_by_batch(flat).items(), key=lambda item: (-item[1], item[0])))
