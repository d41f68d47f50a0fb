"""Hostile CSVs as a whole: encodings, line ends, quotes, sizes. What one cell may hold stands in cells.py."""

from __future__ import annotations

import codecs
import random
from functools import partial

from tests.hostile.kinds import HEADINGS, Kind, done, failing, good_rows, refused

TEXT = {"file_name": "leads.csv"}
HEADER = ",".join(HEADINGS)


def _lines(rng: random.Random, *more: str) -> list[str]:
    return [HEADER, *(",".join(f'"{cell}"' for cell in row) for row in good_rows(rng)), *more]


def _text(rng: random.Random, *more: str, end: str = "\n") -> str:
    return end.join([*_lines(rng, *more), ""])


def _with(rng: random.Random, line: bytes) -> bytes:
    return _text(rng).encode() + line + b"\n"


def _lead(rng: random.Random, name: bytes = b"X") -> bytes:
    return b"ACME %d %s,THANDI NKOSI,0850000001,,,,,\n" % (rng.randrange(1000), name)


def _interleaved(rng: random.Random, line: str) -> bytes:
    return "\n".join(each + "\n" + line for each in _lines(rng)).encode()


def _mixed_ends(rng: random.Random) -> bytes:
    return "".join(line + rng.choice(["\n", "\r", "\r\n"]) for line in _lines(rng, "ACME,THANDI NKOSI")).encode()


def _mixed_encodings(rng: random.Random) -> bytes:
    lines = [f"CAFÉ {line}" if number else line for number, line in enumerate(_lines(rng))]
    lines = [line.replace('"', "") for line in lines]
    lines = [line.replace("5 ALOE ROAD, DURBAN, 4001", "5 ALOE ROAD") for line in lines]
    return b"\n".join(line.encode(rng.choice(["utf-8", "cp1252"])) for line in lines) + b"\n"


def _stray_quotes(rng: random.Random, line: str) -> bytes:
    return (HEADER + "\n" + f"{line}\n" * (rng.randrange(50) + 300)).encode()


def _cut_utf16(rng: random.Random) -> bytes:
    return codecs.BOM_UTF16_LE + _text(rng).encode("utf-16-le")[:-1]


def _lone_surrogate(rng: random.Random) -> bytes:
    return codecs.BOM_UTF16_LE + _text(rng).encode("utf-16-le") + b"\x00\xd8A\x00"


