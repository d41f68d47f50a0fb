"""Zip containers as bytes, also those that no program would write. What is in them stands elsewhere."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from collections.abc import Iterable, Mapping


def packed(contents: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return the parts as a zip container; the first is stored at byte 0."""
    return packed_in_order(contents.items(), method)


def stored(contents: Mapping[str, str | bytes]) -> bytes:
    """Return the parts as a container that packs nothing, so that no ratio of sizes gives it away."""
    return packed(contents, zipfile.ZIP_STORED)


def packed_in_order(contents: Iterable[tuple[str, str | bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return parts as a zip container in which a name may occur twice."""
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", method) as archive:
        warnings.simplefilter("ignore")
        for name, content in contents:
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=method)
    return stream.getvalue()


def directory_of(data: bytes, name: str) -> int:
    """Return where the directory's record of an entry begins."""
    return data.rindex(b"PK\x01\x02", 0, data.rindex(name.encode()))


def header_of(data: bytes, name: str) -> int:
    """Return where an entry's own header begins."""
    return int.from_bytes(data[directory_of(data, name) + 42 :][:4], "little")


def end_of(data: bytes) -> int:
    """Return where the record at the end of the directory begins."""
    return data.rindex(b"PK\x05\x06")


def changed(data: bytes, at: int, code: str, value: int) -> bytes:
    """Return the bytes with one number changed; `code` is one of `struct`, little-endian."""
    new = bytearray(data)
    struct.pack_into(f"<{code}", new, at, value)
    return bytes(new)
