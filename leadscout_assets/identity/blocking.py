"""Which leads of different batches are worth a comparison: those that share a block, a hash of two things they have in common.

Each block joins two fields, so that neither a common name nor a number that hundreds of businesses share makes a block large.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.identity.comparing import comparable

Hashes = npt.NDArray[np.uint64]
Positions = npt.NDArray[np.int64]

_COMPARED = ("business", "trading", "given", "surname", "cell", "email")

BLOCKS = ("by_director_start", "by_director_end", "by_business", "by_trading", "by_cell", "by_email")

MEETING: tuple[tuple[str, str], ...] = (
    ("by_director_start", "by_director_start"),
    ("by_director_end", "by_director_end"),
    ("by_business", "by_business"),
    # A business that one list has under its registered name, another has under the name over its door.
    ("by_business", "by_trading"),
    ("by_trading", "by_business"),
    ("by_trading", "by_trading"),
    ("by_cell", "by_cell"),
    ("by_email", "by_email"),
)
"""Blocks of one side and of the other that may be equal."""

MOST_IN_BLOCK = 500
"""Leads on either side; a block with more tells nothing, and comparing all of them would cost the square of it."""

EDGE = 4
"""Letters and digits of the business's name that make its beginning and its end."""

HASHED_AT_ONCE = 8_192
"""Texts; what is computed for their letters stays in the processor's cache."""

_ZERO = np.zeros(1, np.uint64)
_BASE = np.uint64(0x9E3779B97F4A7C15)
_SALTS = {
    name: np.uint64((3 + 2 * number) * int(_BASE) % 2**64)
    for number, name in enumerate(("director", "business", "cell", "email"))
}


def blocks(leads: pa.Table) -> pa.Table:
    """Return the blocks of each lead, row by row: the columns of `BLOCKS`, signed 64-bit hashes, null where a part is missing."""
    compared = comparable(leads, _COMPARED)
    joined = _squeezed(compared["business"])
    start = hashed(pc.utf8_slice_codeunits(joined, 0, EDGE))
    end = hashed(pc.utf8_slice_codeunits(joined, -EDGE))
    names = pc.binary_join_element_wise(_flat(compared["given"]), _flat(compared["surname"]), " ")
    director = _any_order(names)
    initials = _any_order(pc.binary_join_element_wise(_first(compared["given"]), _first(compared["surname"]), " "))
    made = {
        "by_director_start": _mixed("director", director, start),
        "by_director_end": _mixed("director", director ^ np.uint64(1), end),
        "by_business": _mixed("business", hashed(joined), initials),
        "by_trading": _mixed("business", hashed(_squeezed(compared["trading"])), initials),
        "by_cell": _mixed("cell", hashed(compared["cell"].combine_chunks()), start),
        "by_email": _mixed("email", hashed(compared["email"].combine_chunks()), start),
    }
    nothing = {name: np.asarray(pc.equal(compared[column], "")) for name, column in _NEEDS.items()}
    return pa.table(
        {
            name: pa.array(made[name].view(np.int64), pa.int64(), mask=nothing.get(name))
            for name in BLOCKS
        }
    )  # fmt: skip


_NEEDS = {"by_trading": "trading", "by_cell": "cell", "by_email": "email"}


def meet(left: pa.Table, right: pa.Table) -> tuple[Positions, Positions]:
    """Return the positions of all pairs of a row of `left` and one of `right` that share a block, each pair once.

    Both have the columns of `BLOCKS`. Blocks with more than `MOST_IN_BLOCK` rows on either side are left out.
    """
    one, other = _sharing(left, right)
    return _each_once(one, other, right.num_rows)


def meet_within(leads: pa.Table) -> tuple[Positions, Positions]:
    """Return the positions of all pairs of two rows of `leads` that share a block, each pair once, its later row first."""
    one, other = _sharing(leads, leads)
    # Each row meets itself, and of any two rows either meets the other.
    later = one > other
    return _each_once(one[later], other[later], leads.num_rows)


def _sharing(left: pa.Table, right: pa.Table) -> tuple[Positions, Positions]:
    pairs = [_equal(left[one], right[other]) for one, other in MEETING]
    return np.concatenate([pair[0] for pair in pairs]), np.concatenate([pair[1] for pair in pairs])


def _each_once(one: Positions, other: Positions, count: int) -> tuple[Positions, Positions]:
    """Return the pairs in order, none of them twice; `count` is above every position of `other`."""
    pairs = np.unique(one * count + other)
    return pairs // max(count, 1), pairs % max(count, 1)


