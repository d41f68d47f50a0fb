"""Leads of several batches to known leads: who belongs together, the newest value of each field, and how each lead came there.

Pure, and the same whatever the order in which batches came: everything follows from the rows and when they were delivered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.contracts import KNOWN_LEAD_LINKS, KNOWN_LEADS, MOMENT, ROW, VALUE_GROUPS
from leadscout_assets.identity.blocking import blocks, meet_within
from leadscout_assets.identity.comparing import comparable
from leadscout_assets.identity.weighing import Pairs, Weighed, shipped, weigh
from leadscout_assets.terms import Linked, Province

Positions = npt.NDArray[np.int64]

DELIVERED_AT = "delivered_at"
"""Column that leads carry here beside their own: when their batch was delivered."""

PAIRS_AT_ONCE = 200_000
"""Pairs weighed in one piece: their texts are Python's for that while."""


@dataclass(frozen=True)
class Near:
    """Pairs of rows of different batches that are the same: their positions, probability, and evidence as codes."""

    left: Positions
    right: Positions
    probability: npt.NDArray[np.float64]
    evidence: pa.ListArray


@dataclass(frozen=True)
class Resolved:
    """Known leads and links, as their contracts have them."""

    known: pa.Table
    links: pa.Table


def near_pairs(left: pa.Table, right: pa.Table, met: tuple[Positions, Positions]) -> Near:
    """Weigh the pairs `met` of two frames of leads; those of one batch, and with equal lead ids, are not near but none or exact."""
    one, other = (np.asarray(side) for side in met)
    apart = _apart(left, right, one, other)
    one, other = one[apart], other[apart]
    found: list[tuple[Positions, Weighed]] = []
    for start in range(0, len(one), PAIRS_AT_ONCE):
        at = np.arange(start, min(start + PAIRS_AT_ONCE, len(one)))
        sides = (comparable(left.take(pa.array(one[at]))), comparable(right.take(pa.array(other[at]))))
        weighed = weigh(Pairs(*sides))
        found.append((at, weighed))
    linked = [(at, weighed, np.flatnonzero(weighed.probability >= shipped().least)) for at, weighed in found]
    chosen = np.concatenate([np.empty(0, np.int64), *(at[good] for at, _, good in linked)]).astype(np.int64)
    return Near(
        one[chosen],
        other[chosen],
        np.concatenate([np.empty(0), *(weighed.probability[good] for _, weighed, good in linked)]),
        pa.concat_arrays(
            [pa.array([], pa.list_(pa.string())), *(weighed.evidence(good) for _, weighed, good in linked)]
        ),
    )


def _apart(left: pa.Table, right: pa.Table, one: Positions, other: Positions) -> npt.NDArray[np.bool_]:
    at, to = pa.array(one), pa.array(other)
    different = [pc.not_equal(left[name].take(at), right[name].take(to)) for name in ("batch_id", "lead_id")]
    return np.asarray(pc.and_(*different), dtype=bool)


def resolve(leads: pa.Table) -> Resolved:
    """Make known leads and links of leads of any number of batches; `leads` carries `DELIVERED_AT`.

    Rows of one lead id belong together, and those that `near_pairs` finds, and whatever they connect.
    """
    leads = in_order_of_delivery(leads)
    several = pc.count_distinct(leads["batch_id"]).as_py() > 1
    # The rows are in order of delivery: of two that meet, the earlier one stands on the right.
    met = meet_within(blocks(leads)) if several else (np.empty(0, np.int64), np.empty(0, np.int64))
    near = near_pairs(leads, leads, met)
    lead, first_of_lead = _codes(leads["lead_id"])
    group = _connected(lead, near, int(lead.max(initial=-1)) + 1)[lead]
    first = _first_of(group)
    return Resolved(_known(leads, group, first), _links(leads, lead, first_of_lead, first, near))


def in_order_of_delivery(leads: pa.Table) -> pa.Table:
    """Return the leads as they were delivered, the first first; what came at one moment in the order of its batch ids."""
    if _is_one_list_in_order(leads):
        return leads
    return leads.sort_by([(name, "ascending") for name in (DELIVERED_AT, "batch_id", "source_row")])


def _is_one_list_in_order(leads: pa.Table) -> bool:
    # A large list comes alone, as its rows stood, and to sort it would cost as much as all the rest.
    if pc.count_distinct(leads["batch_id"]).as_py() != 1:
        return False
    rows = np.asarray(leads["source_row"])
    return bool((rows[1:] > rows[:-1]).all())


def _codes(column: pa.ChunkedArray) -> tuple[Positions, Positions]:
    """Return a number per distinct value, and for each row the first row that has its value."""
    values = np.asarray(column.combine_chunks().dictionary_encode().indices).astype(np.int64)
    return values, _first_of(values)


def _first_of(group: Positions) -> Positions:
    """Return for each row the first row of its group."""
    _, first, inverse = np.unique(group, return_index=True, return_inverse=True)
    return first[inverse]


def _connected(lead: Positions, near: Near, count: int) -> Positions:
    """Return for each lead id the smallest number of all that it is connected with."""
    group = np.arange(count)
    one, other = lead[near.left], lead[near.right]
    while len(one):
        least = np.minimum(group[one], group[other])
        before = group.copy()
        np.minimum.at(group, group[one], least)
        np.minimum.at(group, group[other], least)
        group = group[group]
        if np.array_equal(before, group):
            break
    return group


