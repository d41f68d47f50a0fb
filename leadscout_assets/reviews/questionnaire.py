"""The workbook that carries questions to a reviewer and answers back: names, drop-downs, and how to use it.

Names are written as text whatever they begin with. What the model thinks is nowhere in it, and no business either.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from leadscout_assets.errors import BadInput, UnreadableFile
from leadscout_assets.folders import make_private
from leadscout_assets.leads.guards import ReadLimits
from leadscout_assets.leads.reading import detect
from leadscout_assets.leads.xlsx import shown_cells
from leadscout_assets.reviews.checking import FilledRow, Options
from leadscout_assets.reviews.questions import Asked

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

SHEET = "Review"
COLUMNS = ("Question", "Name", "Origin", "Language", "Note")
WIDTHS = (20, 44, 18, 20, 20)

INSTRUCTIONS = (
    "For each name on the sheet Review, choose the likely linguistic and cultural origin of the name. It is the name that is asked about, "
    "never a person's race.",
    "Judge by the name alone. If you cannot tell, choose cannot tell: that is an answer, and a better one than a guess.",
    "Language and Note may stay blank. A name that you leave without an origin counts as not answered yet.",
    "Judge by yourself, before you talk to other reviewers: how far people agree says how much an answer is worth.",
    "What the model thinks is not shown, and nobody can tell which names it was sure of: some were drawn at random.",
    "Change nothing in the columns Question and Name. Rows may be left out, and the file may be sent back in parts.",
    "For people's own word about themselves, whoever imports the file says so: use a file of its own for it, and choose cannot tell for "
    "a person who does not wish to say.",
    "The file holds names of people. Keep it where only reviewers can read it, and delete it when it has been imported.",
)


def write_questionnaire(path: Path, asked: Asked, allowed: Options) -> None:
    """Write the workbook, for this user alone. Raises `BadInput` where the place cannot be written to."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        make_private(path.parent)
        temporary.touch(mode=0o600)
        _write(temporary, asked, allowed)
        temporary.replace(path)
    except OSError as error:
        raise BadInput(f"--out cannot be written ({error.strerror}): name a file in a folder that can be") from None
    finally:
        with suppress(OSError):
            temporary.unlink()


def _write(path: Path, asked: Asked, allowed: Options) -> None:
    import xlsxwriter

    options = {"tmpdir": str(path.parent), "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"title": "Review of name origins", "author": "LeadScout"})
        text = {"num_format": "@", "valign": "top"}
        plain, head = book.add_format(text), book.add_format(text | {"bold": True, "bottom": 1})
        answer = book.add_format(
            text | {"locked": False, "bg_color": "#FFF9E0", "border": 1, "border_color": "#D9E0E6"}
        )
        _instructions(book, head)
        page = book.add_worksheet(SHEET)
        for column, (heading, width) in enumerate(zip(COLUMNS, WIDTHS, strict=True)):
            page.set_column(column, column, width, plain if column < 2 else answer)
            page.write_string(0, column, heading, head)
        for row, (question, name) in enumerate(zip(asked.questions, asked.names, strict=True), 1):
            page.write_string(row, 0, question.question_id, plain)
            # xlsxwriter takes text between <r> and </r> for rich text that is XML already.
            page.write_string(row, 1, f" {name}" if name.startswith("<r>") else name, plain)
            for column in (2, 3, 4):
                page.write_blank(row, column, None, answer)
        _choices(book, page, allowed, len(asked.questions))
        page.freeze_panes(1, 2)
        # Without a password: it keeps a slip from changing a name, no more.
        page.protect("", {"format_columns": True, "select_locked_cells": True})
        page.activate()


def _instructions(book: Workbook, head: Format) -> None:
    page = book.add_worksheet("Instructions")
    page.set_column(0, 0, 110, book.add_format({"text_wrap": True, "valign": "top"}))
    page.write_string(0, 0, "How to review", head)
    for row, sentence in enumerate(INSTRUCTIONS, 1):
        page.write_string(row, 0, sentence)


def _choices(book: Workbook, page: Worksheet, allowed: Options, rows: int) -> None:
    """Give each answer cell its drop-down; the choices stand on a sheet of their own, as a cell's own list is too short."""
    sheet = book.add_worksheet("Choices")
    for column, choices in enumerate((allowed.origins, allowed.languages, allowed.notes)):
        letter = "ABC"[column]
        sheet.set_column(column, column, 22)
        for row, choice in enumerate(choices):
            sheet.write_string(row, column, choice.replace("_", " "))
        if choices and rows:
            page.data_validation(
                1,
                2 + column,
                rows,
                2 + column,
                {
                    "validate": "list",
                    "source": f"=Choices!${letter}$1:${letter}${len(choices)}",
                    "error_title": COLUMNS[2 + column],
                    "error_message": "Choose one of the list, or leave the cell blank.",
                },
            )


def read_questionnaire(path: Path, limits: ReadLimits) -> list[FilledRow]:
    """Return the rows of the sheet Review, those without any cell left out.

    Raises `UnreadableFile` for what is no such workbook, or is not safe to open.
    """
    if not path.is_file():
        raise BadInput("there is no such file; check the path")
    if detect(path).name != "xlsx":
        raise BadInput("the file is no workbook: import the .xlsx that the export has written")
    try:
        _, cells = shown_cells(path, limits, SHEET)
    except UnreadableFile as error:
        if error.code != "sheet_missing":
            raise
        raise BadInput(f"the workbook has no sheet {SHEET}: import the file that the export has written") from None
    height = len(cells[0]) if cells else 0
    headings = [column[0].as_py() if height else None for column in cells]
    wrong = [name for name in COLUMNS if headings.count(name) != 1]
    if wrong:
        raise BadInput(
            f"the first row of the sheet {SHEET} does not head each of {', '.join(wrong)} once: "
            "copy the answers into the file as it was exported",
        )
    columns = [_trimmed(cells[headings.index(name)]) for name in COLUMNS]
    rows = (FilledRow(number, *values) for number, values in enumerate(zip(*columns, strict=True), 1) if number > 1)
    return [row for row in rows if any((row.question_id, row.name, row.origin, row.language, row.note))]


def _trimmed(cells: pa.ChunkedArray) -> list[str | None]:
    return [None if cell is None else cell.strip() for cell in cells.to_pylist()]
