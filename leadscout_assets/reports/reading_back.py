"""Reads a written report back, so that what lies on disk can be held against the tables. Reads only our own files.

The rows of the sheets, or of the CSV files in their place, are counted anew; the totals are what the workbook carries.
"""

import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from leadscout_assets.checks import ReportFacts
from leadscout_assets.digests import sha256_of
from leadscout_assets.reports.xlsx import TOTAL
from leadscout_assets.terms import ALWAYS_REPORTED, ReportKind

CHUNK = 1 << 20
ROW = b"<row "

ROWS_APART = (ReportKind.LEADS_CSV, ReportKind.REJECTED_CSV)

_SHEET_NAME = re.compile(rb'<sheet name="([^"]+)"')
_PROPERTY = re.compile(rb'name="' + TOTAL.encode() + rb'([a-z]+)"[^>]*><vt:[a-z0-9]+>(\d+)<')


def read_back(reports_dir: Path, files: Sequence[Mapping[str, str]]) -> ReportFacts:
    """Return what the report files of one batch hold; `files` are its rows of lead_reports.

    A file that is missing, or whose digest is not the recorded one, is named by kind and counted as altered.
    """
    altered = tuple(sorted(file["kind"] for file in files if _digest(reports_dir / file["path"]) != file["sha256"]))
    paths = {file["kind"]: reports_dir / file["path"] for file in files}
    missing = tuple(sorted(_expected(paths) - paths.keys()))
    if ReportKind.XLSX not in paths or ReportKind.XLSX in altered:
        return ReportFacts(leads=0, rejected=0, totals={}, altered_files=altered + missing)
    with zipfile.ZipFile(paths[ReportKind.XLSX]) as book:
        rows = _rows_by_sheet(book)
        totals = {name.decode(): int(value) for name, value in _PROPERTY.findall(book.read("docProps/custom.xml"))}
    apart = {kind: 0 if kind in altered else _count_csv_rows(paths[kind]) for kind in ROWS_APART if kind in paths}
    return ReportFacts(
        leads=_below_header(rows, "Leads") + apart.get(ReportKind.LEADS_CSV, 0),
        rejected=_below_header(rows, "Rejected") + apart.get(ReportKind.REJECTED_CSV, 0),
        totals=totals,
        altered_files=altered + missing,
    )


def _expected(kinds: Iterable[str]) -> set[str]:
    """Return the kinds that a report of these files must have: where one file holds rows, so does the other."""
    return {*ALWAYS_REPORTED, *(ROWS_APART if any(kind in ROWS_APART for kind in kinds) else ())}


def _count_csv_rows(path: Path) -> int:
    """Count the rows below the header, by the first column alone: in our files no row has it empty."""
    import pyarrow.csv as pacsv

    options = pacsv.ParseOptions(newlines_in_values=True)
    with path.open("rb") as file:
        heading = file.readline().decode("utf-8-sig").split(",", 1)[0].strip().strip('"')
    with pacsv.open_csv(
        path, parse_options=options, convert_options=pacsv.ConvertOptions(include_columns=[heading])
    ) as rows:
        return sum(batch.num_rows for batch in rows)


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
