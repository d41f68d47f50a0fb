"""Looks for values in every byte below a folder: plain, in UTF-16, inside workbooks, compressed logs and column files.

Says where and how often, never what.
"""

from __future__ import annotations

import gzip
import html
import json
import zipfile
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from leadscout_assets.folders import below

CHUNK = 1 << 26
LONGEST = 4_096
"""Bytes by which two pieces of a file overlap: more than any value has."""

ROWS = 65_536


@dataclass(frozen=True)
class Hit:
    """One file in which a value was found: its path, the value's number in the list asked for, and how often."""

    path: Path
    value: int
    count: int


class Needles:
    """The values looked for, in all the forms in which they may be written; case does not count."""

    def __init__(self, values: Collection[str]) -> None:
        """Prepare the forms of each value."""
        self.values = list(values)
        self._forms = [sorted(_forms(value)) for value in self.values]

    def count(self, content: bytes) -> Counter[int]:
        """Return how often each value stands in some bytes, by its number."""
        low = content.lower()
        found = {number: sum(low.count(form) for form in forms) for number, forms in enumerate(self._forms)}
        return Counter({number: count for number, count in found.items() if count})

    def in_name(self, name: str) -> Counter[int]:
        """Return the same for the name of a file."""
        return self.count(name.encode("utf-8", "surrogateescape"))

    def in_file(self, path: Path) -> Counter[int]:
        """Return the same for a file and whatever is packed in it, its name included. A file that is gone holds nothing."""
        return self.in_name(path.name) + self.in_content(path)

    def in_content(self, path: Path) -> Counter[int]:
        """Return the same for a file without its name."""
        found: Counter[int] = Counter()
        try:
            for content in _layers(path):
                found += self.count(content)
        except FileNotFoundError:
            return Counter()
        return found


def search(folder: Path, needles: Needles, *, apart_from: Collection[Path] = ()) -> Iterator[Hit]:
    """Yield every hit below a folder, but for the folders named; what lies elsewhere and is linked to is searched, too.

    Raises `EdgeFailed` where not all of it can be looked at.
    """
    for path in below(folder, apart_from=apart_from):
        if path.is_dir():
            yield from (Hit(path, value, count) for value, count in needles.in_name(path.name).items())
        elif path.is_file():
            yield from (Hit(path, value, count) for value, count in needles.in_file(path).items())


def _forms(value: str) -> set[bytes]:
    written = {value, html.escape(value), html.escape(value, quote=False), json.dumps(value)[1:-1]}
    # Bytes are compared in lower case, which turns the letters of ASCII only.
    written |= {form.lower() for form in written} | {form.upper() for form in written}
    return {form.encode(encoding).lower() for form in written for encoding in ("utf-8", "utf-16-le", "utf-16-be")}


def _layers(path: Path) -> Iterator[bytes]:
    """Yield the content of a file as it lies on the disk, and then what is packed in it."""
    yield from _pieces(path)
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(b"PK\x03\x04"):
        yield from _members(path)
    elif head.startswith(b"\x1f\x8b"):
        yield from _unzipped(path)
    elif head.startswith(b"PAR1"):
        yield from _columns(path)
    elif head.startswith(b"ARROW1"):
        yield from _arrow(path)


def _pieces(path: Path) -> Iterator[bytes]:
    kept = b""
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield kept + piece
            kept = piece[-LONGEST:] if len(piece) == CHUNK else b""


def _members(path: Path) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                yield member.filename.encode() + b"\n" + archive.read(member)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, OSError, NotImplementedError, RuntimeError, EOFError):
        return  # no archive after all, or a damaged one: its bytes were looked at


def _unzipped(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path) as file:
            while piece := file.read(CHUNK):
                yield piece
    except (OSError, EOFError, zlib.error):
        return


def _columns(path: Path) -> Iterator[bytes]:
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=ROWS):
                yield from map(_text_of, batch.columns)
    except (pa.ArrowException, OSError):
        return


def _arrow(path: Path) -> Iterator[bytes]:
    try:
        with pa.OSFile(str(path)) as source:
            file = pa.ipc.open_file(source)
            for number in range(file.num_record_batches):
                yield from map(_text_of, file.get_batch(number).columns)
    except (pa.ArrowException, OSError):
        return


def _text_of(column: pa.Array) -> bytes:
    if pa.types.is_list(column.type) and pa.types.is_string(column.type.value_type):
        column = column.flatten()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return "\n".join(value for value in column.to_pylist() if value is not None).encode()
    if pa.types.is_nested(column.type):
        return str(column.to_pylist()).encode()
    return b""