def _links(leads: pa.Table, lead: Positions, first_of_lead: Positions, first: Positions, near: Near) -> pa.Table:
    rows = np.arange(leads.num_rows)
    batch = np.asarray(leads["batch_id"].combine_chunks().dictionary_encode().indices)
    exact = (first_of_lead < rows) & (batch[first_of_lead] != batch)
    best = _best_earlier(near, len(rows))
    is_near = ~exact & (rows != first)
    told = is_near & (best >= 0)
    how = np.where(rows == first, Linked.FIRST.value, np.where(exact, Linked.EXACT.value, Linked.NEAR.value))
    chosen = pa.array(np.where(told, best, 0), mask=~told)
    evidence = near.evidence.take(chosen) if len(near.left) else pa.nulls(len(rows), pa.list_(pa.string()))
    canonical = pa.array(first)
    return KNOWN_LEAD_LINKS.fit(
        pa.table(
            {
                "batch_id": leads["batch_id"],
                "lead_id": leads["lead_id"],
                "known_lead_id": leads["lead_id"].take(canonical),
                "known_batch_id": leads["batch_id"].take(canonical),
                "how": pa.array(how, pa.string()),
                "score": pa.array(near.probability[np.where(told, best, 0)], mask=~told)
                if len(near.left)
                else pa.nulls(len(rows), pa.float64()),
                "evidence": pc.if_else(pc.is_valid(evidence), evidence, pa.scalar([], pa.list_(pa.string()))),
            }
        )
    )


def _best_earlier(near: Near, rows: int) -> Positions:
    """Return for each row the position in `near` of its likest pair with an earlier row, -1 where there is none."""
    best = np.full(rows, -1, np.int64)
    # Of equally like ones the earliest delivered: written last.
    order = np.lexsort((-near.right, near.probability))
    best[near.left[order]] = order
    return best


def _known(leads: pa.Table, group: Positions, first: Positions) -> pa.Table:
    newest_first = np.lexsort((-np.arange(len(group)), group))
    ordered = _taken(leads, newest_first)
    starts = np.flatnonzero(np.diff(group[newest_first], prepend=-1))
    offsets = np.append(starts, len(group)).astype(np.int32)
    canonical = _taken(leads.select(["batch_id", "lead_id"]), first[newest_first][starts])
    columns: dict[str, pa.Array | pa.ChunkedArray] = {
        "batch_id": canonical["batch_id"],
        "known_lead_id": canonical["lead_id"],
    }
    for name, names in VALUE_GROUPS.items():
        at = _newest(np.asarray(_there(ordered, names)), starts)
        columns |= {column: _newest_values(ordered[column], at) for column in names}
        columns[f"{name}_source"] = pa.array((at - starts).astype(np.int32), ROW, mask=at < 0)
    sources = (
        ("source_batches", "batch_id", pa.string()),
        ("source_leads", "lead_id", pa.string()),
        ("source_rows", "source_row", ROW),
        ("source_times", DELIVERED_AT, MOMENT),
    )
    for name, column, kind in sources:
        values = ordered[column].combine_chunks().cast(kind)
        columns[name] = pa.ListArray.from_arrays(pa.array(offsets), values)
    return KNOWN_LEADS.fit(pa.table(columns))


def _taken(leads: pa.Table, at: Positions) -> pa.Table:
    """Return the rows at `at`: the table itself where these are all of it in order, as in the first delivery of leads."""
    return leads if _is_every_row(at, leads.num_rows) else leads.take(pa.array(at))


def _newest_values(column: pa.ChunkedArray, at: Positions) -> pa.ChunkedArray:
    """Return the values at `at`, null where that is -1."""
    nowhere = at < 0
    if _is_every_row(np.where(nowhere, np.arange(len(at)), at), len(column)):
        return pc.if_else(pa.array(~nowhere), column, pa.scalar(None, column.type)) if nowhere.any() else column
    return column.take(pa.array(np.maximum(at, 0), mask=nowhere))


def _is_every_row(at: Positions, rows: int) -> bool:
    return len(at) == rows and bool((at == np.arange(rows)).all())


def _there(leads: pa.Table, names: Sequence[str]) -> pa.Array:
    """Tell of each row whether it says anything in one of the columns; an unknown province is nothing."""
    said = [pc.is_valid(leads[name]) for name in names if name not in ("province", "email_is_free")]
    if "province" in names:
        said.append(pc.not_equal(leads["province"], Province.UNKNOWN))
    found = said[0]
    for other in said[1:]:
        found = pc.or_(found, other)
    return found


def _newest(there: npt.NDArray[np.bool_], starts: Positions) -> Positions:
    """Return for each stretch of rows the first that is there, -1 where none is."""
    nowhere = len(there)
    at = np.where(there, np.arange(nowhere), nowhere)
    found = np.minimum.reduceat(at, starts) if len(starts) else np.empty(0, np.int64)
    return np.where(found < nowhere, found, -1)


def leads_columns() -> tuple[str, ...]:
    """Return what `resolve` needs of the table leads."""
    from leadscout_assets.identity.comparing import COMPARED_COLUMNS

    return tuple(dict.fromkeys((*COMPARED_COLUMNS, *(name for names in VALUE_GROUPS.values() for name in names))))
