"""What an XLSX says about its cells besides their values: which sheet, how far it reaches, what is shown how.

The values themselves are read in xlsx.py; nothing here decides what a column means.
"""

from __future__ import annotations

import math
import posixpath
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field

from leadscout_assets.errors import UnreadableFile
from leadscout_assets.leads.guards import ReadLimits, check_extent, damaged, parse_entry, xml_parser
from leadscout_assets.leads.number_formats import BUILT_IN_DATES, plain_decimal, shows_date, zero_format

WORKBOOK = "xl/workbook.xml"
_ROOT_RELATIONS = "_rels/.rels"
_RELATIONS = "xl/_rels/workbook.xml.rels"
_STYLES = "xl/styles.xml"
_SHARED_STRINGS = "xl/sharedStrings.xml"
_DOCUMENT = "/officeDocument"
_SMALLEST_STRING = len("<si/>")
_EARLIEST_MOMENT = -100_000_000_000
"""Days; before it the value reader runs out of milliseconds and panics. Telephone numbers may well be dates to it."""
_AFTER_LAST_DAY = 2_958_466
"""Days; the first that no spreadsheet shows, the last being 9999-12-31. A number formatted as a date by mistake lies beyond."""
_LONGEST_NUMBER = 40
"""Characters of a number that are looked at: enough for its order of magnitude."""
_WORKSHEET = "/worksheet"

_DIGITS = "0123456789"
_TIME_LETTERS = frozenset("dmyhs")
_LONGEST_LETTERS = 3
"""The format's last column is XFD. Letters without end would become a number without end, in quadratic time."""


@dataclass(frozen=True)
class SheetPart:
    """The worksheet to read: its name, and its XML part in the container."""

    name: str
    part: str


@dataclass
class Look:
    """What one pass over a worksheet's XML finds. Rows start at 1 as in the cell references, columns at 0.

    `booleans` and `dates` hold rows by column, since a sheet may consist of them; `zeros` row, column and format;
    `no_dates` the plain decimal by column and row of what has the format of a date and is none.
    """

    rows: int = 0
    width: int = 0
    booleans: dict[int, list[int]] = field(default_factory=dict)
    dates: dict[int, list[int]] = field(default_factory=dict)
    zeros: list[tuple[int, int, str]] = field(default_factory=list)
    no_dates: dict[int, dict[int, str]] = field(default_factory=dict)


def choose_sheet(workbook: zipfile.ZipFile, sheet: str | None) -> SheetPart:
    """Return the first visible worksheet, or the one called `sheet`, which may be hidden.

    Raises `UnreadableFile` where there is none.
    """
    sheets: list[tuple[str, bool, str]] = []
    # The value reader follows these relations, so the checks must look at the same parts as it does.
    if set(_relations(workbook, _ROOT_RELATIONS, "/", _DOCUMENT).values()) != {WORKBOOK}:
        raise damaged()

    def on_sheet(name: str, attributes: dict[str, str]) -> None:
        if _local(name) == "sheet":
            # The relation's id is the namespaced `id`; `sheetId` is something else.
            relation = next((v for k, v in attributes.items() if " " in k and _local(k) == "id"), "")
            visible = attributes.get("state", "visible") == "visible"
            sheets.append((attributes.get("name", ""), visible, relation))

    _visit(workbook, WORKBOOK, on_sheet)
    if len({name for name, _, _ in sheets}) != len(sheets):
        raise damaged()
    parts = _relations(workbook, _RELATIONS, "/xl", _WORKSHEET)
    worksheets = [(name, visible, parts[relation]) for name, visible, relation in sheets if relation in parts]
    for name, visible, part in worksheets:
        if (visible if sheet is None else _same_name(name, sheet)) and part in workbook.NameToInfo:
            return SheetPart(name, part)
    if sheet is None:
        raise UnreadableFile(
            "no_sheet", "the workbook has no visible worksheet; unhide the list or name its sheet in LEADSCOUT_SHEET"
        )
    raise UnreadableFile(
        "sheet_missing",
        "the workbook has no worksheet with the name in LEADSCOUT_SHEET; rename the sheet or change that setting",
    )


def empty_sheet() -> UnreadableFile:
    """Return the refusal of a worksheet without a filled cell: more often than not, the list is on another sheet."""
    return UnreadableFile(
        "empty", "the worksheet is empty; put the list on the first visible sheet or name its sheet in LEADSCOUT_SHEET"
    )


def shared_strings_part(workbook: zipfile.ZipFile) -> str | None:
    """Return the part with the shared strings, whatever case its name has, or None where the workbook has none."""
    return next((name for name in workbook.namelist() if name.casefold() == _SHARED_STRINGS.casefold()), None)


def check_shared_strings(workbook: zipfile.ZipFile) -> None:
    """Refuse shared strings that declare to be more than fit in their part.

    The value reader makes room for as many as are declared, and ends the whole process where there is none.
    """
    part = shared_strings_part(workbook)
    if part is None:
        return
    room = workbook.NameToInfo[part].file_size // _SMALLEST_STRING

    def start(_name: str, attributes: dict[str, str]) -> None:
        parser.StartElementHandler = None  # only the outermost element tells
        declared = attributes.get("uniqueCount", "0")
        if not declared.isdecimal() or len(declared) > _LONGEST_NUMBER or int(declared) > room:
            raise damaged()

    parser = xml_parser()
    parser.StartElementHandler = start
    parse_entry(workbook, part, parser)


