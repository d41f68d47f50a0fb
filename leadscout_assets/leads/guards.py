"""Limits on delivered files, and the checks of a workbook's container that come before any parsing.

What a workbook or a CSV contains is not looked at here.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

from leadscout_assets.errors import UnreadableFile

MAX_CELLS = 2_500_000
"""Most cells that the used range of a worksheet may span. A reader allocates all of them, and two readers look at each
that is filled: 5 million took over a minute. A list of 17 columns has 147,000 rows then; a longer one comes as CSV."""

MAX_LINES = 5_000_000
"""Most lines of a CSV, five times the rows of a worksheet: each costs both readers microseconds, blank ones too."""

MAX_LINE_BYTES = 10_000_000
"""Longest line of a CSV: a hundred times the longest row of a real list, and the most that is taken apart at once."""

_CHUNK = 1 << 20
_ENCRYPTED_BIT = 0x1
_READABLE_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_LOCAL_HEADER = 30
_DAMAGED = "the workbook is damaged; open it in a spreadsheet program, save it again as .xlsx and deliver that"


@dataclass(frozen=True)
class ReadLimits:
    """How large a delivered file may be. Sizes in bytes; each is the setting `LEADSCOUT_<NAME>`."""

    max_workbook_bytes: int
    max_unpacked_bytes: int
    max_compression_ratio: float
    max_workbook_entries: int
    max_columns: int
    max_csv_bytes: int


def damaged() -> UnreadableFile:
    """Return the refusal of a workbook whose parts cannot be read."""
    return UnreadableFile("damaged", _DAMAGED)


def check_width(width: int, limits: ReadLimits) -> None:
    """Refuse a lead list of more than `max_columns` columns."""
    if width > limits.max_columns:
        raise UnreadableFile(
            "too_many_columns",
            f"the list is more than {limits.max_columns} columns wide; "
            "delete the surplus columns or raise LEADSCOUT_MAX_COLUMNS",
        )


def check_lines(text: bytes) -> None:
    """Refuse a CSV of more or longer lines than any list has, before a line of it is taken apart."""
    if text.count(b"\n") > MAX_LINES or text.count(b"\r") > MAX_LINES:
        raise UnreadableFile(
            "too_many_lines",
            f"the file has more than {MAX_LINES} lines; delete the blank ones, or split the list",
        )
    start = 0
    while len(text) - start > MAX_LINE_BYTES:
        end = start + MAX_LINE_BYTES
        start = 1 + max(text.rfind(b"\n", start, end), text.rfind(b"\r", start, end))
        if start <= end - MAX_LINE_BYTES:
            raise UnreadableFile(
                "line_too_long",
                f"the file has a line of more than {MAX_LINE_BYTES} bytes, which no list has; "
                "save the list anew as .xlsx or CSV",
            )


def check_extent(rows: int, width: int, limits: ReadLimits) -> None:
    """Refuse a worksheet whose used range, from A1 to its last filled cell, is too wide or too large to load."""
    check_width(width, limits)
    if rows * width > MAX_CELLS:
        raise UnreadableFile(
            "too_many_cells",
            f"the worksheet's filled cells span {rows} rows and {width} columns; "
            "delete stray cells far from the list, or deliver the list as CSV",
        )


def read_workbook(path: Path, limits: ReadLimits) -> bytes:
    """Return an XLSX container's bytes after checking size, entries, unpacked size, ratio and checksums.

    The sizes that the container declares are checked first, then every entry is unpacked against its declared size,
    because a reader that trusts a false size can be made to fill the memory. Raises `UnreadableFile`.
    """
    if path.stat().st_size > limits.max_workbook_bytes:
        raise UnreadableFile(
            "too_large",
            f"the workbook is larger than {limits.max_workbook_bytes} bytes; split it, deliver it as CSV, "
            "or raise LEADSCOUT_MAX_WORKBOOK_BYTES",
        )
    data = path.read_bytes()
    try:
        entries = open_workbook(data).infolist()
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, OSError, NotImplementedError):
        raise UnreadableFile(
            "truncated", "the workbook is incomplete or damaged; copy it again in full and deliver that"
        ) from None
    _check_declared(entries, len(data), limits)
    for entry in entries:
        size, checksum = 0, 0
        for piece in _unpack(data, entry):
            size, checksum = size + len(piece), zlib.crc32(piece, checksum)
        if (size, checksum) != (entry.file_size, entry.CRC):
            raise damaged()
    return data


def open_workbook(data: bytes) -> zipfile.ZipFile:
    """Open the bytes of a container that `read_workbook` has checked."""
    return zipfile.ZipFile(io.BytesIO(data))


def _check_declared(entries: list[zipfile.ZipInfo], packed: int, limits: ReadLimits) -> None:
    if len(entries) > limits.max_workbook_entries:
        raise UnreadableFile(
            "too_many_entries",
            f"the workbook holds more than {limits.max_workbook_entries} parts; copy the list alone into a new "
            "workbook, or raise LEADSCOUT_MAX_WORKBOOK_ENTRIES",
        )
    if any(entry.flag_bits & _ENCRYPTED_BIT for entry in entries):
        raise UnreadableFile("encrypted", "the file is protected by a password; save it without one and deliver that")
    # The value reader looks parts up without regard to case and slashes: two that only these tell apart are a trap.
    if len({entry.filename.casefold().replace("\\", "/") for entry in entries}) != len(entries):
        raise damaged()
    if any(entry.compress_type not in _READABLE_METHODS for entry in entries):
        raise damaged()
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > limits.max_unpacked_bytes:
        raise UnreadableFile(
            "too_large_unpacked",
            f"the workbook unpacks to more than {limits.max_unpacked_bytes} bytes; split it, deliver it as CSV, "
            "or raise LEADSCOUT_MAX_UNPACKED_BYTES",
        )
    if unpacked > limits.max_compression_ratio * packed:
        raise UnreadableFile(
            "compression_ratio",
            f"the workbook unpacks to more than {limits.max_compression_ratio:g} times its size, which looks like a "
            "zip bomb; copy the list alone into a new workbook, or raise LEADSCOUT_MAX_COMPRESSION_RATIO",
        )


def _unpack(data: bytes, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield an entry's true content in pieces, stopping soon after its declared size is exceeded.

    `zipfile` itself would stop silently at the declared size and so hide what other readers go on to unpack.
    """
    header = data[entry.header_offset : entry.header_offset + _LOCAL_HEADER]
    if len(header) < _LOCAL_HEADER:
        raise damaged()
    names = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    start = entry.header_offset + _LOCAL_HEADER + names
    packed = data[start : start + entry.compress_size]
    if entry.compress_type == zipfile.ZIP_STORED:
        yield packed
        return
    inflater, seen = zlib.decompressobj(-zlib.MAX_WBITS), 0
    try:
        while packed and not inflater.eof and seen <= entry.file_size:
            piece = inflater.decompress(packed, _CHUNK)
            packed, seen = inflater.unconsumed_tail, seen + len(piece)
            yield piece
        if inflater.eof or seen > entry.file_size:
            return
        yield inflater.flush()
    except zlib.error:
        raise damaged() from None


def xml_parser() -> expat.XMLParserType:
    """Return a namespace-aware parser (names come as `namespace local`) that refuses document types and entities."""

    def refuse(*_: object) -> None:
        raise UnreadableFile("unsafe_xml", "the workbook declares XML entities, which no spreadsheet program writes")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.buffer_text = True
    return parser


def parse_entry(workbook: zipfile.ZipFile, entry: str, parser: expat.XMLParserType) -> None:
    """Feed one XML part of a workbook to `parser`. Raises `UnreadableFile` where it is missing or not XML."""
    try:
        with workbook.open(entry) as stream:
            while piece := stream.read(_CHUNK):
                parser.Parse(piece, False)
        parser.Parse(b"", True)
    except (LookupError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, expat.ExpatError):
        raise damaged() from None
