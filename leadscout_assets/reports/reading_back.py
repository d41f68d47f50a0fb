"""Reads a written report back, so that what lies on disk can be held against the tables. Reads only our own workbooks.

The rows of the sheets are counted anew, and the totals are the figures the workbook carries.
"""

import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from leadscout_assets.checks import ReportFacts
from leadscout_assets.digests import sha256_of
from leadscout_assets.reports.xlsx import TOTAL
from leadscout_assets.terms import ReportKind

CHUNK = 1 << 20
ROW = b"<row "

_SHEET_NAME = re.compile(rb'<sheet name="([^"]+)"')
_PROPERTY = re.compile(rb'name="' + TOTAL.encode() + rb'([a-z]+)"[^>]*><vt:[a-z0-9]+>(\d+)<')


def read_back(reports_dir: Path, files: Sequence[Mapping[str, str]]) -> ReportFacts:
    """Return what the report files of one batch hold; `files` are its rows of lead_reports.

    A file that is missing, or whose digest is not the recorded one, is named by kind and counted as altered.
    """
    altered = tuple(sorted(file["kind"] for file in files if _digest(reports_dir / file["path"]) != file["sha256"]))
    missing = tuple(sorted(set(ReportKind) - {file["kind"] for file in files}))
    workbook = next((file["path"] for file in files if file["kind"] == ReportKind.XLSX), None)
    if workbook is None or ReportKind.XLSX in altered:
        return ReportFacts(leads=0, rejected=0, totals={}, altered_files=altered + missing)
    with zipfile.ZipFile(reports_dir / workbook) as book:
        rows = _rows_by_sheet(book)
        totals = {name.decode(): int(value) for name, value in _PROPERTY.findall(book.read("docProps/custom.xml"))}
    return ReportFacts(
        leads=_below_header(rows, "Leads"),
        rejected=_below_header(rows, "Rejected"),
        totals=totals,
        altered_files=altered + missing,
    )


def _digest(path: Path) -> str | None:
    return sha256_of(path) if path.is_file() else None


def _rows_by_sheet(book: zipfile.ZipFile) -> dict[str, int]:
    names = _SHEET_NAME.findall(book.read("xl/workbook.xml"))
    return {
        name.decode(): _count_rows(book, f"xl/worksheets/sheet{number}.xml") for number, name in enumerate(names, 1)
    }


def _count_rows(book: zipfile.ZipFile, part: str) -> int:
    rows, tail = 0, b""
    with book.open(part) as sheet:
        while chunk := sheet.read(CHUNK):
            text = tail + chunk
            rows += text.count(ROW)
            # A tag cut by the chunk's end is counted with the next chunk, never twice.
            tail = text[-(len(ROW) - 1) :]
    return rows


def _below_header(rows: Mapping[str, int], sheet: str) -> int:
    """Add up a sheet and its continuations (`Leads 2`, ...), each with one header row."""
    return sum(count - 1 for name, count in rows.items() if re.fullmatch(rf"{sheet}(?: \d+)?", name))
