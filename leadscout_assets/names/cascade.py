"""Classifies names by a cascade of stages. Interface only for the moment: every lead abstains."""

from __future__ import annotations

import pyarrow as pa

from leadscout_assets.contracts import CLASSIFICATIONS
from leadscout_assets.terms import Method, Origin


def load_classifier() -> object:
    """Return the classifier of the package's data files."""
    return None


def classify_leads(leads: pa.Table, classifier: object, *, purpose: str | None, reveal_religion: bool) -> pa.Table:
    """Return one classification per lead, fitting `contracts.CLASSIFICATIONS`."""
    n = leads.num_rows
    columns: dict[str, pa.Array] = {"batch_id": leads["batch_id"], "lead_id": leads["lead_id"]}
    for c in CLASSIFICATIONS.columns[2:]:
        columns[c.name] = pa.nulls(n, c.type)
    columns["origin_set"] = pa.array([[]] * n, pa.list_(pa.string()))
    columns["method"] = pa.array([Method.ABSTAINED if (purpose or "").strip() else Method.NO_PURPOSE] * n, pa.string())
    columns["model_version"] = pa.array(["000000000000"] * n, pa.string())
    assert Origin
    return CLASSIFICATIONS.fit(pa.table(columns))
