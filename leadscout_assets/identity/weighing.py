"""How alike two leads are: a level of each field, and what the levels together say (Fellegi and Sunter, 1969).

A weight is log2 of how often the level is seen among pairs that are the same over how often among pairs that are not; both were
counted on generated truth by learning.py and stand in weights.toml.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Levels = npt.NDArray[np.int8]
Alike = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

MISSING = 0
"""The level of a field that one side does not have; it says nothing."""

CLOSE, SIMILAR = 88.0, 72.0
"""Likeness of texts, 0..100 (Indel distance): a slip of the finger in a name of ten letters is 90."""


@dataclass(frozen=True)
class Pairs:
    """Compared rows, pair by pair: the left and the right side's columns of `comparing.TEXTS`."""

    left: pa.Table
    right: pa.Table

    def both(self, column: str) -> tuple[pa.Array, pa.Array]:
        """Return a column of both sides."""
        return self.left[column].combine_chunks(), self.right[column].combine_chunks()


@dataclass(frozen=True)
class Field:
    """One field: its levels beside `missing`, and which of them each pair has, as 1, 2, ... or `MISSING`."""

    name: str
    levels: tuple[str, ...]
    level: Callable[[Pairs], Levels]


@dataclass(frozen=True)
class Weights:
    """Bits in favour by field and level, the bits for any pair that shares a block, and the least probability that links."""

    bits: Mapping[str, Mapping[str, float]]
    prior: float
    least: float


NEVER = (("business", "other"), ("director", "surname"), ("director", "other"))
"""Levels that rule a pair out: a known lead is a business and a director, and a relative in the same business is another."""


@dataclass(frozen=True)
class Weighed:
    """Of each pair: the probability, 0..1, that it is the same, and its level in each field of `FIELDS`."""

    probability: Alike
    levels: npt.NDArray[np.int8]

    def evidence(self, at: npt.NDArray[np.int64]) -> pa.ListArray:
        """Return for some pairs the codes `field_level` of all fields that say something."""
        chosen = self.levels[at]
        said = np.nonzero(chosen != MISSING)
        codes = pa.array([f"{field.name}_{level}" for field in FIELDS for level in field.levels], pa.string())
        starts = np.cumsum([0, *(len(field.levels) for field in FIELDS)])[:-1]
        offsets = np.concatenate(([0], np.cumsum((chosen != MISSING).sum(axis=1)))).astype(np.int32)
        return pa.ListArray.from_arrays(
            pa.array(offsets), codes.take(pa.array(starts[said[1]] + chosen[said].astype(np.int64) - 1))
        )


def weigh(pairs: Pairs, weights: Weights | None = None) -> Weighed:
    """Weigh each pair; the weights are those of weights.toml unless given."""
    weights = weights or shipped()
    levels = np.stack([field.level(pairs) for field in FIELDS], axis=1)
    bits = np.full(len(levels), weights.prior)
    for position, field in enumerate(FIELDS):
        table = np.array([0.0, *(weights.bits[field.name][level] for level in field.levels)])
        bits += table[levels[:, position]]
    for name, level in NEVER:
        position = [field.name for field in FIELDS].index(name)
        bits[levels[:, position] == 1 + FIELDS[position].levels.index(level)] = -np.inf
    return Weighed(1.0 / (1.0 + np.exp2(-np.maximum(bits, -60.0))), levels)


@cache
def shipped() -> Weights:
    """Return the weights of weights.toml."""
    found = tomllib.loads((files("leadscout_assets.identity") / "weights.toml").read_text(encoding="utf-8"))
    return Weights({field.name: found[field.name] for field in FIELDS}, found["prior"], found["least"])


def _business(pairs: Pairs) -> Levels:
    """Compare what a business is registered and trades as with both of the other side: the likest pair counts."""
    best = np.full(pairs.left.num_rows, -1.0)
    for one in ("business", "trading"):
        for other in ("business", "trading"):
            left, right = pairs.left[one].combine_chunks(), pairs.right[other].combine_chunks()
            alike = np.where(_there(left, right), _likeness(left, right), -1.0)
            alike = np.where(_numbers_differ(left, right), np.minimum(alike, 0.0), alike)
            best = np.maximum(best, alike)
    return np.where(_sisters(*pairs.both("business")), 4, _graded(best)).astype(np.int8)


def _sisters(left: pa.Array, right: pa.Array) -> Mask:
    """Tell which are companies of one owner: registered under one name but for the number, whatever they trade as."""
    without = [pc.utf8_trim(pc.replace_substring_regex(names, " ?[0-9]+", ""), " ") for names in (left, right)]
    return _numbers_differ(left, right) & (_likeness(*without) >= CLOSE) & _there(*without)


