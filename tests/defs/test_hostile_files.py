"""Hostile files in the inbox: each becomes a refused batch with a red check that says why; the good one beside them is done."""

from __future__ import annotations

import dagster as dg

from leadscout_assets.defs.inbox_sensor import tick
from tests.defs.ground import MORNING, small_list
from tests.hostile.registry import FILES

NASTIEST = {
    "four billion shared strings": "damaged",
    "the date -1e300": "damaged",
    "a billion laughs in the shared strings": "unsafe_xml",
    "a bomb that declares a hundred bytes": "damaged",
    "a bomb of a worksheet": "compression_ratio",
    "very hidden worksheets only": "no_sheet",
    "a million columns": "too_many_columns",
    "six million blank lines": "too_many_lines",
    "ten million empty columns": "line_too_long",
    "zero bytes (1)": "binary",
}


def test_hostile_files_become_refused_batches_and_stop_nobody(ground):
    hostile = {file.name: file.content() for file in FILES if file.name in NASTIEST}
    assert set(hostile) == set(NASTIEST)
    for number, content in enumerate(hostile.values()):
        ground.drop(f"leads {number}.xlsx", content)
    ground.drop("leads march.csv", small_list(1))

    (request,) = tick(ground.instance, ground.home, now=MORNING)
    run = ground.run(request.batches)

    assert run.status == dg.DagsterRunStatus.SUCCESS
    records = {record.sha256: record for record in ground.home.records.all()}
    refusals = ground.home.records.refusals(list(request.batches))
    codes = {batch: refusal.code for batch, (refusal,) in refusals.items()}
    assert sorted(codes.values()) == sorted(NASTIEST.values())
    assert len(records) == len(hostile) + 1
    (good,) = set(request.batches) - set(codes)
    assert any(name.endswith(".pdf") for name in ground.files(good))
    found = [event.event_specific_data for event in ground.events(run, dg.DagsterEventType.ASSET_CHECK_EVALUATION)]
    verdicts = {
        each.partition: each
        for each in found
        if (each.asset_key.to_user_string(), each.check_name) == ("raw_leads", "conservation") and each.partition
    }
    assert {batch for batch, each in verdicts.items() if not each.passed} == set(codes)
    for batch, (refusal,) in refusals.items():
        assert verdicts[batch].description == refusal.sentence
        assert set(ground.files(batch)) == {"REFUSED.txt"}
