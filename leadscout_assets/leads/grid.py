"""The shape that every lead source reads into, and the raw_leads frame made of it.

How a file becomes a grid is each source's own business.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.contracts import FIELDS, RAW_LEADS
from leadscout_assets.leads.columns import Header
from leadscout_assets.leads.title_rows import RowAbove
from leadscout_assets.terms import Defect


@dataclass(frozen=True)
class Grid:
    """A list's rows below its header, blank rows left out, as text; null where a cell is blank.

    `cells` has one array per column of the header (`Header` maps names to them) and all arrays are of one length;
    `source_line`, `defect` and `defect_text` are None where no row has one.
    """

    header: Header
    cells: list[pa.ChunkedArray]
    source_row: pa.Array
    source_line: pa.Array | None = None
    defect: pa.Array | None = None
    defect_text: pa.Array | None = None


def raw_leads(grid: Grid, batch_id: str) -> pa.Table:
    """Return the grid as a frame of the contract raw_leads, all of one batch."""
    rows = len(grid.source_row)
    absent = pa.nulls(rows, pa.string())
    columns = {
        "batch_id": pa.repeat(pa.scalar(batch_id), rows),
        "source_row": grid.source_row,
        "source_line": pa.nulls(rows, pa.int32()) if grid.source_line is None else grid.source_line,
        **{name: grid.cells[grid.header.fields[name]] if name in grid.header.fields else absent for name in FIELDS},
        "extra": _extra(grid),
        "defect": absent if grid.defect is None else grid.defect,
        "defect_text": absent if grid.defect_text is None else grid.defect_text,
    }
    return RAW_LEADS.fit(pa.table(columns))


def with_rows_above(grid: Grid, above: Sequence[RowAbove]) -> Grid:
    """Return the grid with the rows above its header as its first ones, each a defect: nothing says what their cells are."""
    if not above:
        return grid
    erased = [row.is_marker(grid.header) for row in above]
    read = [row.cells if marker else () for row, marker in zip(above, erased, strict=True)]
    defects = [None if marker else str(Defect.ABOVE_HEADER) for marker in erased]
    texts = [None if marker else row.text for row, marker in zip(above, erased, strict=True)]
    rows, strings = len(grid.source_row), pa.string()

    def first(values: Sequence[object], then: pa.Array | pa.ChunkedArray | None, kind: pa.DataType) -> pa.ChunkedArray:
        chunks = then.chunks if isinstance(then, pa.ChunkedArray) else [pa.nulls(rows, kind) if then is None else then]
        return pa.chunked_array([pa.array(values, kind), *chunks], kind)

    cells = [
        first([(row[at] or None) if at < len(row) else None for row in read], column, strings)
        for at, column in enumerate(grid.cells)
    ]
    lines = None if grid.source_line is None else first([row.line for row in above], grid.source_line, pa.int32())
    return Grid(
        grid.header,
        cells,
        first([row.row for row in above], grid.source_row, pa.int32()),
        lines,
        first(defects, grid.defect, strings),
        first(texts, grid.defect_text, strings),
    )


def blank_to_null(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return `cells` with null for every cell that is empty or whitespace, no-break spaces included."""
    blank = pc.equal(pc.utf8_trim_whitespace(cells), "")
    if not pc.any(blank).as_py():
        return cells
    return pc.if_else(blank, pa.scalar(None, pa.string()), cells)


def any_filled(cells: list[pa.ChunkedArray], rows: int) -> pa.ChunkedArray:
    """Return, for each row, whether one of its cells is not null."""
    filled = pa.chunked_array([pa.repeat(pa.scalar(False), rows)])
    for column in cells:
        filled = pc.or_(filled, pc.is_valid(column))
    return filled


def _extra(grid: Grid) -> pa.Array | pa.ChunkedArray:
    """Return one JSON object per row of its filled cells in unrecognised columns, null where there are none."""
    members = []
    for name, index in grid.header.extra.items():
        cells = grid.cells[index]
        if cells.null_count < len(cells):
            # Distinct values are escaped once each; a work column holds few, and the join below is Arrow's.
            coded = cells.combine_chunks().dictionary_encode()
            values = [json.dumps(value, ensure_ascii=False) for value in coded.dictionary.to_pylist()]
            member = pa.array([f"{json.dumps(name, ensure_ascii=False)}: {value}" for value in values], pa.string())
            members.append(member.take(coded.indices))
    if not members:
        return pa.nulls(len(grid.source_row), pa.string())
    # Arrow's join drops a row altogether where every element is null and skipped: hence the empty first one.
    joined = pc.binary_join_element_wise(pa.scalar(""), *members, pa.scalar(", "), null_handling="skip")
    opened = pc.binary_replace_slice(joined, start=0, stop=len(", "), replacement="{")
    closed = pc.binary_join_element_wise(opened, pa.scalar("}"), pa.scalar(""))
    return pc.if_else(pc.equal(joined, ""), pa.scalar(None, pa.string()), closed)