def _director(pairs: Pairs) -> Levels:
    given, other_given = pairs.both("given")
    surname, other_surname = pairs.both("surname")
    whole, other = (
        pc.binary_join_element_wise(*names, " ") for names in ((given, surname), (other_given, other_surname))
    )
    in_any_order = _scored(whole, other, "token_sort_ratio")
    same = np.asarray(pc.equal(whole, other))
    surnames = _likeness(surname, other_surname) >= CLOSE
    shortened = surnames & _shortened(given, other_given)
    level = np.full(len(given), 6, np.int8)
    level[surnames] = 5
    level[shortened] = 4
    level[in_any_order >= CLOSE] = 3
    # Two given names that are whole and unlike are two people, however alike the rest of a long name is.
    level[(level == 3) & surnames & (_likeness(given, other_given) < SIMILAR) & ~shortened] = 5
    level[in_any_order >= 99.9] = 2
    level[same] = 1
    return level


def _equality(column: str) -> Callable[[Pairs], Levels]:
    def level(pairs: Pairs) -> Levels:
        left, right = pairs.both(column)
        return np.where(_there(left, right), np.where(np.asarray(pc.equal(left, right)), 1, 2), MISSING).astype(np.int8)

    return level


def _telephone(pairs: Pairs) -> Levels:
    """Compare the business's own numbers: one shared number is enough."""
    shared = np.zeros(pairs.left.num_rows, bool)
    there = np.zeros(pairs.left.num_rows, bool)
    for one in ("contact", "mobile"):
        for other in ("contact", "mobile"):
            left, right = pairs.left[one].combine_chunks(), pairs.right[other].combine_chunks()
            both = _there(left, right)
            there |= both
            shared |= both & np.asarray(pc.equal(left, right))
    return np.where(there, np.where(shared, 1, 2), MISSING).astype(np.int8)


def _place(pairs: Pairs) -> Levels:
    (street, other_street), (town, other_town) = pairs.both("street"), pairs.both("town")
    postcode, other_postcode = pairs.both("postcode")
    near = (_there(town, other_town) & np.asarray(pc.equal(town, other_town))) | (
        _there(postcode, other_postcode) & np.asarray(pc.equal(postcode, other_postcode))
    )
    streets = _there(street, other_street)
    known = streets | _there(town, other_town) | _there(postcode, other_postcode)
    level = np.where(near, 2, 3)
    level = np.where(streets & (_likeness(street, other_street) >= 80.0), 1, level)
    return np.where(known, level, MISSING).astype(np.int8)


FIELDS: tuple[Field, ...] = (
    Field("business", ("same", "close", "similar", "other"), _business),
    Field("director", ("same", "reordered", "close", "shortened", "surname", "other"), _director),
    Field("cell", ("same", "other"), _equality("cell")),
    Field("telephone", ("same", "other"), _telephone),
    Field("email", ("same", "other"), _equality("email")),
    Field("place", ("same", "near", "other"), _place),
)
"""What is compared, and how finely. A level without a weight in weights.toml is an error at the first comparison."""


def _graded(alike: Alike) -> Levels:
    level = np.select([alike < 0, alike >= 99.9, alike >= CLOSE, alike >= SIMILAR], [MISSING, 1, 2, 3], 4)
    return level.astype(np.int8)


def _likeness(left: pa.Array, right: pa.Array) -> Alike:
    return _scored(left, right, "ratio")


def _scored(left: pa.Array, right: pa.Array, scorer: str) -> Alike:
    from rapidfuzz import fuzz, process

    return np.asarray(
        process.cpdist(left.to_pylist(), right.to_pylist(), scorer=getattr(fuzz, scorer), dtype=np.float64)
    )


def _there(left: pa.Array, right: pa.Array) -> Mask:
    return np.asarray(pc.and_(pc.not_equal(left, ""), pc.not_equal(right, "")))


def _numbers_differ(left: pa.Array, right: pa.Array) -> Mask:
    return np.asarray(pc.not_equal(_digits(left), _digits(right)))


def _digits(names: pa.Array) -> pa.Array:
    return pc.utf8_trim(pc.replace_substring_regex(names, "[^0-9]+", " "), " ")


def _shortened(left: pa.Array, right: pa.Array) -> Mask:
    """Tell whether one side's given names are initials or the first ones of the other's; a missing one says nothing."""
    differ = np.flatnonzero(np.asarray(pc.not_equal(left, right)))
    found = np.ones(len(left), bool)
    some = pa.array(differ)
    found[differ] = [
        _abbreviates(one.split(), other.split()) or _abbreviates(other.split(), one.split())
        for one, other in zip(left.take(some).to_pylist(), right.take(some).to_pylist(), strict=True)
    ]
    return found


def _abbreviates(short: list[str], long: list[str]) -> bool:
    """Tell whether each of `short` is a name of `long` at its place, or the initial of it."""
    return (
        bool(short)
        and len(short) <= len(long)
        and all(
            name == full or (len(name) == 1 and full.startswith(name)) for name, full in zip(short, long, strict=False)
        )
    )
