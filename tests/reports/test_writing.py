"""Writing a report: whole files, described rightly, the same again for the same batch."""

import hashlib
import os
import stat
from pathlib import Path

import pyarrow as pa
import pytest
import time_machine

from leadscout_assets.contracts import LEAD_REPORTS
from leadscout_assets.errors import ContractBroken, EdgeFailed
from leadscout_assets.reports import writing
from leadscout_assets.reports.numbers import batch_numbers
from leadscout_assets.terms import ALWAYS_REPORTED, ReportKind
from tests.reports.samples import BATCH, PURPOSE, Batch, empty_batch, large_batch, small_batch

RENDERERS = writing.RENDERERS


def write(batch: Batch, reports: Path, *, most: int = 1_000) -> pa.Table:
    numbers = batch_numbers(batch.delivery, *batch.frames(), purpose=PURPOSE)
    return writing.write_reports(reports / BATCH, numbers, *batch.frames()[1:], max_workbook_rows=most)


def test_each_file_lies_where_its_row_says_with_its_size_and_digest(tmp_path: Path) -> None:
    rows = write(small_batch(), tmp_path)
    assert rows.schema == LEAD_REPORTS.schema
    assert rows["kind"].to_pylist() == list(ALWAYS_REPORTED)
    for row in rows.to_pylist():
        content = (tmp_path / row["path"]).read_bytes()
        assert row["path"] == f"{BATCH}/{BATCH}.{row['kind']}"
        assert (row["bytes"], row["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())


def test_nothing_else_is_left_in_the_folder(tmp_path: Path) -> None:
    write(small_batch(), tmp_path)
    assert sorted(p.name for p in (tmp_path / BATCH).iterdir()) == sorted(f"{BATCH}.{kind}" for kind in ALWAYS_REPORTED)


@pytest.mark.parametrize("batch", [small_batch(), empty_batch(), large_batch(70, 5)])
def test_the_same_batch_gives_the_same_bytes_on_any_day(batch: Batch, tmp_path: Path) -> None:
    with time_machine.travel("2026-03-02 08:00 +0200"):
        first = write(batch, tmp_path / "a")
    with time_machine.travel("2027-11-30 23:59 +0000"):
        second = write(batch, tmp_path / "b")
    assert first == second


def test_a_report_written_again_replaces_the_first(tmp_path: Path) -> None:
    write(small_batch(), tmp_path)
    rows = write(large_batch(9, 1), tmp_path)
    page = tmp_path / rows["path"][1].as_py()
    assert hashlib.sha256(page.read_bytes()).hexdigest() == rows["sha256"][1].as_py()


def test_numbers_of_other_frames_are_not_printed(tmp_path: Path) -> None:
    batch, other = small_batch(), large_batch(9, 1)
    numbers = batch_numbers(batch.delivery, *batch.frames(), purpose=PURPOSE)
    with pytest.raises(ContractBroken, match="not those of the frames"):
        writing.write_reports(tmp_path, numbers, *other.frames()[1:], max_workbook_rows=1_000)
    assert list(tmp_path.iterdir()) == []


def test_a_renderer_that_fails_leaves_the_earlier_report_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(path: Path, material: writing.Material) -> None:
        path.write_bytes(b"half")
        raise OSError("disk full")

    before = write(small_batch(), tmp_path)
    monkeypatch.setattr(writing, "RENDERERS", ((ReportKind.XLSX, fails),))
    with pytest.raises(EdgeFailed, match="check free space"):
        write(large_batch(9, 1), tmp_path)
    page = (tmp_path / before["path"][0].as_py()).read_bytes()
    assert hashlib.sha256(page).hexdigest() == before["sha256"][0].as_py()
    assert len(list((tmp_path / BATCH).iterdir())) == 3


@pytest.mark.parametrize("kind", ALWAYS_REPORTED)
def test_a_disk_that_refuses_is_named_whichever_file_was_being_written(
    kind: ReportKind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def into_nowhere(path: Path, material: writing.Material) -> None:
        dict(RENDERERS)[kind](path.parent / "not there" / path.name, material)

    monkeypatch.setattr(writing, "RENDERERS", ((kind, into_nowhere),))
    with pytest.raises(EdgeFailed, match="the report was not written: No such file or directory; check"):
        write(small_batch(), tmp_path)


def test_the_folders_that_reports_are_written_to_are_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write(small_batch(), tmp_path / "reports")
    finally:
        os.umask(before)
    made = [tmp_path / "reports", tmp_path / "reports" / BATCH]
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in made] == [0o700, 0o700]


def test_what_a_killed_writer_left_is_cleared_once_it_is_old(tmp_path: Path) -> None:
    old, young = tmp_path / BATCH / ".writing-old", tmp_path / BATCH / ".writing-young"
    for folder in (old, young):
        folder.mkdir(parents=True)
        (folder / "x").write_text("half", encoding="utf-8")
    os.utime(old, (0, 0))
    write(small_batch(), tmp_path)
    assert (old.exists(), young.exists()) == (False, True)
