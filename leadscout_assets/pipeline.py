"""The whole chain as plain functions over frames: read -> validate -> classify -> score -> report.

Each step takes any number of batches and decides refusal per batch. No Dagster, no tables, no database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from leadscout_assets import contracts
from leadscout_assets.errors import TooManyRows, UnreadableFile
from leadscout_assets.frames import by_batch, rows_by_batch, without
from leadscout_assets.leads.delivery import Delivery
from leadscout_assets.leads.reading import ReadLimits, read_lead_list

if TYPE_CHECKING:
    from leadscout_assets.settings import Settings

STEPS = ("raw_leads", "leads", "classifications", "lead_scores", "lead_reports")
"""The steps in order, each named after the asset that it makes."""


@dataclass(frozen=True)
class Refusal:
    """Why a batch may not go on: it has no rows from `step` on. The sentence says what to do."""

    batch_id: str
    step: str
    code: str
    sentence: str


@dataclass(frozen=True)
class Frames:
    """The tables of some batches, as far as the chain has come."""

    raw_leads: pa.Table
    leads: pa.Table
    rejected_leads: pa.Table
    classifications: pa.Table
    lead_scores: pa.Table


def read_limits(settings: Settings) -> ReadLimits:
    """Return the limits that guard reading, from the settings of the same names."""
    return ReadLimits(
        max_workbook_bytes=settings.max_workbook_bytes,
        max_unpacked_bytes=settings.max_unpacked_bytes,
        max_compression_ratio=settings.max_compression_ratio,
        max_workbook_entries=settings.max_workbook_entries,
        max_columns=settings.max_columns,
        max_csv_bytes=settings.max_csv_bytes,
    )


def check_run_size(deliveries: Sequence[Delivery], max_rows: int) -> None:
    """Raise `TooManyRows` where the batches together hold more rows than one run may."""
    rows = sum(delivery.rows_counted or 0 for delivery in deliveries)
    if rows > max_rows:
        raise TooManyRows(
            f"{len(deliveries)} batches with {rows} rows are more than the {max_rows} rows of one run: "
            "take fewer batches at once, or raise LEADSCOUT_MAX_ROWS_PER_RUN if memory allows"
        )


def read(
    deliveries: Sequence[Delivery], path_of: Callable[[str], Path], settings: Settings
) -> tuple[pa.Table, list[Refusal]]:
    """Read the delivered files into one raw_leads frame; `path_of` gives the file of a SHA-256.

    A batch is refused, and has no rows, where its file cannot be read or the two readers count different rows.
    """
    frames, refusals = [contracts.RAW_LEADS.empty()], []
    for delivery in deliveries:
        try:
            frames.append(_read_one(delivery, path_of(delivery.sha256), settings))
        except UnreadableFile as unreadable:
            refusals.append(Refusal(delivery.batch_id, "raw_leads", unreadable.code, str(unreadable)))
    return pa.concat_tables(frames), refusals


def _read_one(delivery: Delivery, path: Path, settings: Settings) -> pa.Table:
    if not path.is_file():
        raise UnreadableFile("not_stored", "the delivered file is not in the store any more: deliver it again")
    rows = read_lead_list(path, batch_id=delivery.batch_id, limits=read_limits(settings), sheet=settings.sheet)
    if delivery.rows_counted is None:
        raise UnreadableFile(
            "not_counted", "the file's rows could not be counted a second time: save it anew and deliver it again"
        )
    if rows.num_rows != delivery.rows_counted:
        raise UnreadableFile(
            "not_reconciled",
            f"one reader found {rows.num_rows} rows and the other {delivery.rows_counted}: save the file anew as .xlsx and deliver it again",
        )
    return rows


def validate(raw: pa.Table, lead_id_key: bytes) -> tuple[pa.Table, pa.Table, list[Refusal]]:
    """Split raw rows into leads and rejected_leads; a batch whose rows do not add up is refused and has neither."""
    from leadscout_assets.leads.validation import validate as split_rows

    leads, rejected = split_rows(raw, lead_id_key)
    before, became, fell = (rows_by_batch(frame) for frame in (raw, leads, rejected))
    refusals = [
        Refusal(
            batch,
            "leads",
            "not_reconciled",
            f"{rows} rows read, but {became.get(batch, 0)} leads + {fell.get(batch, 0)} rejected: "
            "this is a defect of LeadScout, report it with the batch id",
        )
        for batch, rows in before.items()
        if rows != became.get(batch, 0) + fell.get(batch, 0)
    ]
    refused = [refusal.batch_id for refusal in refusals]
    return without(leads, refused), without(rejected, refused), refusals


def classify(leads: pa.Table, settings: Settings) -> pa.Table:
    """Return the classifications of leads; without a recorded purpose every one is an abstention."""
    from leadscout_assets.names.cascade import classify_leads, load_classifier

    return classify_leads(
        leads, load_classifier(), purpose=settings.classification_purpose, reveal_religion=settings.reveal_religion
    )


def score(leads: pa.Table) -> pa.Table:
    """Return the lead_scores of leads."""
    from leadscout_assets.scoring import score as score_leads

    return score_leads(leads)


def report(deliveries: Sequence[Delivery], frames: Frames, reports_dir: Path, purpose: str | None) -> pa.Table:
    """Write the report files of each delivery below `reports_dir`, and return the lead_reports frame."""
    from leadscout_assets.reports.numbers import batch_numbers
    from leadscout_assets.reports.refusal import withdraw_refusal
    from leadscout_assets.reports.writing import write_reports

    written = [contracts.LEAD_REPORTS.empty()]
    batches = [delivery.batch_id for delivery in deliveries]
    of_batch = [by_batch(getattr(frames, name), batches) for name in Frames.__dataclass_fields__]
    for delivery, raw, leads, rejected, classified, scored in zip(deliveries, *of_batch, strict=True):
        numbers = batch_numbers(delivery, raw, leads, rejected, classified, scored, purpose=purpose)
        folder = reports_dir / delivery.batch_id
        written.append(write_reports(folder, numbers, leads, rejected, classified, scored))
        withdraw_refusal(folder)
    return pa.concat_tables(written)


def first_refusals(refusals: Sequence[Refusal]) -> Mapping[str, Refusal]:
    """Return the refusal of each refused batch; the earliest step's where there are several."""
    return {refusal.batch_id: refusal for refusal in sorted(refusals, key=lambda r: STEPS.index(r.step), reverse=True)}
