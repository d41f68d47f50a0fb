"""`python -m leadscout_assets.identity.learning FILE`: counts the weights anew on generated truth and writes them.

Needed after any change to the fields, their levels or the blocks. Nothing here runs in the platform.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.contracts import FIELDS as DELIVERED
from leadscout_assets.contracts import RAW_LEADS
from leadscout_assets.identity.blocking import blocks, meet
from leadscout_assets.identity.comparing import comparable
from leadscout_assets.identity.weighing import FIELDS, MISSING, Pairs, Weights, weigh
from leadscout_assets.leads.synthetic import COLUMNS, generate
from leadscout_assets.leads.synthetic_again import generate_again
from leadscout_assets.leads.validation import validate

SIZES = (400_000, 40_000)
"""Rows of a delivery, and of one of which half repeat rows of it. The first is large, so that there are chance likenesses."""

LEAST = 0.9
"""Probability from which two leads are linked: as many wrong links as missed ones would be 0.5, and a wrong one costs more."""

_KEY = b"generated leads"
_UNEVEN = Weights({field.name: dict.fromkeys(field.levels, 0.0) for field in FIELDS}, 0.0, 0.5)


def leads_of(delivery: pa.Table, batch: str) -> tuple[pa.Table, dict[int, int]]:
    """Return the leads of a generated delivery, and for its rows that repeat earlier ones, which; rows count from 2."""
    rows = delivery.num_rows
    columns = dict.fromkeys(RAW_LEADS.schema.names, pa.nulls(rows, pa.string()))
    columns |= dict(zip(DELIVERED, (delivery[name] for name in COLUMNS), strict=True))
    columns |= {"batch_id": pa.repeat(pa.scalar(batch), rows), "source_row": pa.array(range(2, rows + 2), pa.int32())}
    leads, rejected = validate(RAW_LEADS.fit(pa.table(columns)), _KEY)
    repeats = rejected.filter(pc.is_valid(rejected["duplicate_of"]))
    return leads, dict(zip(repeats["source_row"].to_pylist(), repeats["duplicate_of"].to_pylist(), strict=True))


def truth_of(
    left: pa.Table, repeats: dict[int, int], right: pa.Table, truth: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return for each lead of `right` the source_row of the lead of `left` that it repeats, -1 where it repeats none."""
    rows = [repeats.get(row + 2, row + 2) if row >= 0 else -1 for row in truth.tolist()]
    repeated = np.array(rows)[np.asarray(right["source_row"]) - 2]
    return np.where(np.isin(repeated, np.asarray(left["source_row"])), repeated, -1)


def learn(seed: int = 1, sizes: tuple[int, int] = SIZES) -> Weights:
    """Count the levels of pairs that share a block, the same and not the same, and return the weights that follow."""
    before = generate(sizes[0], seed)
    again, truth = generate_again(before, sizes[1], 0.5, seed + 1)
    left, repeats = leads_of(before, "2026-01-01_list_00000001")
    right, _ = leads_of(again, "2026-01-02_list_00000002")
    one, other = meet(blocks(left), blocks(right))
    wanted = truth_of(left, repeats, right, truth)
    same = np.asarray(left["source_row"])[one] == wanted[other]
    pairs = Pairs(comparable(left).take(pa.array(one)), comparable(right).take(pa.array(other)))
    levels = weigh(pairs, _UNEVEN).levels
    bits: dict[str, dict[str, float]] = {}
    for position, field in enumerate(FIELDS):
        said = levels[:, position] != MISSING
        counts = [
            np.bincount(levels[said & part, position], minlength=len(field.levels) + 1)[1:] for part in (same, ~same)
        ]
        # One pair more of each level: what was never seen is rare, not impossible.
        shares = [(count + 1) / (count.sum() + len(count)) for count in counts]
        bits[field.name] = dict(zip(field.levels, np.round(np.log2(shares[0] / shares[1]), 2).tolist(), strict=True))
    return Weights(bits, round(float(np.log2(same.sum() / (~same).sum())), 2), LEAST)


def main(arguments: Sequence[str]) -> None:
    """Write the weights to the file that is named."""
    weights = learn()
    lines = [
        "# Bits (log2 of m over u) by field and level, counted by learning.py on generated truth: do not edit by hand.",
        "# `prior`: bits for any pair of leads that share a block. `least`: probability from which they are linked.",
        "",
        f"prior = {weights.prior}",
        f"least = {weights.least}",
    ]
    for name, levels in weights.bits.items():
        lines += ["", f"[{name}]", *(f"{level} = {bits}" for level, bits in levels.items())]
    Path(arguments[0]).write_text("\n".join([*lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
