"""Zip containers that lie: bombs, false sizes, false names, entries upon entries. The XML inside is harmless."""

from __future__ import annotations

import random
import zipfile

from tests.hostile.kinds import Kind, done, refused
from tests.hostile.packing import changed, directory_of, end_of, header_of, packed, packed_in_order
from tests.hostile.workbooks import list_of, with_parts

SHEET = "xl/worksheets/sheet1.xml"
DAMAGED = "damaged"
ZEROS = b"\0" * 20_000_000
_ENTRY, _DIRECTORY = 30, 46


def _good(rng: random.Random) -> bytes:
    return packed(list_of(rng))


def _plus(rng: random.Random, name: str, content: bytes | str) -> bytes:
    return packed({**list_of(rng), name: content})


def _record(rng: random.Random, offset: int, code: str, value: int, *, both: int | None = None) -> bytes:
    """Return a good workbook whose sheet has one field of its directory's record changed, and perhaps of its header."""
    data = _good(rng)
    data = data if both is None else changed(data, header_of(data, SHEET) + both, code, value)
    return changed(data, directory_of(data, SHEET) + offset, code, value)


def _end(rng: random.Random, offset: int, code: str, value: int) -> bytes:
    data = _good(rng)
    return changed(data, end_of(data) + offset, code, value)


def _overlapping(rng: random.Random) -> bytes:
    """Return a bomb of many names for one stretch of the file."""
    data = _plus(rng, "xl/media/a.bin", rng.randbytes(1000) + b"\0" * 1_000_000)
    at, end = directory_of(data, "xl/media/a.bin"), end_of(data)
    record = data[at:end]
    more = [record.replace(b"a.bin", b"%03d.b" % number)[: len(record)] for number in range(500)]
    names = [record[:28] + b"\x0e\0" + record[30:46] + b"xl/media/%05d" % number for number in range(len(more))]
    new = data[:end] + b"".join(names)
    count = len(list_of(rng)) + 1 + len(names)
    tail = bytearray(data[end:])
    tail[8:12] = count.to_bytes(2, "little") * 2
    tail[12:16] = (len(new) - int.from_bytes(tail[16:20], "little")).to_bytes(4, "little")
    return new + bytes(tail)


def _cut_stream(rng: random.Random) -> bytes:
    data = bytearray(_good(rng))
    at = header_of(bytes(data), SHEET) + _ENTRY + len(SHEET)
    data[at + 40 : at + 60] = rng.randbytes(20)
    return bytes(data)


def _nested(rng: random.Random) -> bytes:
    data = _good(rng)
    for depth in range(20):
        data = packed({f"{depth}.xlsx": data})
    return data


def _mismatched(rng: random.Random) -> bytes:
    data = _good(rng)
    at = header_of(data, SHEET) + _ENTRY
    return data[:at] + SHEET.replace("sheet1", "sheet2").encode() + data[at + len(SHEET) :]


def _streamed_with_wrong_sizes(rng: random.Random) -> bytes:
    data = _record(rng, 8, "H", 8, both=6)
    return changed(changed(data, header_of(data, SHEET) + 18, "I", 0), header_of(data, SHEET) + 22, "I", 0)


def _behind_a_program(rng: random.Random) -> bytes:
    return b"MZ" + rng.randbytes(400) + _good(rng)


def _half(rng: random.Random) -> bytes:
    data = _good(rng)
    return data[: rng.randrange(10, len(data) - 30)]


def lying(data: bytes, name: str, size: int) -> bytes:
    """Return a container in which an entry declares another size, in its header and in the directory."""
    for at in (header_of(data, name) + 22, directory_of(data, name) + 24):
        data = changed(data, at, "I", size)
    return data


def _lying_bomb(rng: random.Random) -> bytes:
    return lying(_plus(rng, "xl/media/a.bin", ZEROS), "xl/media/a.bin", 100)


def _stored_lie(rng: random.Random) -> bytes:
    data = packed(list_of(rng), zipfile.ZIP_STORED)
    return changed(data, directory_of(data, SHEET) + 24, "I", 10)


