"""A report read back from the disk holds what was written, and says so where it does not."""

from dataclasses import asdict
from pathlib import Path

import pytest

from leadscout_assets.reports.numbers import batch_numbers
from leadscout_assets.reports.reading_back import read_back
from tests.reports.samples import PURPOSE, Batch, empty_batch, large_batch, small_batch
from tests.reports.test_writing import write


@pytest.mark.parametrize("batch", [small_batch(), empty_batch(), large_batch(300, 7)])
def test_rows_and_totals_of_the_workbook_are_those_of_the_batch(batch: Batch, tmp_path: Path) -> None:
    facts = read_back(tmp_path, write(batch, tmp_path).to_pylist())
    assert (facts.leads, facts.rejected) == (batch.leads.num_rows, batch.rejected.num_rows)
    assert facts.totals == asdict(batch_numbers(batch.delivery, *batch.frames(), purpose=PURPOSE).totals)
    assert facts.altered_files == ()


def test_a_file_that_was_altered_or_is_missing_is_named(tmp_path: Path) -> None:
    files = write(small_batch(), tmp_path).to_pylist()
    by_kind = {file["kind"]: tmp_path / file["path"] for file in files}
    by_kind["html"].write_text("other", encoding="utf-8")
    by_kind["xlsx"].unlink()
    facts = read_back(tmp_path, files)
    assert facts.altered_files == ("html", "xlsx")
    assert (facts.leads, facts.totals) == (0, {})
