"""Takes what people's answers decided out of classifications, once these answers were deleted. Frames in and out."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.contracts import CLASSIFICATIONS
from leadscout_assets.terms import Method

WITHDRAWN = "the answer that decided it was deleted"
"""Evidence of a classification that is made anew by the next run of its batch."""

_KEPT = ("batch_id", "lead_id", "model_version")


def decided_by_people(classifications: pa.Table, lead_ids: Collection[str]) -> pa.Array:
    """Say of each row (lead_id, method) whether an answer on one of these leads decided it."""
    mine = pc.is_in(classifications["lead_id"], pa.array(list(lead_ids), pa.string()))
    return pc.and_(mine, pc.equal(classifications["method"], Method.VERIFIED.value))


def withdrawn(classifications: pa.Table, lead_ids: Collection[str]) -> pa.Table:
    """Return CLASSIFICATIONS in which every row that an answer on one of these leads decided is an abstention."""
    mask = decided_by_people(classifications, lead_ids).to_numpy()
    emptied = [
        {name: row[name] if name in _KEPT else None for name in row}
        | {"origin_set": [], "method": Method.ABSTAINED.value, "evidence": WITHDRAWN}
        for row in classifications.filter(pa.array(mask)).to_pylist()
    ]
    places = np.arange(len(mask))
    places[mask] = len(mask) + np.arange(len(emptied))
    whole = pa.concat_tables([classifications, pa.Table.from_pylist(emptied, schema=classifications.schema)])
    return CLASSIFICATIONS.fit(whole.take(pa.array(places)))