NOT_TEXT = (
    refused("nothing at all", "empty|no filled cell", lambda _: b"", **TEXT),
    refused(
        "zero bytes", "neither a workbook nor text", lambda rng: b"\0" * rng.randrange(1, 5000), variants=2, **TEXT
    ),
    refused(
        "a zero byte in the middle", "neither a workbook nor text", lambda rng: _with(rng, b"A,\0B"), variants=2, **TEXT
    ),
    refused(
        "random bytes", "neither|column|damaged|filled cell", lambda rng: rng.randbytes(20_000), variants=3, **TEXT
    ),
    refused("a mark of UTF-8 alone", "empty|no filled cell", lambda _: codecs.BOM_UTF8, **TEXT),
    refused("a mark of UTF-16 alone", "empty|no filled cell", lambda _: codecs.BOM_UTF16_LE, **TEXT),
    refused("a mark of UTF-16 and one byte", "damaged", lambda _: codecs.BOM_UTF16_BE + b"A", **TEXT),
    refused("a mark of UTF-32 alone", "empty|no filled cell", lambda _: codecs.BOM_UTF32_LE, **TEXT),
    refused(
        "marks of UTF-8 upon marks",
        "column",
        lambda rng: codecs.BOM_UTF8 * 2000 + rng.randbytes(9).hex().encode(),
        **TEXT,
    ),
    refused("UTF-32 beyond the last character", "damaged", lambda _: codecs.BOM_UTF32_LE + b"\xff" * 40, **TEXT),
    refused("UTF-16 with an odd number of bytes", "damaged", _cut_utf16, variants=2, **TEXT),
    refused("UTF-16 with half a character", "damaged", _lone_surrogate, **TEXT),
    refused("EBCDIC", "column|neither", lambda rng: _text(rng).encode("cp500"), **TEXT),
    refused("blanks only", "empty|no filled cell", lambda rng: b" \t\n" * rng.randrange(1, 9000), variants=2, **TEXT),
    refused("delimiters only", "no filled cell", lambda rng: b",;|\t\n"[: rng.randrange(1, 2)] * 9000, **TEXT),
    refused("quotes only", "column|filled cell", lambda rng: b'"' * rng.randrange(1, 9000), variants=2, **TEXT),
    refused("a header alone", "no rows", lambda _: HEADER.encode(), **TEXT),
    refused("a header and 100,000 blank lines", "no rows", lambda rng: HEADER.encode() + b"\n" * 100_000, **TEXT),
)
ENCODINGS = (
    done("UTF-16 without a mark", lambda rng: _text(rng, "ACME,THANDI NKOSI,1").encode("utf-16-le"), **TEXT),
    done("UTF-16, big end first", lambda rng: codecs.BOM_UTF16_BE + _text(rng, "A,THANDI NKOSI,1").encode("utf-16-be"), **TEXT),
    done("UTF-32", lambda rng: _text(rng, "ACME,THANDI NKOSI,1").encode("utf-32"), **TEXT),
    done("lines of different encodings", _mixed_encodings, rows=19, variants=3, **TEXT),
    done("overlong UTF-8", lambda rng: _text(rng).encode() + _lead(rng, b"\xc0\xaf\xe0\x80\xaf"), **TEXT),
    done("UTF-8 cut within a character", lambda rng: _text(rng).encode() + _lead(rng, b"CAF\xc3"), variants=2, **TEXT),
    done("surrogates in UTF-8", lambda rng: _text(rng).encode() + _lead(rng, b"\xed\xa0\xbd\xed\xb8\x80"), **TEXT),
    done("bytes that no encoding has", lambda rng: _text(rng).encode() + _lead(rng, b"\x81\x8d\x8f\x90\x9d\xff\xfe"), **TEXT),
    done("UTF-7", lambda rng: _text(rng).encode() + _lead(rng, b"+ADw-script+AD4-"), **TEXT),
    done("a mark of UTF-8 in the middle", lambda rng: _text(rng).encode() + _lead(rng, codecs.BOM_UTF8), **TEXT),
    done("Shift-JIS", lambda rng: _text(rng).encode() + _lead(rng, "株式会社".encode("shift-jis")), **TEXT),
)  # fmt: skip
LINES = (
    done("returns for line ends", lambda rng: _text(rng, "ACME,THANDI NKOSI,1", end="\r").encode(), **TEXT),
    done("line ends of every kind", _mixed_ends, variants=3, **TEXT),
    done("blank lines between all lines", lambda rng: _interleaved(rng, ""), rows=19, **TEXT),
    done("delimiters between all lines", lambda rng: _interleaved(rng, ",,,,,,,"), rows=19, **TEXT),
    done("100,000 blank lines", lambda rng: (_text(rng) + "\n" * 100_000 + "A,THANDI NKOSI,1\n").encode(), **TEXT),
    refused(
        "six million blank lines", "more than 5000000 lines", lambda rng: (HEADER + "\n" * 6_000_000).encode(), **TEXT
    ),
    refused("six million returns", "more than 5000000 lines", lambda rng: (HEADER + "\r" * 6_000_000).encode(), **TEXT),
    failing("separators that end no line", lambda rng: _stray_quotes(rng, "A\u2028B\u0085,C\x0bD\x1e"), **TEXT),
    done("a separator line for a program", lambda rng: ("sep=,\r\n" + _text(rng, "A,THANDI NKOSI,1")).encode(), **TEXT),
    done("a separator line that lies", lambda rng: ("sep=x\r\n" + _text(rng, "A,THANDI NKOSI,1")).encode(), **TEXT),
    refused("a separator line alone", "empty|no filled cell", lambda _: b"sep=;", **TEXT),
)
QUOTES = (
    failing("a quote that never closes on every third line", lambda rng: _stray_quotes(rng, 'A,B\n"C,D\nE,F'), variants=2, **TEXT),
    failing("escaped quotes that never close", lambda rng: _stray_quotes(rng, '"""A,B\n""C,D\n""E,F'), variants=2, **TEXT),
    failing("text behind closed quotes", lambda rng: _stray_quotes(rng, '"A"B"C,"D"E'), **TEXT),
    done("one stray quote in good rows", lambda rng: _text(rng, '"ACME,THANDI NKOSI').encode(), **TEXT),
    done("a cell of newlines", lambda rng: _text(rng, '"' + "\n" * 90 + 'A",THANDI NKOSI,1').encode(), **TEXT),
    failing("a quoted cell of 500,000 bytes over a hundred lines", lambda rng: _text(
        rng, '"' + "\n".join(["X" * 5_000] * 99) + '",THANDI NKOSI,1').encode(), rows=19 + 99, variants=1, **TEXT),
    refused("a header whose quote never closes", "column", lambda rng: b'"' + _text(rng).replace('"', "").encode(), **TEXT),
)  # fmt: skip
SIZES = (
    refused("a million columns", "1000 columns", lambda rng: (HEADER + ",x" * 1_000_000).encode() + b"\nA,B\n", **TEXT),
    refused("300,000 columns of one name", "1000 columns", lambda rng: (HEADER + ",Cell" * 300_000).encode(), **TEXT),
    refused("ten million empty columns", "10000000 bytes", lambda rng: HEADER.encode() + b"," * 10_000_001, **TEXT),
    refused("1,001 columns", "1000 columns", lambda rng: (HEADER + ",x" * 993).encode() + b"\n" + _lead(rng), **TEXT),
    done("a row of a million cells", lambda rng: _text(rng, "A,THANDI NKOSI" + ",x" * 1_000_000).encode(), **TEXT),
    done("a cell of 200,000 bytes", lambda rng: _text(rng, "A" * 200_000 + ",THANDI NKOSI").encode(), variants=2, **TEXT),
    refused("a cell of 50 MB", "10000000 bytes", lambda rng: _text(rng, "A" * 50_000_000 + ",THANDI NKOSI").encode(), **TEXT),
    refused("a header of 200,000 letters", "column", lambda rng: b"A" * 200_000 + b",B\n" + _lead(rng), **TEXT),
    done("a thousand equal headings", lambda rng: "\n".join(
        [HEADER + ",Cell" * 900, *_lines(rng)[1:], ""]).encode(), rows=19, **TEXT),
    failing("rows of every width", lambda rng: "\n".join(
        [HEADER, *("A," * rng.randrange(40) for _ in range(99))]).encode(), variants=3, **TEXT),
)  # fmt: skip
SIGNATURES: dict[str, tuple[bytes, str]] = {
    "a PDF": (b"%PDF-1.7\n", "a PDF"),
    "gzip": (b"\x1f\x8b\x08\0", "compressed archive"),
    "7-Zip": (b"7z\xbc\xaf\x27\x1c", "compressed archive"),
    "RAR": (b"Rar!\x1a\x07", "compressed archive"),
    "PNG": (b"\x89PNG\r\n\x1a\n", "a picture"),
    "JPEG": (b"\xff\xd8\xff\xe0", "a picture"),
    "GIF": (b"GIF89a", "a picture"),
    "RTF": (b"{\\rtf1", "a text document"),
    "an old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "the old kind"),
    "a web page": (b"<html><script>alert(1)</script>", "a web page"),
    "a bomb of entities": (b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]>', "a web page"),
    "an external entity": (b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>', "a web page"),
    "a saved mail": (b"MIME-Version: 1.0\n", "a web page"),
    "a program of Windows": (b"MZ\x90\0", "neither"),
    "a program of Linux": (b"\x7fELF\x02\x01\x01\0", "neither"),
    "a shell script": (b"#!/bin/sh\nrm -rf /\n", "neither|column"),
    "Parquet": (b"PAR1\x15\x04", "neither"),
    "SQLite": (b"SQLite format 3\0", "neither"),
    "bzip2": (b"BZh91AY&SY", "neither|column"),
    "xz": (b"\xfd7zXZ\0\0", "neither"),
    "tar": (b"leads.csv" + b"\0" * 200 + b"ustar", "neither"),
    "a pickle": (b"\x80\x04cos\nsystem\n(S'id'\ntR.", "column|neither"),
}


def _behind(rng: random.Random, magic: bytes) -> bytes:
    return magic + rng.randbytes(3_000) + b"ZWELIBANZI QWABE"


SUFFIXES = tuple(
    refused(f"{name} under a list's name", says, partial(_behind, magic=magic))
    for name, (magic, says) in SIGNATURES.items()
)
NAMES = tuple(
    done(f"the file name {name!r}"[:60], lambda rng: _text(rng, "ACME,THANDI NKOSI,1").encode(), file_name=name)
    for name in (
        "..\\..\\windows\\x.xlsx", "=cmd|' -C calc'!A0.csv", "@SUM(1).csv", "<script>alert(1)<.csv", "\u202efdp.csv",
        "a\nb\tc.csv", "\x1b[2J.csv", "$(id);`id`.csv", "-rf.csv", "#panic(1)$.csv", "CON.csv", "x" * 240, "%2e%2e%2fx",
        "\u200b.csv", "{0}%s${x}.csv", "leads.xlsx.exe", "' OR 1=1 --.csv", "\udcff\udcfe.csv",
    )
)  # fmt: skip
TEXTS: tuple[Kind, ...] = (*NOT_TEXT, *ENCODINGS, *LINES, *QUOTES, *SIZES, *SUFFIXES, *NAMES)
