"""Hashes of many tokens at once, also of each token with one letter taken out: what slips are looked up by.

Polynomial hashes over 64 bits, so that leaving a letter out is one subtraction and one shift of what follows it.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from operator import mul
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MAX_LETTERS = 40
"""Letters beyond which a token is no name, and has no hash."""
_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2**64
_INVERSE = np.uint64(pow(_BASE, -1, 2**64))
_POWERS = np.array([pow(_BASE, at, 2**64) for at in range(MAX_LETTERS + 1)], np.uint64)
_SPREAD = np.uint64(0xD6E8FEB86659FD93)
_HALF = np.uint64(32)
# The same in plain numbers, for a single token.
_PLAIN_POWERS = tuple(map(int, _POWERS))
_PLAIN_INVERSE, _PLAIN_SPREAD, _PLAIN_HALF = map(int, (_INVERSE, _SPREAD, _HALF))
_MASK = 2**64 - 1


class Hashed(NamedTuple):
    """Hashes, and the token that each belongs to."""

    hashes: NDArray[np.uint32]
    owners: NDArray[np.int64]


def whole_hashes(tokens: list[str]) -> NDArray[np.uint32]:
    """Return one hash per token of at most `MAX_LETTERS` ASCII letters."""
    terms, _, starts, lengths = _terms(tokens)
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(terms, dtype=np.uint64)])
    return _finished(sums[starts + lengths] - sums[starts])


def slip_hashes(tokens: list[str]) -> Hashed:
    """Return the hashes of each token and of the token without each one of its letters."""
    terms, owners, starts, lengths = _terms(tokens)
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(terms, dtype=np.uint64)])
    totals = sums[starts + lengths] - sums[starts]
    before = sums[:-1] - sums[starts][owners]
    after = totals[owners] - (sums[1:] - sums[starts][owners])
    without = before + after * _INVERSE
    hashes = np.concatenate([totals, without])
    return Hashed(_finished(hashes), np.concatenate([np.arange(len(tokens)), owners]))


def whole_hash(token: str) -> int:
    """Return what `whole_hashes` gives for a single token."""
    return _plainly_finished(_plain_sums(token)[-1])


def slip_hashes_of_one(token: str) -> list[int]:
    """Return what `slip_hashes` gives for a single token: its own hash, then those without each one of its letters."""
    sums = _plain_sums(token)
    total = sums[-1]
    without = [before + (total - after) * _PLAIN_INVERSE for before, after in pairwise(sums)]
    return [_plainly_finished(value) for value in (total, *without)]


def _terms(
    tokens: list[str],
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return each letter times its place's power, each letter's token, and the tokens' starts and lengths."""
    lengths = np.fromiter(map(len, tokens), np.int64, len(tokens))
    starts = np.cumsum(lengths) - lengths
    symbols = np.frombuffer("".join(tokens).encode("ascii"), np.uint8).astype(np.uint64)
    owners = np.repeat(np.arange(len(tokens)), lengths)
    places = np.arange(len(symbols)) - starts[owners]
    return symbols * _POWERS[places], owners, starts, lengths


def _finished(hashes: NDArray[np.uint64]) -> NDArray[np.uint32]:
    return ((hashes * _SPREAD) >> _HALF).astype(np.uint32)


def _plain_sums(token: str) -> list[int]:
    return [0, *accumulate(map(mul, token.encode("ascii"), _PLAIN_POWERS))]


def _plainly_finished(value: int) -> int:
    return (value * _PLAIN_SPREAD & _MASK) >> _PLAIN_HALF
