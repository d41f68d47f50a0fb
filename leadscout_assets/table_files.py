"""The files of a Delta table's version: which of them may hold what is asked for, and those as an Arrow dataset.

Nothing is written here, and nothing is known of contracts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from pyarrow.dataset import Dataset
    from pyarrow.fs import FileSystem

Filters = Sequence[tuple[str, str, Any]]
"""Conditions that all hold: column, comparison (`=`, `>=`, `in`, ...), value."""

PARTITION = "partition.batch_id"
"""Where deltalake's list of files tells the batch of each."""

PRECISION = timedelta(milliseconds=1)
"""Delta cuts the bounds of moments off there."""

BOUNDED: dict[str, tuple[Any, Any]] = {
    "<": (pc.less, None),
    "<=": (pc.less_equal, None),
    ">": (None, pc.greater),
    ">=": (None, pc.greater_equal),
    "=": (pc.less_equal, pc.greater_equal),
}
"""By comparison, what must hold of the least and of the most that a file has in a column."""


def all_files(table: DeltaTable) -> pa.Table:
    """Return the newest version's files: path, num_records (null where not recorded), batch and bounds of each column."""
    return pa.table(table.get_add_actions(flatten=True))


def files_of(table: DeltaTable, batches: Sequence[str]) -> pa.Table:
    """Return those of `batches`, with the columns of `all_files`."""
    files = all_files(table)
    return files.filter(pc.is_in(files[PARTITION], pa.array(batches, pa.string())))


def may_meet(files: pa.Table, filters: Filters) -> pa.Table:
    """Return those files that by their bounds may hold rows that meet all of `filters`; one without bounds may."""
    kept = pa.chunked_array([pa.repeat(pa.scalar(True), files.num_rows)])
    for column, comparison, value in filters:
        if f"max.{column}" not in files.column_names or comparison not in BOUNDED:
            continue
        bounds = files[f"min.{column}"], most(files, column)
        possible = [side(bound, value) for side, bound in zip(BOUNDED[comparison], bounds, strict=True) if side]
        for one in possible:
            kept = pc.and_(kept, pc.fill_null(one, True))
    return files.filter(kept)


def most(files: pa.Table, column: str) -> pa.ChunkedArray:
    """Return what no row of each file exceeds in a column; null where nothing is known."""
    bounds = files[f"max.{column}"]
    return pc.add(bounds, pa.scalar(PRECISION)) if pa.types.is_timestamp(bounds.type) else bounds


def dataset_of(folder: Path, table: DeltaTable, files: pa.Table) -> Dataset:
    """Return some files of a table in `folder`, as `all_files` lists them, as a dataset: what deltalake would give, without a look at the others.

    deltalake attaches every column's statistics to every file first: 15 s for one batch of 5,000, and 5 ms for each
    file that is read.
    """
    from pyarrow import dataset

    below = _files_below(folder)
    parquet = dataset.ParquetFileFormat(
        default_fragment_scan_options=dataset.ParquetFragmentScanOptions(pre_buffer=True)
    )
    batches = files[PARTITION].to_pylist() if PARTITION in files.column_names else [None] * files.num_rows
    fragments = [
        parquet.make_fragment(
            path,
            filesystem=below,
            partition_expression=None if batch is None else dataset.field("batch_id") == batch,
        )
        for path, batch in zip(files["path"].to_pylist(), batches, strict=True)
    ]
    return dataset.FileSystemDataset(fragments, pa.schema(table.schema().to_arrow()), parquet, below)


def _files_below(path: Path) -> FileSystem:
    # Arrow's own: deltalake's is written in Python, and one of Arrow's threads that lets go of it while the
    # interpreter ends aborts the process, after all its work was done (seen in 1 of 25 ends).
    from pyarrow import fs

    return fs.SubTreeFileSystem(str(path), fs.LocalFileSystem())
