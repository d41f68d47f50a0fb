"""What stands in the place of a row whose person was erased: one marker, and nothing of the row.

So that the row still counts wherever rows are counted, and is rejected with the reason `erased` by every run to come. A row of a
generated list keeps its mark, by which the whole list is known as generated.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.contracts import FIELDS, RAW_LEADS
from leadscout_assets.leads.marker import ALONE, carry_mark

MARKER = "(erased)"
"""Stands in the column of the business name; every other cell of the row is blank."""

MARKED = "entity_name"


def marked_rows(raw: pa.Table) -> npt.NDArray[np.bool_]:
    """Return for each row whether it is such a marker; `raw` fits `contracts.RAW_LEADS`."""
    marked = np.asarray(pc.fill_null(pc.equal(raw[MARKED], MARKER), False))
    if marked.any():
        for name in (*FIELDS, "defect"):
            if name != MARKED:
                marked = marked & np.asarray(pc.is_null(raw[name]))
        marked = marked & np.asarray(
            pc.or_(pc.is_null(raw["extra"]), pc.fill_null(pc.equal(raw["extra"], ALONE), False))
        )
    return marked


def without(raw: pa.Table, rows: npt.NDArray[np.bool_]) -> pa.Table:
    """Return `raw` with a marker in place of each of `rows` (a mask)."""
    if not rows.any():
        return raw
    mask, columns = pa.array(rows), {}
    for field in RAW_LEADS.schema:
        column = raw[field.name]
        if field.name not in ("batch_id", "source_row", "source_line"):
            value: Any = pa.scalar(MARKER if field.name == MARKED else None, field.type)
            if field.name == "extra":
                value = pc.if_else(carry_mark(column), pa.scalar(ALONE), value)
            column = pc.if_else(mask, value, column)
        columns[field.name] = column
    return RAW_LEADS.fit(pa.table(columns))
