"""Frames of many batches: count, cut and drop by `batch_id`. No meaning of any other column belongs here."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def rows_by_batch(frame: pa.Table) -> dict[str, int]:
    """Return rows per batch id."""
    counts = pc.value_counts(frame["batch_id"])
    return dict(zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True))


def by_batch(frame: pa.Table, batches: Sequence[str]) -> list[pa.Table]:
    """Cut a frame into one frame per batch, in the order of `batches`; a batch without rows gets an empty frame.

    Rows of other batches are left out.
    """
    counts = rows_by_batch(frame)
    if len(batches) == 1 and set(counts) <= set(batches):
        return [frame]  # the common case looks at nothing else
    starts = _starts(frame)
    if starts is None:
        frame = frame.take(pc.sort_indices(frame["batch_id"]))
        starts = _starts(frame) or {}
    return [frame.slice(starts.get(batch, 0), counts.get(batch, 0)) for batch in batches]


def _starts(frame: pa.Table) -> dict[str, int] | None:
    """Return the first row of each batch id; None where the rows of one do not lie together."""
    if not frame.num_rows:
        return {}
    ids = frame["batch_id"].combine_chunks()
    another = pc.not_equal(ids[1:], ids[:-1])
    at = np.concatenate(([0], np.flatnonzero(np.asarray(another)) + 1))
    starts = dict(zip(ids.take(pa.array(at)).to_pylist(), at.tolist(), strict=True))
    return starts if len(starts) == len(at) else None


def in_order(frame: pa.Table, names: Sequence[str]) -> pa.Table:
    """Return the frame sorted by some columns, ascending; one that is sorted already is returned as it is."""
    varying = [name for name in names if name != "batch_id" or len(rows_by_batch(frame)) > 1]
    if len(varying) == 1 and pa.types.is_integer(frame.schema.field(varying[0]).type):
        values = frame[varying[0]].to_numpy()
        if np.all(values[1:] >= values[:-1]):
            return frame
    return frame.sort_by([(name, "ascending") for name in varying]) if varying else frame


def without(frame: pa.Table, batches: Sequence[str]) -> pa.Table:
    """Return the frame without the rows of `batches`."""
    return frame.filter(pc.invert(pc.is_in(frame["batch_id"], pa.array(batches, pa.string())))) if batches else frame
