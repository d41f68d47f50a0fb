"""Writes the files of a batch's report, one renderer each, and says where they lie, with size and digest.

The same input gives the same bytes, so writing a report again replaces equal by equal. What a file looks like is its
renderer's affair.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa

from leadscout_assets.contracts import LEAD_REPORTS
from leadscout_assets.digests import sha256_of
from leadscout_assets.errors import ContractBroken, EdgeFailed
from leadscout_assets.folders import make_private
from leadscout_assets.pace import Tell, part, untold
from leadscout_assets.reports.csv import write_csv
from leadscout_assets.reports.document import Document
from leadscout_assets.reports.html import render_page
from leadscout_assets.reports.numbers import BatchNumbers
from leadscout_assets.reports.pdf import render_pdf
from leadscout_assets.reports.sections import build_document
from leadscout_assets.reports.sheets import leads_sheet, rejected_sheet, watched
from leadscout_assets.reports.xlsx import write_workbook
from leadscout_assets.terms import ReportKind

STALE_SECONDS = 3_600
"""Age at which a temporary folder is known to be left by a writer that was killed: no report takes so long."""


@dataclass(frozen=True)
class Material:
    """What a renderer may show: the document of a batch's numbers and, row by row, all but name origins.

    `rows_apart`: the rows are too many for a workbook, and stand in CSV files beside it. `tell` is told how far a file is.
    """

    document: Document
    delivered_at: datetime
    leads: pa.Table
    rejected: pa.Table
    scores: pa.Table
    rows_apart: bool
    tell: Tell = untold


def _xlsx(path: Path, m: Material) -> None:
    from xlsxwriter.exceptions import FileCreateError

    try:
        write_workbook(
            path, m.document, m.delivered_at, m.leads, m.rejected, m.scores, with_rows=not m.rows_apart, tell=m.tell
        )
    except FileCreateError as wrapped:
        raise wrapped.args[0] from None  # the fault of the disk, as an OSError again


def _html(path: Path, m: Material) -> None:
    path.write_text(render_page(m.document), encoding="utf-8")


def _pdf(path: Path, m: Material) -> None:
    path.write_bytes(render_pdf(m.document, m.delivered_at))


def _leads_csv(path: Path, m: Material) -> None:
    write_csv(path, watched(leads_sheet(m.leads, m.scores), m.tell))


def _rejected_csv(path: Path, m: Material) -> None:
    write_csv(path, watched(rejected_sheet(m.rejected), m.tell))


Renderers: TypeAlias = tuple[tuple[ReportKind, Callable[[Path, Material], None]], ...]

RENDERERS: Renderers = (
    (ReportKind.XLSX, _xlsx),
    (ReportKind.HTML, _html),
    (ReportKind.PDF, _pdf),
)
"""The files of every report. A new one is a kind in `terms.ReportKind` and an entry here."""

ROWS_APART: Renderers = (
    (ReportKind.LEADS_CSV, _leads_csv),
    (ReportKind.REJECTED_CSV, _rejected_csv),
)
"""The files that hold the rows where they are too many for the workbook."""


def write_reports(
    folder: Path,
    numbers: BatchNumbers,
    leads: pa.Table,
    rejected: pa.Table,
    classifications: pa.Table,
    scores: pa.Table,
    *,
    max_workbook_rows: int,
    tell: Tell = untold,
) -> pa.Table:
    """Write the report of one batch to `folder/<batch_id>.<kind>`; return its LEAD_REPORTS rows.

    The rows of a batch of more than `max_workbook_rows` leads and rejected rows go into CSV files: a workbook of a
    million rows takes a minute to write, and longer to open. `folder` is the batch's own, below the reports folder: paths come back as `<batch_id>/<batch_id>.<kind>`.
    Each file appears whole or not at all, and is on the disk when this returns.
    Raises `ContractBroken` where the numbers are not those of the frames, and `EdgeFailed` where storage refuses.
    """
    totals = numbers.totals
    counted = (totals.leads, totals.rejected, totals.answered + totals.narrowed + totals.abstained)
    if counted != (leads.num_rows, rejected.num_rows, classifications.num_rows):
        raise ContractBroken("report: the numbers are not those of the frames; compute them from the same frames")
    rows_apart = totals.leads + totals.rejected > max_workbook_rows
    material = Material(
        document=build_document(numbers, rows_apart=rows_apart),
        delivered_at=datetime.fromisoformat(numbers.delivered_at),
        leads=leads,
        rejected=rejected,
        scores=scores,
        rows_apart=rows_apart,
    )
    try:
        rows = _write(folder, numbers.batch_id, material, tell)
    except OSError as error:
        kind = error.strerror or type(error).__name__
        raise EdgeFailed(f"the report was not written: {kind}; check free space and permissions") from None
    return LEAD_REPORTS.fit(pa.Table.from_pylist(rows, LEAD_REPORTS.schema))


def _write(folder: Path, batch_id: str, material: Material, tell: Tell) -> list[dict[str, object]]:
    make_private(folder)
    _clear_stale(folder)
    rows = []
    with tempfile.TemporaryDirectory(prefix=".writing-", dir=folder) as temporary:
        renderers = (*RENDERERS, *(ROWS_APART if material.rows_apart else ()))
        for number, (kind, render) in enumerate(renderers):
            name = f"{batch_id}.{kind}"
            drawn = Path(temporary) / name
            within = part(tell, number / len(renderers), (number + 1) / len(renderers))
            render(drawn, replace(material, tell=within))
            within(1.0)
            rows.append(_describe(drawn, batch_id, kind))
            drawn.replace(folder / name)
    if not material.rows_apart:
        _remove_rows_apart(folder, batch_id)
    _sync(folder)
    return rows


def _remove_rows_apart(folder: Path, batch_id: str) -> None:
    """Remove what an earlier report, made with another limit, has in files that this one does not have."""
    for kind, _ in ROWS_APART:
        (folder / f"{batch_id}.{kind}").unlink(missing_ok=True)


def _describe(file: Path, batch_id: str, kind: ReportKind) -> dict[str, object]:
    """Force a file to the disk and describe it as a row of LEAD_REPORTS."""
    with file.open("rb+") as stream:
        os.fsync(stream.fileno())
    return {
        "batch_id": batch_id,
        "kind": str(kind),
        "path": f"{batch_id}/{file.name}",
        "bytes": file.stat().st_size,
        "sha256": sha256_of(file),
    }


def _sync(folder: Path) -> None:
    """Force the renames in a folder to the disk; Windows opens no folders, and does it itself."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _clear_stale(folder: Path) -> None:
    for left in folder.glob(".writing-*"):
        if time.time() - left.stat().st_mtime > STALE_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
