"""The report as a workbook: a summary, the leads ranked, the rejected rows as delivered, and what each column means.

Delivered text is always written as text, never as a formula, a link or a number. No origin of any one lead is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from leadscout_assets.pace import Tell, part, untold
from leadscout_assets.reports import sheets
from leadscout_assets.reports.document import Document, Kind, Section, Table

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

MAX_ROWS = 100 * sheets.SLICE
"""Most rows of one sheet, whole slices below the format's limit of 1,048,576; more go on in a second sheet."""

TOTAL = "leadscout rows "
"""Beginning of the names of the custom properties that carry the totals, by which the report is read back."""

A4 = 9
"""The format's number of the paper size."""

INK, MUTED, BRAND, LINE, HEAD = "#1C2733", "#5B6875", "#1F5F8B", "#D9E0E6", "#E4EDF4"

NUMBER_FORMATS = {Kind.TEXT: "@", Kind.COUNT: "#,##0", Kind.SHARE: "0.0%", Kind.POINTS: "0.00", Kind.ROW: "0"}


@dataclass(frozen=True)
class Formats:
    """The cell formats of a workbook."""

    title: Format
    heading: Format
    plain: Format
    bold: Format
    good: Format
    bad: Format
    muted: Format
    head: Format
    head_right: Format
    cells: dict[Kind, Format]


def write_workbook(
    path: Path,
    document: Document,
    delivered_at: datetime,
    leads: pa.Table,
    rejected: pa.Table,
    scores: pa.Table,
    *,
    with_rows: bool,
    tell: Tell = untold,
) -> None:
    """Write the workbook, `with_rows` or with the summary and the meanings alone.

    `delivered_at` is its date of creation, so that the same batch gives the same bytes. `tell` is told how far it is.
    """
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), _options(path, leads.num_rows + rejected.num_rows)) as book:
        book.use_zip64()
        created = delivered_at.astimezone(UTC).replace(tzinfo=None)
        book.set_properties(
            {"title": f"{document.title}: {document.file_name}", "author": "LeadScout", "created": created}
        )
        for name, rows in document.totals.items():
            book.set_custom_property(f"{TOTAL}{name}", rows)
        formats = _formats(book)
        _summary(book, formats, document)
        if with_rows:
            _rows(book, formats, sheets.watched(sheets.leads_sheet(leads, scores), part(tell, 0.0, 0.9)))
            _rows(book, formats, sheets.watched(sheets.rejected_sheet(rejected), part(tell, 0.9, 1.0)))
        _rows(book, formats, sheets.about_sheet(scores))


def write_rows(path: Path, pages: Sequence[sheets.Sheet]) -> None:
    """Write a workbook of nothing but sheets of rows; the caller answers for what is in them."""
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), _options(path, sum(sheet.row_count for sheet in pages))) as book:
        book.use_zip64()
        book.set_properties({"author": "LeadScout"})
        formats = _formats(book)
        for sheet in pages:
            _rows(book, formats, sheet)


def _options(path: Path, rows: int) -> dict[str, object]:
    return {
        # Temporary files lie beside the workbook: what is delivered never gets into the machine's common folder.
        "tmpdir": str(path.parent),
        # A small one has none: to make, read and remove fifteen files takes longer than what is in them.
        "in_memory": rows <= sheets.SLICE,
        "strings_to_formulas": False,
        "strings_to_urls": False,
    }


def _formats(book: Workbook) -> Formats:
    def add(**properties: object) -> Format:
        return book.add_format({"font_color": INK, "valign": "top"} | properties)

    head = {"bold": True, "bg_color": HEAD, "bottom": 1, "bottom_color": LINE, "text_wrap": True}
    return Formats(
        title=add(bold=True, font_size=18),
        heading=add(bold=True, font_size=13, font_color=BRAND),
        plain=add(),
        bold=add(bold=True, font_size=12),
        good=add(bold=True, font_color="#1D6F42", bg_color="#E4F3EA"),
        bad=add(bold=True, font_color="#FFFFFF", bg_color="#A4262C"),
        muted=add(font_color=MUTED),
        head=add(**head),
        head_right=add(**head, align="right"),
        cells={
            kind: add(num_format=number, **({} if kind is Kind.TEXT else {"align": "right"}))
            for kind, number in NUMBER_FORMATS.items()
        },
    )