def look(workbook: zipfile.ZipFile, sheet: SheetPart, limits: ReadLimits) -> Look:
    """Find the used range and the cells whose shown form the value reader does not give.

    Those are booleans, dates, numbers too large for the date that they are formatted as, and numbers with a format of zeros. Raises `UnreadableFile` where the used range is too
    large, before anything of that size is allocated.
    """
    dates, zeros, moments = _styles(workbook)
    found = Look()
    number = ""
    columns: dict[str, int] = {}
    row, column, at, kind, style, reference = 0, -1, 0, "", "", ""
    cell_tag, row_tag, value_tags = "", "", ("", "")

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal row, column, at, kind, style, reference, number, cell_tag, row_tag, value_tags
        if name == cell_tag:
            reference = attributes.get("r", "")
            kind, style = attributes.get("t", "n"), attributes.get("s", "")
            column += 1
            if reference:
                letters = reference.rstrip(_DIGITS)
                column = columns[letters] if letters in columns else columns.setdefault(letters, _column(letters))
        elif name in value_tags:
            at = int(reference[len(reference.rstrip(_DIGITS)) :] or 0) if reference else row
            if at > found.rows or column >= found.width:
                found.rows, found.width = max(at, found.rows), max(column + 1, found.width)
                check_extent(found.rows, found.width, limits)
            if kind == "n" and style in moments:
                number = ""
                parser.CharacterDataHandler, parser.EndElementHandler = digits, check_moment
            if kind == "b":
                found.booleans.setdefault(column, []).append(at)
            elif style in dates and kind in ("n", "d"):
                found.dates.setdefault(column, []).append(at)
            elif style in zeros and kind == "n":
                found.zeros.append((at, column, zeros[style]))
        elif name == row_tag:
            row, column = int(attributes.get("r", row + 1)), -1
        elif not cell_tag and _local(name) == "worksheet":
            namespace = name.removesuffix("worksheet")
            cell_tag, row_tag, value_tags = f"{namespace}c", f"{namespace}row", (f"{namespace}v", f"{namespace}is")

    def digits(characters: str) -> None:
        nonlocal number
        number = (number + characters)[:_LONGEST_NUMBER]

    def check_moment(_name: str) -> None:
        # Handlers are there for the value of such a cell only: every other cell is spared the calls.
        parser.CharacterDataHandler = parser.EndElementHandler = None
        days = float(number or 0)
        if days < _EARLIEST_MOMENT:
            raise damaged()
        if days >= _AFTER_LAST_DAY:
            found.no_dates.setdefault(column, {})[at] = number.strip() if math.isinf(days) else plain_decimal(days)

    parser = xml_parser()
    parser.StartElementHandler = start
    try:
        parse_entry(workbook, sheet.part, parser)
    except ValueError:
        raise damaged() from None  # a row number, a reference or a date that is not one
    return found


def _styles(workbook: zipfile.ZipFile) -> tuple[frozenset[str], dict[str, str], frozenset[str]]:
    """Return the cell styles (indexes as text) that show dates, and those that pad with zeros with their format.

    The last are all that the value reader may take for a moment or a span of time, dates among them.
    """
    codes: dict[str, str] = {}
    cell_formats: list[str] = []
    inside = ""

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal inside
        local = _local(name)
        if local == "numFmt":
            codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif local in ("cellXfs", "cellStyleXfs", "dxfs"):
            inside = local
        elif local == "xf" and inside == "cellXfs":
            cell_formats.append(attributes.get("numFmtId", "0"))

    if _STYLES in workbook.NameToInfo:
        _visit(workbook, _STYLES, start)
    date_codes = {number for number, code in codes.items() if shows_date(code)}
    date_codes |= {str(number) for number in BUILT_IN_DATES if str(number) not in codes}
    zero_codes = {number: section for number, code in codes.items() if (section := zero_format(code)) is not None}
    dates = frozenset(str(index) for index, number in enumerate(cell_formats) if number in date_codes)
    zeros = {str(index): zero_codes[number] for index, number in enumerate(cell_formats) if number in zero_codes}
    timed = date_codes | {number for number, code in codes.items() if _TIME_LETTERS & set(code.casefold())}
    moments = frozenset(str(index) for index, number in enumerate(cell_formats) if number in timed)
    return dates, zeros, moments


def _relations(workbook: zipfile.ZipFile, part: str, base: str, kind: str) -> dict[str, str]:
    """Return the parts that `part` relates to under a type ending in `kind`, by the relation's id."""
    found: dict[str, str] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        if _local(name) == "Relationship" and attributes.get("Type", "").endswith(kind):
            target = posixpath.normpath(posixpath.join(base, attributes.get("Target", "")))
            found[attributes.get("Id", "")] = target.lstrip("/")

    _visit(workbook, part, start)
    return found


def _visit(workbook: zipfile.ZipFile, part: str, start: Callable[[str, dict[str, str]], None]) -> None:
    parser = xml_parser()
    parser.StartElementHandler = start
    parse_entry(workbook, part, parser)


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _same_name(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def _column(letters: str) -> int:
    if len(letters) > _LONGEST_LETTERS:
        raise ValueError
    index = 0
    for letter in letters.upper():
        if not "A" <= letter <= "Z":
            raise ValueError
        index = index * 26 + ord(letter) - ord("A") + 1
    return index - 1
