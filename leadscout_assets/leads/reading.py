"""Any delivered file to the raw_leads frame: the lead sources, and what is refused at first sight.

A new source is one file that reads into a Grid, and one entry in SOURCES.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from leadscout_assets.errors import UnreadableFile
from leadscout_assets.leads.column_maps import NO_MAPS, ColumnMaps
from leadscout_assets.leads.csv_text import read_csv
from leadscout_assets.leads.grid import Grid, raw_leads
from leadscout_assets.leads.guards import ReadLimits
from leadscout_assets.leads.workbook import WORKBOOK
from leadscout_assets.leads.xlsx import read_xlsx

__all__ = ["SOURCES", "ReadLimits", "Source", "detect", "read_grid", "read_lead_list"]


@dataclass(frozen=True)
class Source:
    """A kind of lead list: `recognises` sees the path and its first bytes, never the suffix."""

    name: str
    recognises: Callable[[Path, bytes], bool]
    read: Callable[[Path, ReadLimits, str | None, ColumnMaps], Grid]


def _is_workbook(path: Path, head: bytes) -> bool:
    return head.startswith(_ZIP_MAGIC) and WORKBOOK in _entries(path)


def _is_text(_path: Path, _head: bytes) -> bool:
    return True


SOURCES: tuple[Source, ...] = (
    Source("xlsx", _is_workbook, read_xlsx),
    Source("csv", _is_text, read_csv),  # takes what no other source recognises, so it stays last
)

_HEAD = 4096
_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
_SAVE_AS = "open it in a spreadsheet program, save it as .xlsx and deliver that"

# What people send instead of a lead list, by how the file begins.
_REFUSED: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", "pdf", "the file is a PDF; deliver the workbook it was made from"),
    (b"{\\rtf", "document", "the file is a text document; deliver the list as .xlsx or CSV"),
    (b"\x1f\x8b", "archive", "the file is a compressed archive; unpack it and deliver the list inside"),
    (b"7z\xbc\xaf\x27\x1c", "archive", "the file is a compressed archive; unpack it and deliver the list inside"),
    (b"Rar!", "archive", "the file is a compressed archive; unpack it and deliver the list inside"),
    (b"\x89PNG", "picture", "the file is a picture; deliver the list as .xlsx or CSV"),
    (b"\xff\xd8\xff", "picture", "the file is a picture; deliver the list as .xlsx or CSV"),
    (b"GIF8", "picture", "the file is a picture; deliver the list as .xlsx or CSV"),
)
# Zip containers that are not XLSX, by an entry that tells them.
_OTHER_CONTAINERS: tuple[tuple[str, str, str], ...] = (
    ("xl/workbook.bin", "xlsb", f"the file is a binary workbook (.xlsb); {_SAVE_AS}"),
    ("content.xml", "ods", f"the file is an OpenDocument file; {_SAVE_AS}"),
    ("word/document.xml", "document", "the file is a text document; deliver the list as .xlsx or CSV"),
    ("Index/Document.iwa", "numbers", f"the file is a Numbers document; {_SAVE_AS}"),
)


def read_grid(path: Path, *, limits: ReadLimits, sheet: str | None = None, maps: ColumnMaps = NO_MAPS) -> Grid:
    """Read a delivered file as it stands, with what its columns were understood as. Raises `UnreadableFile`."""
    return detect(path).read(path, limits, sheet, maps)


def read_lead_list(
    path: Path, *, batch_id: str, limits: ReadLimits, sheet: str | None = None, maps: ColumnMaps = NO_MAPS
) -> pa.Table:
    """Read a delivered file into a frame of the contract raw_leads; what it is, is told by content, never by suffix.

    `sheet` names the worksheet of a workbook, None for the first visible one; `maps` has columns that a person named. Blank rows are left out but counted in
    `source_row`. Raises `UnreadableFile` where the file cannot become rows.
    """
    return raw_leads(read_grid(path, limits=limits, sheet=sheet, maps=maps), batch_id)


def detect(path: Path) -> Source:
    """Return the lead source that reads this file. Raises `UnreadableFile` for what no source can read."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    _refuse_known(path, head)
    return next(source for source in SOURCES if source.recognises(path, head))


def _refuse_known(path: Path, head: bytes) -> None:
    for magic, code, sentence in _REFUSED:
        if head.startswith(magic):
            raise UnreadableFile(code, sentence)
    if head.startswith(_OLE2):
        if _ENCRYPTED_STREAM in path.read_bytes():
            raise UnreadableFile(
                "encrypted", "the workbook is protected by a password; save it without one and deliver that"
            )
        raise UnreadableFile("old_xls", f"the file is a workbook of the old kind (.xls); {_SAVE_AS}")
    if _begins_like_a_page(head):
        raise UnreadableFile("web_page", f"the file is a web page or XML under a workbook's name; {_SAVE_AS}")
    if head.startswith(_ZIP_MAGIC):
        entries = _entries(path)
        for entry, code, sentence in _OTHER_CONTAINERS:
            if entry in entries:
                raise UnreadableFile(code, sentence)
        if WORKBOOK not in entries:
            raise UnreadableFile("archive", "the file is a zip archive; unpack it and deliver the list inside")


def _begins_like_a_page(head: bytes) -> bool:
    # Whatever the encoding: without marks, zero bytes and space, markup begins with `<` and saved mail with `MIME-`.
    start = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    return start.startswith((b"<", b"MIME-Version:"))


def _entries(path: Path) -> frozenset[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return frozenset(archive.namelist())
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, OSError, NotImplementedError):
        raise UnreadableFile(
            "truncated", "the workbook is incomplete or damaged; copy it again in full and deliver that"
        ) from None