BOMBS = (
    refused("a bomb beside the list", "zip bomb", lambda rng: _plus(rng, "xl/media/a.bin", ZEROS)),
    refused("a bomb of a worksheet", "zip bomb", lambda rng: packed(list_of(rng, after=" " * 20_000_000))),
    refused("a bomb of shared strings", "zip bomb", lambda rng: _plus(rng, "xl/sharedStrings.xml", ZEROS)),
    refused("a bomb in a good workbook's vest", "zip bomb|250000000", lambda rng: packed(
        {**list_of(rng), **{f"xl/media/{n}.bin": ZEROS[:9_000_000] for n in range(9)}})),
    refused("a bomb that declares a hundred bytes", DAMAGED, _lying_bomb),
    refused("a bomb of entries that overlap", "zip bomb|damaged|250000000", _overlapping),
    refused("two thousand entries", "1000 parts", lambda rng: packed(
        {**list_of(rng), **{f"xl/media/{n}": b"" for n in range(2000)}})),
    refused("an archive within an archive, twenty deep", "zip archive", _nested),
)  # fmt: skip
LIES = (
    refused("a directory that declares 4 GB", "250000000|damaged", lambda rng: _record(rng, 24, "I", 0xFFFFFFF0)),
    refused("a directory that declares nothing", DAMAGED, lambda rng: _record(rng, 24, "I", 0)),
    refused("a size in ZIP64 that is not there", "250000000|damaged", lambda rng: _record(rng, 24, "I", 0xFFFFFFFF)),
    done("a packed size beyond the file", lambda rng: _record(rng, 20, "I", 0x7FFFFFFF), rows=19),
    refused("an entry that begins beyond the file", DAMAGED, lambda rng: _record(rng, 42, "I", 0x7FFFFFFF)),
    refused(
        "an entry that begins within another",
        DAMAGED,
        lambda rng: _record(rng, 42, "I", rng.randrange(31, 60)),
        variants=3,
    ),
    refused("a wrong checksum", DAMAGED, lambda rng: _record(rng, 16, "I", rng.randrange(1 << 32)), variants=2),
    refused("a stream that is none", DAMAGED, _cut_stream, variants=4),
    refused("a stored entry that declares less", DAMAGED, _stored_lie),
    refused("a name that differs from the directory's", DAMAGED, _mismatched),
    refused("an unknown compression", DAMAGED, lambda rng: _record(rng, 10, "H", 99, both=8)),
    refused("deflate64", DAMAGED, lambda rng: _record(rng, 10, "H", 9, both=8)),
    refused("LZMA", DAMAGED, lambda rng: packed(list_of(rng), zipfile.ZIP_LZMA)),
    refused("bzip2 inside", DAMAGED, lambda rng: packed(list_of(rng), zipfile.ZIP_BZIP2)),
    refused("encrypted entries", "password", lambda rng: _record(rng, 8, "H", 1, both=6)),
    refused("strongly encrypted entries", "password", lambda rng: _record(rng, 8, "H", 0x41, both=6)),
    refused("patched data", DAMAGED, lambda rng: _record(rng, 8, "H", 0x20)),
    refused("a version of the future", DAMAGED, lambda rng: _record(rng, 6, "H", 999)),
    done("sizes that only the directory tells", _streamed_with_wrong_sizes, rows=19),
    refused("a directory longer than the file", DAMAGED, lambda rng: _end(rng, 12, "I", 0x7FFFFFFF)),
    refused("a directory that begins beyond the file", DAMAGED, lambda rng: _end(rng, 16, "I", 0x7FFFFFFF)),
    done("fewer entries than declared", lambda rng: _end(rng, 10, "H", 99), rows=19),
    refused("an empty archive", "zip archive", lambda _: packed({})),
    refused("a cut archive", DAMAGED, _half, variants=4),
    refused("a first entry alone", DAMAGED, lambda rng: _good(rng)[:200]),
    refused("a comment that looks like an end", DAMAGED, lambda rng: _with_comment(rng)),
    refused("a program before the archive", "neither|column", _behind_a_program),
    done("rubbish behind the archive's end", lambda rng: _good(rng) + b"\0" * rng.randrange(1, 99), rows=19),
)


def _with_comment(rng: random.Random) -> bytes:
    comment = b"PK\x05\x06" + rng.randbytes(10)
    data = _good(rng)
    return changed(data, end_of(data) + 20, "H", len(comment)) + comment


def _twice(rng: random.Random, name: str, other: str) -> bytes:
    contents = list_of(rng)
    return packed_in_order([*contents.items(), (other, contents[name])])


NAMES = (
    refused("a worksheet that is there twice", DAMAGED, lambda rng: _twice(rng, SHEET, SHEET)),
    refused("a worksheet under a name in capitals too", DAMAGED, lambda rng: _twice(rng, SHEET, SHEET.upper())),
    refused("a worksheet under a name with backslashes too", DAMAGED, lambda rng: _twice(
        rng, SHEET, SHEET.replace("/", "\\"))),
    done("an entry with a path upwards", lambda rng: _plus(rng, "../../../../tmp/x", b"x"), rows=19),
    done("an entry with an absolute path", lambda rng: _plus(rng, "/etc/cron.d/x", b"x"), rows=19),
    done("an entry with a drive", lambda rng: _plus(rng, "C:\\x.exe", b"x"), rows=19),
    done("a folder of content types", lambda rng: _plus(rng, "[Content_Types].xml/x", b"x"), rows=19),
    done("a name that is not UTF-8", lambda rng: _plus(rng, "xl/\udcff".encode("utf-8", "surrogateescape").decode("cp437"), b""), rows=19),
    done("a program in the workbook", lambda rng: _plus(rng, "xl/vbaProject.bin", rng.randbytes(500)), rows=19),
    done("an embedded object", lambda rng: _plus(rng, "xl/embeddings/oleObject1.bin", b"\xd0\xcf\x11\xe0" + rng.randbytes(99)), rows=19),
    done("an external link", lambda rng: _plus(rng, "xl/externalLinks/externalLink1.xml",
        '<externalLink><ddeLink ddeService="cmd" ddeTopic="/C calc"/></externalLink>'), rows=19),
    done("a connection", lambda rng: _plus(rng, "xl/connections.xml", '<connections url="http://198.51.100.7/"/>'), rows=19),
    refused("a binary workbook", "xlsb", lambda rng: _plus(rng, "xl/workbook.bin", b"x")),
    refused("an OpenDocument file", "OpenDocument", lambda rng: _plus(rng, "content.xml", b"x")),
    refused("a text document", "text document", lambda rng: _plus(rng, "word/document.xml", b"x")),
    refused("a Numbers document", "Numbers", lambda rng: _plus(rng, "Index/Document.iwa", b"x")),
    refused("any other archive", "zip archive", lambda rng: packed({"leads.csv": rng.randbytes(9)})),
    refused("a workbook without its relations", DAMAGED, lambda rng: packed(with_parts(rng, {"_rels/.rels": None}))),
    refused("a workbook without its sheet", "no visible worksheet|damaged", lambda rng: packed(with_parts(rng, {SHEET: None}))),
    done("a workbook without content types", lambda rng: packed(with_parts(rng, {"[Content_Types].xml": None})), rows=19),
)  # fmt: skip
CONTAINERS: tuple[Kind, ...] = (*BOMBS, *LIES, *NAMES)
