"""Opens reports and exports again, and says what in them is alive: formulas, links, scripts, actions."""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path

LIVE_PARTS = re.compile(
    r"externalLinks/|vbaProject|embeddings/|connections\.xml|oleObject|activeX|queryTables/|customUI/"
)
LIVE_XML = re.compile(
    rb"<(?:\w+:)?(?:f|hyperlinks?|ddeLinks?|oleLinks?|oleObjects?|externalReferences?|dataValidations?|definedNames?)[ />]"
    rb"|TargetMode|<!DOCTYPE|<!ENTITY"
)
FILTER_NAME = re.compile(
    rb'<definedName name="_xlnm\.(?:_FilterDatabase|Print_Titles)"[^>]*>[A-Za-z0-9 \'!$:]+</definedName>'
)
"""Names that xlsxwriter gives to a filtered range and a repeated header: ranges, and nothing else."""

TAGS = set(
    "html head meta title style body header main footer p h1 h2 dl div dt dd b span section figure figcaption table thead "
    "tbody tr th td svg g rect text line path circle polyline polygon title desc defs clippath tspan".split()
)
ATTRIBUTES_WITH_ADDRESSES = {
    "href",
    "src",
    "xlink:href",
    "action",
    "formaction",
    "data",
    "srcdoc",
    "background",
    "poster",
}
LIVE_PDF = re.compile(rb"/(?:JavaScript|JS|Launch|URI|SubmitForm|ImportData|EmbeddedFile|RichMedia|OpenAction|AA)\b")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def live_in_workbook(path: Path) -> list[str]:
    """Return what is alive in a workbook: cells by openpyxl, then every part's XML by itself."""
    import openpyxl

    book = openpyxl.load_workbook(path)
    found = [
        f"{page.title}!{cell.coordinate}"
        for page in book.worksheets
        for row in page.iter_rows()
        for cell in row
        if cell.data_type == "f" or cell.hyperlink is not None
    ]
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if LIVE_PARTS.search(name):
                found.append(name)
            text = FILTER_NAME.sub(b"", archive.read(name)).replace(b"<definedNames></definedNames>", b"")
            found += [f"{name}: {match.decode(errors='replace')}" for match in LIVE_XML.findall(text)]
    return found


def rows_of_workbook(path: Path) -> int:
    """Return how many leads and rejected rows a report's workbook has."""
    import openpyxl

    # Read row by row, a workbook keeps its file open until it is told.
    with closing(openpyxl.load_workbook(path, read_only=True)) as book:
        return sum(sum(1 for _ in book[name].iter_rows(min_row=2)) for name in ("Leads", "Rejected"))


def live_in_page(path: Path) -> list[str]:
    """Return what is alive in an HTML page: any tag that the report does not have, any handler, any address."""
    seen = _Page()
    seen.feed(path.read_text(encoding="utf-8"))
    seen.close()
    return seen.live


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.live: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.live.append(f"<{tag}>")
        self.live += [
            f"<{tag} {name}>" for name, _ in attrs if name.startswith("on") or name in ATTRIBUTES_WITH_ADDRESSES
        ]


def live_in_pdf(path: Path) -> list[str]:
    """Return what is alive in a PDF: actions and attachments, compressed objects unpacked; or that it is none."""
    data = path.read_bytes()
    if not data.startswith(b"%PDF-") or b"%%EOF" not in data[-32:]:
        return ["no PDF"]
    found = LIVE_PDF.findall(data)
    for match in re.finditer(rb"/Type\s*/ObjStm.*?stream\r?\n", data, re.DOTALL):
        found += LIVE_PDF.findall(zlib.decompressobj().decompress(data[match.end() :]))
    return [match.decode() for match in found]


def live_in_csv(path: Path) -> list[str]:
    """Return the cells of a CSV that a spreadsheet program takes for formulas, whatever separator it expects."""
    text = path.read_bytes().decode()
    return [
        f"{number}: {cell[:20]!r}"
        for separator in ",;\t"
        for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=separator), 1)
        for cell in row
        if cell.startswith(FORMULA_STARTS) and not re.fullmatch(r"[+-]?[\d ()./-]+", cell)
    ]
