"""The note of a refusal: whole, in place of the one before, gone once the batch is accepted."""

import os
import stat
from pathlib import Path

import pytest

from leadscout_assets.errors import EdgeFailed
from leadscout_assets.reports.refusal import NAME, withdraw_refusal, write_refusal


def test_the_note_says_why_and_stands_alone(tmp_path: Path) -> None:
    write_refusal(tmp_path / "batch", "save the file without its password")
    write_refusal(tmp_path / "batch", "the file is empty")
    assert [file.name for file in (tmp_path / "batch").iterdir()] == [NAME]
    assert "refused: the file is empty\n" in (tmp_path / "batch" / NAME).read_text(encoding="utf-8")


def test_the_report_of_an_earlier_run_stays_and_the_note_says_so(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("earlier")
    write_refusal(tmp_path, "the file is empty")
    assert (tmp_path / "report.html").read_text() == "earlier"
    assert "earlier run" in (tmp_path / NAME).read_text(encoding="utf-8")


def test_an_accepted_batch_has_no_note_also_where_there_was_none(tmp_path: Path) -> None:
    write_refusal(tmp_path, "the file is empty")
    for _ in range(2):
        withdraw_refusal(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_storage_that_refuses_says_what_to_look_at(tmp_path: Path) -> None:
    (tmp_path / "batch").write_text("in the way")
    with pytest.raises(EdgeFailed, match="check free space and permissions"):
        write_refusal(tmp_path / "batch", "the file is empty")
    with pytest.raises(EdgeFailed, match="check free space and permissions"):
        withdraw_refusal(tmp_path / "batch")


def test_the_folders_it_makes_are_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_refusal(tmp_path / "reports" / "batch", "the file is empty")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "reports").stat().st_mode) == 0o700
