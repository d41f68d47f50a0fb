"""What must hold between leads, their links and the known leads, judged per batch. Reading the tables is the callers' affair."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.checks import Verdict
from leadscout_assets.frames import by_batch, rows_by_batch

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
    # Looked up once for all batches: a set of all known leads for each of a year's batches takes longer than the joining.
    nowhere = links.filter(pc.invert(pc.is_in(links["known_lead_id"], known["known_lead_id"].combine_chunks())))
    dangling_of, found = rows_by_batch(nowhere), {}
    for batch, link, own in zip(batches, by_batch(links, batches), by_batch(known, batches), strict=True):
        dangling = dangling_of.get(batch, 0)
        linked = pc.is_in(own["known_lead_id"], link["lead_id"].combine_chunks())
        orphans = own.num_rows - (pc.sum(linked).as_py() or 0)
        figures = {"links": link.num_rows, "first_of": own.num_rows, "dangling": dangling, "orphans": orphans}
        passed = not dangling and not orphans
        sentence = f"{link.num_rows} links lead to known leads, {own.num_rows} of them first delivered here"
        fault = f"{dangling} links lead nowhere and {orphans} known leads have no link: {AGAIN}"
        found[batch] = Verdict(passed, sentence if passed else fault, figures)
    return found
