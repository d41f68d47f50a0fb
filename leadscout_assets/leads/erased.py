"""What stands in the place of a row whose person was erased: one marker, and nothing of the row.

So that the row still counts wherever rows are counted, and is rejected with the reason `erased` by every run to come.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.contracts import FIELDS, RAW_LEADS

MARKER = "(erased)"
"""Stands in the column of the business name; every other cell of the row is blank."""

MARKED = "entity_name"


def marked_rows(raw: pa.Table) -> npt.NDArray[np.bool_]:
    """Return for each row whether it is such a marker; `raw` fits `contracts.RAW_LEADS`."""
    marked = np.asarray(pc.fill_null(pc.equal(raw[MARKED], MARKER), False))
    if marked.any():
        for name in (*FIELDS, "extra", "defect"):
            if name != MARKED:
                marked = marked & np.asarray(pc.is_null(raw[name]))
    return marked


def without(raw: pa.Table, rows: npt.NDArray[np.bool_]) -> pa.Table:
    """Return `raw` with a marker in place of each of `rows` (a mask)."""
    if not rows.any():
        return raw
    mask, columns = pa.array(rows), {}
    for field in RAW_LEADS.schema:
        column = raw[field.name]
        if field.name not in ("batch_id", "source_row", "source_line"):
            value: Any = MARKER if field.name == MARKED else None
            column = pc.if_else(mask, pa.scalar(value, field.type), column)
        columns[field.name] = column
    return RAW_LEADS.fit(pa.table(columns))
