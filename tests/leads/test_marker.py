"""The mark of generated rows: every generated row bears it, and no other row can look as if."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from leadscout_assets.leads.marker import MARKER, MARKER_COLUMN, unmarked
from leadscout_assets.leads.reading import read_lead_list
from leadscout_assets.leads.synthetic import write_delivery
from tests.scenario import BATCH_ID, LIMITS


def raw(*extras: dict[str, str] | None) -> pa.Table:
    texts = [None if extra is None else json.dumps(extra, ensure_ascii=False) for extra in extras]
    return pa.table({"batch_id": [BATCH_ID] * len(texts), "extra": pa.array(texts, pa.string())})


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_every_row_of_a_generated_delivery_bears_it_the_totals_too(tmp_path, suffix):
    write_delivery(tmp_path / f"list{suffix}", 60, seed=3)
    rows = read_lead_list(tmp_path / f"list{suffix}", batch_id=BATCH_ID, limits=LIMITS)
    assert rows.num_rows == 60
    assert unmarked(rows) == {}


def test_rows_without_it_are_counted():
    marked = {MARKER_COLUMN: MARKER}
    assert unmarked(raw(marked, None, {"Notes": "called"}, {**marked, "Notes": "called"})) == {BATCH_ID: 2}


@pytest.mark.parametrize(
    "extra",
    [
        {"Notes": f'"{MARKER_COLUMN}": "{MARKER}"'},
        {f'Notes": "x", "{MARKER_COLUMN}': MARKER},
        {MARKER_COLUMN: "no"},
        {MARKER_COLUMN: f"{MARKER}x"},
        {MARKER_COLUMN.lower(): MARKER},
        {f"{MARKER_COLUMN} (2)": MARKER},
        {f"not {MARKER_COLUMN}": MARKER},
    ],
)
def test_nothing_else_that_a_list_holds_passes_for_it(extra):
    assert unmarked(raw(extra)) == {BATCH_ID: 1}
