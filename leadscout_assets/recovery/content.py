"""The digest of a table's rows, whatever their order and however they are spread over files. Reads no file itself.

Each row becomes one text that no other row gives; the digests of these texts are added up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

DIGEST_BYTES = 16
MODULUS = 1 << (8 * DIGEST_BYTES)


@dataclass(frozen=True)
class Content:
    """Rows, and the sum of their digests modulo 2^128. Contents of parts add up to the content of the whole."""

    rows: int = 0
    total: int = 0

    def __add__(self, other: Content) -> Content:
        """Return the content of both together."""
        return Content(self.rows + other.rows, (self.total + other.total) % MODULUS)

    @property
    def digest(self) -> str:
        """The sum in hex, 32 digits."""
        return f"{self.total:0{2 * DIGEST_BYTES}x}"

    @classmethod
    def read(cls, rows: int, digest: str) -> Content:
        """Return the content that was written as rows and digest."""
        return cls(rows, int(digest, 16))


def content_of(batches: Iterable[pa.RecordBatch]) -> Content:
    """Return the content of some record batches of one table; the order of columns does not matter."""
    rows = total = 0
    for batch in batches:
        rows += batch.num_rows
        total += sum(map(_number, _texts(batch)))
    return Content(rows, total % MODULUS)


def _number(text: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(text, digest_size=DIGEST_BYTES).digest())


def _texts(batch: pa.RecordBatch) -> list[bytes]:
    columns = [_cells(batch.column(name)) for name in sorted(batch.schema.names)]
    if not columns or not batch.num_rows:
        return [b""] * batch.num_rows
    joined: list[bytes] = pc.binary_join_element_wise(*columns, "").cast(pa.binary()).to_pylist()
    return joined


def _cells(array: pa.Array) -> pa.Array:
    """Return each value as its length and its text, so that cells joined in a row cannot run into one another."""
    text = _text(array)
    length = pc.binary_length(text.cast(pa.binary())).cast(pa.string())
    return pc.fill_null(pc.binary_join_element_wise(length, text, ":"), "-")


def _text(array: pa.Array) -> pa.Array:
    kind = array.type
    if pa.types.is_dictionary(kind):
        return _text(array.dictionary_decode())
    if pa.types.is_floating(kind):
        # Bits, not digits: how a float is printed is each library version's own affair.
        return array.cast(pa.float64()).view(pa.int64()).cast(pa.string())
    if pa.types.is_temporal(kind):
        return array.view(pa.int64() if kind.bit_width == 64 else pa.int32()).cast(pa.string())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _joined_lists(array)
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return array.cast(pa.string())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view():
        return array.cast(pa.string())
    # Kinds that no table has today: slow, but right.
    return pa.array([None if value is None else repr(value) for value in array.to_pylist()], pa.string())


def _joined_lists(array: pa.Array) -> pa.Array:
    lengths = pc.fill_null(pc.list_value_length(array), 0).cast(pa.int32())
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths)])
    joined = pc.binary_join(pa.ListArray.from_arrays(offsets, _cells(array.flatten())), "")
    return pc.if_else(array.is_valid(), joined, pa.scalar(None, pa.string()))