def _rows(book: Workbook, formats: Formats, sheet: sheets.Sheet) -> None:
    """Write one sheet of rows below a frozen, filtered header; more rows than fit go on in further sheets."""
    from leadscout_assets.reports.rows import RowsSheet

    header = [pa.array([column.heading]) for column in sheet.columns]
    heads = [formats.head if column.kind is Kind.TEXT else formats.head_right for column in sheet.columns]
    cells = [formats.cells[column.kind] for column in sheet.columns]
    for start in range(0, max(sheet.row_count, 1), MAX_ROWS):
        page = book.add_worksheet(f"{sheet.name} {start // MAX_ROWS + 1}" if start else sheet.name, RowsSheet)
        rows = min(sheet.row_count - start, MAX_ROWS)
        for position, (column, cell) in enumerate(zip(sheet.columns, cells, strict=True)):
            page.set_column(position, position, column.width, cell)
        page.write_rows(header, _styles(heads), sheet.slices, _styles(cells), rows)
        page.freeze_panes(1, sheet.frozen)
        page.autofilter(0, 0, max(rows, 1), len(sheet.columns) - 1)
        # Telephone numbers and postcodes are text on purpose: no green triangle beside each of them.
        page.ignore_errors({"number_stored_as_text": f"A1:XFD{MAX_ROWS + 1}"})
        page.set_landscape()
        page.set_paper(A4)
        page.repeat_rows(0)
        page.fit_to_pages(1, 0)


def _styles(formats: list[Format]) -> list[int]:
    """Return the number by which a sheet's XML refers to each format."""
    return [each._get_xf_index() for each in formats]


def _summary(book: Workbook, formats: Formats, document: Document) -> None:
    page = book.add_worksheet("Summary")
    page.hide_gridlines(2)
    page.set_column(0, 0, 58, formats.plain)
    page.set_column(1, 3, 16, formats.plain)
    page.set_column(4, 4, 90, formats.plain)
    page.set_paper(A4)
    page.fit_to_pages(1, 0)
    _write(page, 0, 0, document.title, formats.title)
    row = 1
    for label, value in document.facts:
        _write(page, row, 0, label, formats.muted)
        _write(page, row, 1, value, formats.plain)
        row += 1
    _write(page, row, 0, document.verdict, formats.good if document.holds else formats.bad)
    page.write_blank(row, 1, None, formats.good if document.holds else formats.bad)
    row += 2
    for tile in document.tiles:
        _write(page, row, 0, tile.label, formats.muted)
        _write(page, row, 1, f"{tile.value} {tile.detail}", formats.bold)
        row += 1
    for section in document.sections:
        row = _summary_section(page, formats, section, row + 1)


def _write(page: Worksheet, row: int, column: int, text: str, cell: Format) -> None:
    # xlsxwriter takes text between <r> and </r> for rich text that is XML already, and would write it as it is.
    page.write_string(row, column, f" {text}" if text.startswith("<r>") else text, cell)


def _summary_section(page: Worksheet, formats: Formats, section: Section, row: int) -> int:
    """Write a section from `row` on; return the first free row."""
    _write(page, row, 0, section.heading, formats.heading)
    row += 1
    for paragraph in section.paragraphs:
        _write(page, row, 0, paragraph, formats.muted)
        row += 1
    if section.table is None:
        return row
    _summary_table(page, formats, section.table, row)
    return row + 1 + len(section.table.rows)


def _summary_table(page: Worksheet, formats: Formats, table: Table, row: int) -> None:
    for position, column in enumerate(table.columns):
        head = formats.head if column.kind is Kind.TEXT else formats.head_right
        _write(page, row, position, column.heading, head)
    for cells in table.rows:
        row += 1
        for position, (column, cell) in enumerate(zip(table.columns, cells, strict=True)):
            if isinstance(cell, str):
                _write(page, row, position, cell, formats.cells[Kind.TEXT])
            elif cell is not None:
                page.write_number(row, position, cell, formats.cells[column.kind])
