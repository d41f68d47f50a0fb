"""The PDF: set for any batch and any title, the same bytes for the same batch, and equal to the numbers."""

import shutil
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from leadscout_assets.errors import EdgeFailed
from leadscout_assets.reports import pdf
from tests.reports.samples import Batch, empty_batch, large_batch, small_batch
from tests.reports.test_sections import document_of

PDFTOTEXT = shutil.which("pdftotext")


def pdf_of(batch: Batch, purpose: str | None = "a test") -> bytes:
    return pdf.render_pdf(document_of(batch, purpose), batch.delivery.delivered_at)


@pytest.mark.parametrize("batch", [empty_batch(), empty_batch(None), small_batch(), large_batch(1, 0)])
def test_a_batch_of_any_size_has_a_pdf(batch: Batch) -> None:
    assert pdf_of(batch).startswith(b"%PDF-")


@pytest.mark.parametrize(
    "name", ['#panic("x")', "$ * _ ` \\ @x <y> // [z] #", "名单 🙂 لیست.xlsx", "x" * 300, 'a"b\\n', "\t\r\n"]
)
def test_titles_may_hold_any_characters(name: str) -> None:
    batch = small_batch()
    named = replace(batch, delivery=replace(batch.delivery, file_name=name))
    assert pdf_of(named, purpose=name).startswith(b"%PDF-")


def test_the_same_batch_gives_the_same_bytes() -> None:
    assert pdf_of(small_batch()) == pdf_of(small_batch())


@pytest.mark.skipif(PDFTOTEXT is None, reason="pdftotext (poppler) is not installed")
def test_the_totals_in_the_pdf_are_the_numbers(tmp_path: Path) -> None:
    file = tmp_path / "report.pdf"
    file.write_bytes(pdf_of(large_batch(1_234, 56)))
    text = subprocess.run(  # the program and its arguments are ours
        [str(PDFTOTEXT), "-layout", str(file), "-"], check=True, capture_output=True, text=True
    ).stdout
    rows = [line.split() for line in text.splitlines()]
    assert next(row[:3] for row in rows if row[:1] == ["1,290"]) == ["1,290", "1,234", "56"]
    assert any(row[-3:] == ["1,290", "1,290", "holds"] for row in rows)
    assert not [name for name in ("KAROO", "Thandi", "Long Street") if name in text]


def test_a_damaged_template_is_an_error_that_quotes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template = tmp_path / "report.typ"
    template.write_text("#panic(sys.inputs.data)", encoding="utf-8")
    monkeypatch.setattr(pdf, "TEMPLATE", template)
    monkeypatch.setattr(pdf, "OF_THREAD", threading.local())
    with pytest.raises(EdgeFailed) as caught:
        pdf_of(small_batch())
    assert "leads.xlsx" not in str(caught.value)
    assert caught.value.__cause__ is None
