"""What an answer decided goes with it; estimates, memory and other leads' answers stay."""

from __future__ import annotations

from leadscout_assets.contracts import CLASSIFICATIONS
from leadscout_assets.reviews.withdrawing import WITHDRAWN, decided_by_people, withdrawn
from leadscout_assets.terms import Origin
from tests.reports.samples import answer_row, frame, lead_id

VERIFIED = {"method": "verified", "language": "tamil", "p_indian": 0.95, "evidence": "confirmed for this lead"}


def test_only_rows_that_an_answer_on_these_leads_decided_become_abstentions():
    rows = frame(
        CLASSIFICATIONS,
        [
            answer_row(2, Origin.INDIAN) | VERIFIED,
            answer_row(3, Origin.INDIAN),
            answer_row(4, Origin.INDIAN) | VERIFIED,
            answer_row(5, Origin.INDIAN) | {"method": "memory"},
        ],
    )
    leads = [lead_id(2), lead_id(3), lead_id(5)]
    assert decided_by_people(rows, leads).to_pylist() == [True, False, False, False]
    found = withdrawn(rows, leads)
    assert found.slice(1).equals(rows.slice(1))
    row = found.slice(0, 1).to_pylist()[0]
    told = {name: value for name, value in row.items() if value is not None}
    assert told == {
        "batch_id": rows["batch_id"][0].as_py(),
        "lead_id": lead_id(2),
        "origin_set": [],
        "method": "abstained",
        "evidence": WITHDRAWN,
        "model_version": "1",
    }
    assert withdrawn(rows.slice(0, 0), leads).num_rows == 0