def equal_texts(left: pa.ChunkedArray, right: pa.ChunkedArray) -> tuple[Positions, Positions]:
    """Return the positions of all pairs whose texts are equal, nulls apart."""
    at = np.flatnonzero(np.asarray(pc.is_in(right, pc.unique(left))))
    one, other = _joined(_flat(left), _flat(right).take(pa.array(at)), most=None)
    return one, at[other]


def _equal(left: pa.ChunkedArray, right: pa.ChunkedArray) -> tuple[Positions, Positions]:
    # Most of what is known shares nothing with the few that are new.
    here = np.flatnonzero(np.asarray(pc.is_valid(left)))
    there = np.flatnonzero(np.asarray(pc.is_in(right, pc.drop_null(left))))
    one, other = _joined(_flat(left.take(pa.array(here))), _flat(right.take(pa.array(there))), most=MOST_IN_BLOCK)
    return here[one], there[other]


def _joined(left: pa.Array, right: pa.Array, *, most: int | None) -> tuple[Positions, Positions]:
    """Return the positions of all pairs of equal values; values that occur more than `most` times on a side are left out."""
    codes = np.asarray(pa.concat_arrays([left, right]).dictionary_encode().indices).astype(np.int64)
    mine, theirs = codes[: len(left)], codes[len(left) :]
    kinds = int(codes.max(initial=-1)) + 1
    often, times = np.bincount(mine, minlength=kinds), np.bincount(theirs, minlength=kinds)
    starts = np.cumsum(times) - times
    counts = times if most is None else np.where((times > most) | (often > most), 0, times)
    counts = counts[mine]
    one = np.repeat(np.arange(len(mine)), counts)
    within = np.arange(len(one)) - np.repeat(np.cumsum(counts) - counts, counts)
    return one, np.argsort(theirs, kind="stable")[np.repeat(starts[mine], counts) + within]


def hashed(texts: pa.Array) -> Hashes:
    """Return a 64-bit hash of each text's bytes, none of them null: a polynomial, for a million texts at once."""
    starts = range(0, len(texts), HASHED_AT_ONCE)
    return np.concatenate([_ZERO[:0], *(_hashed(texts.slice(start, HASHED_AT_ONCE)) for start in starts)])


def _hashed(texts: pa.Array) -> Hashes:
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    data = texts.buffers()[2]
    letters = np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]] if data else np.empty(0, np.uint8)
    offsets = offsets - offsets[0]
    lengths = np.diff(offsets)
    longest = int(lengths.max(initial=0))
    powers = np.cumprod(np.full(longest, _BASE, np.uint64), dtype=np.uint64)
    place = np.arange(len(letters)) - np.repeat(offsets[:-1], lengths)
    sums = np.concatenate(
        (_ZERO, np.cumsum((letters.astype(np.uint64) + np.uint64(1)) * powers[place], dtype=np.uint64))
    )
    return _scrambled(sums[offsets[1:]] - sums[offsets[:-1]] + lengths.astype(np.uint64))


def _any_order(texts: pa.Array) -> Hashes:
    """Return a hash of each text's words that does not depend on their order."""
    words = pc.split_pattern(texts, " ")
    each = hashed(words.flatten())
    ends = np.concatenate((_ZERO, np.cumsum(each, dtype=np.uint64)))
    offsets = np.asarray(words.offsets).astype(np.int64)
    offsets = offsets - offsets[0]
    return _scrambled(ends[offsets[1:]] - ends[offsets[:-1]])


def _mixed(kind: str, one: Hashes, other: Hashes) -> Hashes:
    return _scrambled(one + _SALTS[kind]) ^ _scrambled(other * _BASE + _SALTS[kind])


def _scrambled(values: Hashes) -> Hashes:
    values = (values ^ (values >> np.uint64(31))) * np.uint64(0xBF58476D1CE4E5B9)
    return values ^ (values >> np.uint64(29))


def _first(column: pa.ChunkedArray) -> pa.Array:
    return pc.utf8_slice_codeunits(_flat(column), 0, 1)


def _squeezed(column: pa.ChunkedArray) -> pa.Array:
    return pc.replace_substring(_flat(column), " ", "")


def _flat(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def of_batches(frame: pa.Table, batches: Sequence[str], *, others: bool = False) -> pa.Table:
    """Return the rows of some batches, or of all others."""
    mask = pc.is_in(frame["batch_id"], pa.array(batches, pa.string()))
    wanted = pc.invert(mask) if others else mask
    return frame if pc.all(wanted).as_py() else frame.filter(wanted)
