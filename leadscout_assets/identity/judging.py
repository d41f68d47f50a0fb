"""What must hold between leads, their links and the known leads, judged per batch. Reading the tables is the callers' affair."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.checks import Verdict
from leadscout_assets.frames import by_batch

AGAIN = "materialize known_leads for this batch again"


def every_lead_has_one_link(leads: pa.Table, links: pa.Table, batches: Sequence[str]) -> dict[str, Verdict]:
    """Judge for each batch whether its leads and its links are the same lead ids, each once."""
    found = {}
    for batch, lead, link in zip(batches, by_batch(leads, batches), by_batch(links, batches), strict=True):
        figures = {"leads": lead.num_rows, "links": link.num_rows}
        passed = _the_same(lead["lead_id"], link["lead_id"])
        sentence = f"{lead.num_rows} leads, {link.num_rows} links, each lead one"
        fault = f"the {link.num_rows} links are not one for each of {lead.num_rows} leads: {AGAIN}"
        found[batch] = Verdict(passed, sentence if passed else fault, figures)
    return found


def _the_same(one: pa.ChunkedArray, other: pa.ChunkedArray) -> bool:
    """Tell whether two columns hold the same values, each as often, in whatever order."""
    if len(one) != len(other):
        return False
    at = pc.index_in(other, one.combine_chunks())
    if at.null_count:
        return False
    # Where no value repeats, each has met its own; else the costly way tells.
    return bool(pc.count_distinct(at).as_py() == len(at)) or sorted(one.to_pylist()) == sorted(other.to_pylist())


def known_leads_are_linked(links: pa.Table, known: pa.Table, batches: Sequence[str]) -> dict[str, Verdict]:
    """Judge for each batch whether what its links point to is there, and what it was the first of is linked by it.

    `known` are the known leads of all batches that the links name, and of `batches`.
    """
    there = known["known_lead_id"]
    found = {}
    for batch, link, own in zip(batches, by_batch(links, batches), by_batch(known, batches), strict=True):
        dangling = _missing(link["known_lead_id"], there)
        orphans = _missing(own["known_lead_id"], link["lead_id"])
        figures = {"links": link.num_rows, "first_of": own.num_rows, "dangling": dangling, "orphans": orphans}
        passed = not dangling and not orphans
        sentence = f"{link.num_rows} links lead to known leads, {own.num_rows} of them first delivered here"
        fault = f"{dangling} links lead nowhere and {orphans} known leads have no link: {AGAIN}"
        found[batch] = Verdict(passed, sentence if passed else fault, figures)
    return found


def _missing(values: pa.ChunkedArray, among: pa.ChunkedArray) -> int:
    """Return how many of `values` are not `among` the others."""
    return len(values) - (pc.sum(pc.is_in(values, among.combine_chunks())).as_py() or 0)
