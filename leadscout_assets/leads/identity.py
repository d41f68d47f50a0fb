"""The lead id: a keyed hash of the normalised business and director, safe to show in logs and metadata.

How the two are normalised belongs to companies.py and names/normalising.py.
"""

from __future__ import annotations

from hashlib import blake2b

import pyarrow as pa
import pyarrow.compute as pc

_UNIT_SEPARATOR = "\x1f"
_BYTES = 8


def lead_ids(businesses: pa.Array, directors: pa.Array, key: bytes) -> pa.Array:
    """Return the lead id (16 hex digits) of each pair of keys, neither of them null.

    BLAKE2b with `key` (1 to 64 bytes), so that without the key nobody can find a person's id by trying names. Raises
    `ValueError` where the key is empty or too long.
    """
    if not 1 <= len(key) <= 64:
        raise ValueError("the lead id key must have 1 to 64 bytes")
    joined = pc.binary_join_element_wise(businesses, directors, _UNIT_SEPARATOR).cast(pa.binary())
    return pa.array(
        [blake2b(pair, key=key, digest_size=_BYTES).hexdigest() for pair in joined.to_pylist()], pa.string()
    )
