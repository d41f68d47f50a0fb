"""A delivered file without some rows: whatever its encoding and its quotes, the others stay as they were."""

from __future__ import annotations

import pytest

from leadscout_assets.errors import EdgeFailed
from leadscout_assets.leads import rewriting
from leadscout_assets.leads.erased import MARKER, marked_rows
from leadscout_assets.leads.reading import read_lead_list
from leadscout_assets.leads.rewriting import BATCH, rewrite
from tests import scenario
from tests.scenario import LIMITS

TEXT = 'Ref;EntityName;DirectorName\r\n1;KUDU;"ZOË\r\nNKOSI"\r\n\r\n2;MARULA;PALESA TAU\r\n3;"a ""b""";SIPHO;DUBE;\n4;FERN;ANIL'
ENCODINGS = ("utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-32")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_other_byte_of_a_csv_stays(tmp_path, encoding):
    source, target = tmp_path / "a.csv", tmp_path / "b.csv"
    source.write_bytes(TEXT.encode(encoding))
    rewrite(source, target, {2, 4}, LIMITS, None)
    wanted = TEXT.replace('1;KUDU;"ZOË\r\nNKOSI"', f";{MARKER};").replace("2;MARULA;PALESA TAU", f";{MARKER};")
    assert target.read_bytes() == wanted.encode(encoding)


@pytest.mark.parametrize("make", [scenario.scenario_csv, scenario.scenario_xlsx])
def test_rows_keep_their_numbers_and_markers_are_counted(tmp_path, make):
    from leadscout_assets.leads.counting import count_rows

    source = make(tmp_path / "leads.any")
    target = tmp_path / "rewritten"
    before = read_lead_list(source, batch_id=BATCH, limits=LIMITS)
    rows = before["source_row"].to_pylist()[1:20:3]
    rewrite(source, target, rows, LIMITS, None)
    after = read_lead_list(target, batch_id=BATCH, limits=LIMITS)
    assert after.filter(marked_rows(after))["source_row"].to_pylist() == rows
    assert after["source_row"].equals(before["source_row"])
    assert count_rows(target, limits=LIMITS) == count_rows(source, limits=LIMITS)
    again = tmp_path / "again"
    rewrite(target, again, rows, LIMITS, None)
    assert read_lead_list(again, batch_id=BATCH, limits=LIMITS).equals(after)


def test_an_erased_row_of_a_generated_list_keeps_its_mark_alone(tmp_path):
    from leadscout_assets.leads.marker import MARKER_COLUMN, unmarked

    source, target = tmp_path / "a.csv", tmp_path / "b.csv"
    source.write_text(f"EntityName,{MARKER_COLUMN},DirectorName,Notes\nKUDU,1,PALESA TAU,x\nFERN,1,ANIL MOODLEY,\n")
    rewrite(source, target, {2}, LIMITS, None)
    assert target.read_text().splitlines()[1] == f"{MARKER},1,,"
    after = read_lead_list(target, batch_id=BATCH, limits=LIMITS)
    assert unmarked(after) == {}
    assert marked_rows(after).tolist() == [True, False]


def test_a_rewriting_that_would_change_another_row_is_refused(tmp_path, monkeypatch):
    source, target = tmp_path / "a.csv", tmp_path / "b.csv"
    source.write_text(TEXT)
    monkeypatch.setattr(rewriting, "_csv_without", lambda *_: b"EntityName;DirectorName\nA;B\n")
    with pytest.raises(EdgeFailed, match="nothing was changed"):
        rewrite(source, target, {2}, LIMITS, None)
    assert not target.exists()
