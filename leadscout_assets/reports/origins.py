"""Aggregates of name origin with small groups suppressed. The only place of a report that reads origins (`lead_rows` is none).

Never a row, and never a group of fewer than `MIN_GROUP` leads, nor a figure from which such a group can be worked out.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.terms import Method, Origin

MIN_GROUP = 5
"""Smallest group that a report may name, leads."""


@dataclass(frozen=True)
class OriginGroup:
    """Leads whose directors' names got the same answer. `origins` holds one, or the two or three of a set."""

    origins: tuple[str, ...]
    count: int
    share: float


@dataclass(frozen=True)
class OriginNumbers:
    """Origin aggregates of one batch; shares are 0..1 of its leads.

    `other_answered` and `other_narrowed` are the leads of the groups that are too small to be named, taken together.
    `methods` counts how the answers came about; it says nothing about origins.
    """

    purpose: str | None
    min_group: int
    answered: tuple[OriginGroup, ...]
    other_answered: int
    narrowed: tuple[OriginGroup, ...]
    other_narrowed: int
    methods: tuple[tuple[str, int], ...]
    why_not: str | None = None


def suppress(groups: Mapping[tuple[str, ...], int], least: int = MIN_GROUP) -> tuple[dict[tuple[str, ...], int], int]:
    """Split `groups` into those that may be named, largest first, and the sum of all others.

    Primary suppression hides groups below `least`. As the total is published, what is hidden could be worked out from
    it: hence (complementary suppression) the smallest named groups are hidden as well until at least two groups are
    hidden, with at least `least` leads, and not each of them as large as a hidden group can be.
    """
    ordered = sorted(((g, n) for g, n in groups.items() if n > 0), key=lambda item: (-item[1], item[0]))
    named = [item for item in ordered if item[1] >= least]
    hidden = [n for _, n in ordered if n < least]
    while hidden and named and (len(hidden) < 2 or sum(hidden) < least or sum(hidden) == len(hidden) * (least - 1)):
        hidden.append(named.pop()[1])
    return dict(named), sum(hidden)


def origin_numbers(classifications: pa.Table, *, purpose: str | None, why_not: str | None = None) -> OriginNumbers:
    """Aggregate one batch's CLASSIFICATIONS; without a purpose that holds (`why_not`) there is nothing to aggregate."""
    methods = {v["values"]: v["counts"] for v in pc.value_counts(classifications["method"]).to_pylist()}
    answers, sets = ({}, {}) if purpose is None else (_answers(classifications), _sets(classifications))
    answered, other_answered = suppress(answers)
    narrowed, other_narrowed = suppress(sets)
    leads = classifications.num_rows
    return OriginNumbers(
        purpose=purpose,
        min_group=MIN_GROUP,
        answered=tuple(OriginGroup(o, n, n / leads) for o, n in answered.items()),
        other_answered=other_answered,
        narrowed=tuple(OriginGroup(o, n, n / leads) for o, n in narrowed.items()),
        other_narrowed=other_narrowed,
        methods=tuple((str(m), methods[m]) for m in Method if m in methods),
        why_not=why_not,
    )


def _answers(classifications: pa.Table) -> dict[tuple[str, ...], int]:
    counted = pc.value_counts(classifications["origin"].drop_null()).to_pylist()
    return {(v["values"],): v["counts"] for v in counted}


def _sets(classifications: pa.Table) -> dict[tuple[str, ...], int]:
    """Count the sets of narrowed leads, whatever order their origins are in."""
    narrowed = classifications.filter(pc.is_null(classifications["origin"]))
    order = {str(origin): position for position, origin in enumerate(Origin)}
    sets: Counter[tuple[str, ...]] = Counter()
    # Arrow counts strings but no lists, so the few distinct sets are counted as joined strings.
    for value in pc.value_counts(pc.binary_join(narrowed["origin_set"], "|")).to_pylist():
        if value["values"]:
            sets[tuple(sorted(value["values"].split("|"), key=order.__getitem__))] += value["counts"]
    return dict(sets)
