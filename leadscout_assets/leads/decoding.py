"""The bytes of a text file to UTF-8, whatever encoding they came in.

What the text says (delimiter, rows, cells) is csv_text.py's.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from leadscout_assets.errors import UnreadableFile
from leadscout_assets.leads.guards import ReadLimits

# Longest first: the mark of UTF-32 LE begins with that of UTF-16 LE.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HEAD = 4096
_CHUNK = 1 << 24
_END_MARK = b"\x1a"
_AFTER_END = _END_MARK + b"\r\n"
_NOT_ASCII = re.compile(rb"[^\r\n]*[\x80-\xff][^\r\n]*")
# Windows-1252 leaves five bytes undefined; as every browser does, they are read as the control of that number.
_WINDOWS_1252 = "".join(bytes([byte]).decode("cp1252", "replace").replace("\ufffd", chr(byte)) for byte in range(256))


def read_text(path: Path, limits: ReadLimits) -> bytes:
    """Return a text file as UTF-8 without a byte order mark.

    Understood are UTF-8, UTF-16 and UTF-32 with their mark, UTF-16 without one, and Windows-1252. In a file that is
    mostly UTF-8, single lines of Windows-1252 (lists pasted together) are understood too.
    Raises `UnreadableFile` where the file is too large, empty or not text.
    """
    if path.stat().st_size > limits.max_csv_bytes:
        raise UnreadableFile(
            "too_large",
            f"the file is larger than {limits.max_csv_bytes} bytes; split it or raise LEADSCOUT_MAX_CSV_BYTES",
        )
    text = without_end_mark(to_utf8(path.read_bytes()))
    if b"\0" in text:
        raise UnreadableFile("binary", "the file is neither a workbook nor text; save the list as .xlsx or CSV")
    if not text or text.isspace():
        raise UnreadableFile("empty", "the file is empty; deliver it again with the list in it")
    return text


def without_end_mark(text: bytes) -> bytes:
    """Return `text` without the Ctrl-Z at its very end, which old programs write as the mark of the file's end.

    One may be several, or have an empty line below it. Anywhere else it is what a cell holds.
    """
    if _END_MARK not in text[-_HEAD:]:
        return text
    body = text.rstrip(_AFTER_END)
    mark = text.find(_END_MARK, len(body))
    return text if mark < 0 else text[:mark]


def to_utf8(data: bytes) -> bytes:
    """Return `data` in UTF-8 without a byte order mark; raises `UnreadableFile` where UTF-16 or 32 is cut off."""
    encoding, mark = encoding_of(data)
    body = data[len(mark) :]
    if encoding != "utf-8":
        try:
            return body.decode(encoding).lstrip("\ufeff").encode()
        except UnicodeError:
            raise UnreadableFile(
                "damaged", "the text is damaged or cut off; save the list again as .xlsx or CSV UTF-8"
            ) from None
    return body if _is_utf8(body) else _mended(body)


def encoding_of(data: bytes) -> tuple[str, bytes]:
    """Return the encoding of a text and its byte order mark, empty where it has none; what is none of the wide ones is
    called utf-8, though single lines or all of it may be Windows-1252."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding, mark
    return _unmarked_utf16(data[:_HEAD]) or "utf-8", b""


def _unmarked_utf16(head: bytes) -> str | None:
    """Return the byte order of UTF-16 without a mark: nearly every other byte of western text is zero."""
    half = len(head) // 2
    low, high = head[0::2].count(0), head[1::2].count(0)
    if half and high > 0.7 * half and low < 0.05 * half:
        return "utf-16-le"
    if half and low > 0.7 * half and high < 0.05 * half:
        return "utf-16-be"
    return None


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(data), _CHUNK):
            decoder.decode(data[start : start + _CHUNK])
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def _mended(data: bytes) -> bytes:
    """Decode as Windows-1252: everything, or where most lines with accents are UTF-8 only the lines that are not."""
    lines = _NOT_ASCII.findall(data)
    valid = sum(_is_utf8(line) for line in lines)
    if valid * 2 <= len(lines):
        return _from_windows(data)
    return _NOT_ASCII.sub(lambda line: line[0] if _is_utf8(line[0]) else _from_windows(line[0]), data)


def _from_windows(data: bytes) -> bytes:
    return codecs.charmap_decode(data, "strict", _WINDOWS_1252)[0].encode()
