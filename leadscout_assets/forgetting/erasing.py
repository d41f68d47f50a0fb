"""Takes rows out of a batch: delivered file, tables, reports. In an order in which a kill anywhere leaves it to be repeated.

What was read first, the raw rows, is cleaned last: as long as a row is found there, everything else is done again.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets import contracts, pipeline
from leadscout_assets.batch_purposes import recorded
from leadscout_assets.contracts import LEAD_REPORTS, RAW_LEADS, REJECTED_LEADS
from leadscout_assets.errors import EdgeFailed, UnreadableFile
from leadscout_assets.forgetting.finding import named_in
from leadscout_assets.governance.searching import Needles
from leadscout_assets.home import FORGOTTEN_NAME, Home
from leadscout_assets.lead_tables import LEAD_TABLES
from leadscout_assets.leads.erased import without
from leadscout_assets.leads.reading import read_lead_list
from leadscout_assets.leads.rewriting import rewrite
from leadscout_assets.leads.validation import rows_as_delivered
from leadscout_assets.scoring import LEAD_SCORES, NAME_ORIGIN, score
from leadscout_assets.terms import Reason


def erase_from_batch(home: Home, batch: str, rows: AbstractSet[int], needles: Needles, names: AbstractSet[str]) -> None:
    """Put a marker in place of `rows` (source rows) wherever the batch lies. To do it again changes nothing."""
    erase_from_file(home, batch, rows, needles, names)
    raw = home.tables.read(RAW_LEADS, [batch])
    if raw.num_rows:
        frames = _frames(home, batch, raw, rows)
        for contract, frame in (
            (contracts.LEADS, frames.leads),
            (REJECTED_LEADS, frames.rejected_leads),
            (contracts.CLASSIFICATIONS, frames.classifications),
            (LEAD_SCORES, frames.lead_scores),
        ):
            home.tables.replace(contract, frame, [batch])
        if home.tables.rows(LEAD_REPORTS, [batch]):
            write_report(home, batch, frames)
        home.tables.replace(RAW_LEADS, frames.raw_leads, [batch])
    for contract in LEAD_TABLES:
        home.tables.scrub(contract, [batch])


def erase_from_rowless(home: Home, apart: AbstractSet[str], needles: Needles, names: AbstractSet[str]) -> int:
    """Take the person out of deliveries, `apart` from some, in which none of their rows can be told: refused as unreadable, or
    called after them. Return how many those were.
    """
    records = [record for record in home.records.all() if record.batch_id not in apart]
    read = home.tables.rows(RAW_LEADS, [record.batch_id for record in records]) if records else {}
    changed = 0
    for record in records:
        known, path = home.store.manifest(record.sha256), home.store.path(record.sha256)
        held = not read.get(record.batch_id) and path.is_file() and bool(needles.in_content(path))
        if held or (known is not None and needles.in_name(known.file_name)):
            changed += 1
            erase_from_file(home, record.batch_id, set(), needles, names if held else frozenset())
    return changed


def erase_from_file(home: Home, batch: str, rows: AbstractSet[int], needles: Needles, names: AbstractSet[str]) -> None:
    """Rewrite the delivered file; one that cannot be read, and holds a value, is removed, since no row can be told in it."""
    record, settings = home.records.get(batch), home.settings
    path, limits, maps = home.store.path(record.sha256), pipeline.read_limits(settings), home.column_maps()
    known = home.store.manifest(record.sha256)
    if known is not None and (needles.in_name(known.file_name) or named_in(known.file_name, names)):
        home.store.keep(replace(known, file_name=FORGOTTEN_NAME))
    if not path.is_file():
        return
    try:
        read_lead_list(path, batch_id=batch, limits=limits, sheet=settings.sheet, maps=maps)
        if rows:
            stored = home.store.rewrite(
                record.sha256, lambda old, new: rewrite(old, new, rows, limits, settings.sheet, maps)
            )
            home.records.note_rewritten(batch, stored)
    except UnreadableFile:
        if needles.in_file(path):
            home.store.remove(record.sha256)


def _frames(home: Home, batch: str, raw: pa.Table, rows: AbstractSet[int]) -> pipeline.Frames:
    wanted = pa.array(sorted(rows), pa.int32())
    tables = home.tables
    leads, rejected = tables.read(contracts.LEADS, [batch]), tables.read(REJECTED_LEADS, [batch])
    judged = leads.num_rows + rejected.num_rows > 0
    leads = leads.filter(pc.invert(pc.is_in(leads["source_row"], wanted)))
    rejected = rejected.filter(pc.invert(pc.is_in(rejected["source_row"], wanted)))
    marked = without(raw, np.isin(np.asarray(raw["source_row"]), sorted(rows)))
    if judged:
        # As a run makes them of the rewritten file.
        erased = marked.filter(pc.is_in(marked["source_row"], wanted))
        told = pa.array([[str(Reason.ERASED)]] * erased.num_rows, pa.list_(pa.string()))
        fallen = {
            "batch_id": erased["batch_id"],
            "source_row": erased["source_row"],
            "reasons": told,
            "duplicate_of": pa.nulls(erased.num_rows, pa.int32()),
            "row": rows_as_delivered(erased),
        }
        rejected = pa.concat_tables([rejected, REJECTED_LEADS.fit(pa.table(fallen))])
    classified, scored = tables.read(contracts.CLASSIFICATIONS, [batch]), tables.read(LEAD_SCORES, [batch])
    left = leads["lead_id"].combine_chunks()
    return pipeline.Frames(
        raw_leads=marked,
        leads=leads,
        rejected_leads=rejected,
        classifications=classified.filter(pc.is_in(classified["lead_id"], left)),
        lead_scores=_scores_left(scored, leads),
    )


def _scores_left(scored: pa.Table, leads: pa.Table) -> pa.Table:
    """Return the scores of the leads that are left in a batch, as a run of these would make them."""
    left = scored.filter(pc.is_in(scored["lead_id"], leads["lead_id"].combine_chunks()))
    if any(scored[NAME_ORIGIN].to_numpy()) and not any(left[NAME_ORIGIN].to_numpy()):
        # The last of whom an origin is known: it counts for nobody now, and nothing is taken off the others for it.
        return score(leads)
    return _ranked_anew(left)


def _ranked_anew(scores: pa.Table) -> pa.Table:
    """Close the gaps in the ranks of one batch."""
    ranks = np.argsort(np.argsort(np.asarray(scores["rank"]))) + 1
    return LEAD_SCORES.fit(scores.set_column(scores.column_names.index("rank"), "rank", pa.array(ranks, pa.int32())))


def write_report(home: Home, batch: str, frames: pipeline.Frames) -> None:
    """Write the report of a batch anew. Raises `EdgeFailed` where it cannot be."""
    (delivery,) = home.deliveries([batch])
    grants, asked, settings = recorded(home, [batch]), home.asked([batch]), home.settings
    files, refusals = pipeline.report(
        [delivery], frames, settings.reports_dir, settings, grants, home.noted, asked=asked
    )
    if refusals:
        raise EdgeFailed(f"the report of {batch} was not written anew; what was done so far stays, try again")
    home.tables.replace(LEAD_REPORTS, files, [batch])
