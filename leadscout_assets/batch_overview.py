"""What became of each delivery, read from records and tables, for people who ask at a terminal."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from leadscout_assets import contracts, facts
from leadscout_assets.arrivals import MAX_ATTEMPTS
from leadscout_assets.batch_purposes import recorded
from leadscout_assets.checks import BatchFacts, failing, limits_from
from leadscout_assets.errors import BadInput
from leadscout_assets.home import Home
from leadscout_assets.terms import TIME_ZONE

if TYPE_CHECKING:
    from leadscout_assets.database.deliveries import DeliveryRecord


@dataclass(frozen=True)
class BatchSummary:
    """One batch in a list. `state` is reported, refused, undone, waiting for a run, or failed for good; `rows` is None where the file could not be counted."""

    batch_id: str
    delivered_at: str
    rows: int | None
    leads: int
    rejected: int
    state: str

    def to_json(self) -> dict[str, object]:
        """Return the summary as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class BatchDetails:
    """All that is known of one batch, rows apart. `refusal` is the sentence with which it was refused."""

    batch_id: str
    state: str
    refusal: str | None
    file: str
    delivered_at: str
    sha256: str
    rows: int | None
    leads: int
    rejected: int
    reasons: Mapping[str, int]
    warnings: Mapping[str, int]
    answered: int
    narrowed: int
    abstained: int
    purpose: str | None
    reports: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """Return the details as plain values."""
        return asdict(self)


def overview(home: Home) -> list[BatchSummary]:
    """Return every batch, the newest last."""
    records = home.records.all()
    ids = [record.batch_id for record in records]
    leads, rejected, reports = (
        home.tables.rows(contract, ids)
        for contract in (contracts.LEADS, contracts.REJECTED_LEADS, contracts.LEAD_REPORTS)
    )
    refused = home.records.refusals(ids)
    return [
        BatchSummary(
            batch_id=record.batch_id,
            delivered_at=record.delivered_at.astimezone(TIME_ZONE).isoformat(timespec="seconds"),
            rows=record.rows_counted,
            leads=leads.get(record.batch_id, 0),
            rejected=rejected.get(record.batch_id, 0),
            state=_state(record, refused=record.batch_id in refused, reported=record.batch_id in reports),
        )
        for record in records
    ]


def details(home: Home, batch: str) -> BatchDetails:
    """Return all that is known of one batch, rows apart. Raises `UnknownBatch`."""
    (delivery,) = home.deliveries([batch])
    (found,) = facts_of(home, ["leads", "classifications"], [batch])
    files = home.tables.read(contracts.LEAD_REPORTS, [batch], ["batch_id", "kind", "path"])["path"].to_pylist()
    return BatchDetails(
        batch_id=batch,
        state=_state(home.records.get(batch), refused=found.refusal is not None, reported=bool(files)),
        refusal=found.refusal,
        file=delivery.file_name,
        delivered_at=delivery.delivered_at.astimezone(TIME_ZONE).isoformat(timespec="seconds"),
        sha256=delivery.sha256,
        rows=delivery.rows_counted,
        leads=found.leads,
        rejected=found.rejected,
        reasons=found.reasons,
        warnings=found.warnings,
        answered=found.answered,
        narrowed=found.narrowed,
        abstained=found.abstained,
        purpose=found.purpose_refusal or found.purpose,
        reports=tuple(str(home.settings.reports_dir / path) for path in files),
    )


def facts_of(home: Home, assets: Sequence[str], batches: Sequence[str]) -> list[BatchFacts]:
    """Count anew what the checks of `assets` need to know of `batches`. Raises `UnknownBatch`."""
    found = facts.gather(
        assets,
        home.deliveries(batches),
        home.records.refusal_sentences(batches),
        lambda contract, columns: home.tables.read(contract, batches, columns),
        home.settings.reports_dir,
        home.asked(batches) if "classifications" in assets else None,
    )
    grants, records = recorded(home, batches), home.records.many(batches)
    return [
        replace(
            batch,
            purpose=grants[batch.batch_id].asked,
            purpose_before=records[batch.batch_id].purpose_before,
            purpose_refusal=grants[batch.batch_id].sentence,
            inferred_deleted=grants[batch.batch_id].deleted,
        )
        for batch in found
    ]


def failing_checks(home: Home, batches: Sequence[str]) -> dict[str, list[str]]:
    """Return the sentences of the checks that fail, by batch; warnings, and batches without a failing check, are left out."""
    limits = limits_from(home.settings)
    found = {batch.batch_id: failing(batch, limits) for batch in facts_of(home, list(facts.NEEDED), batches)}
    wrong = {
        batch: [verdict.sentence for check, verdict in checks if not check.warns] for batch, checks in found.items()
    }
    return {batch: list(dict.fromkeys(sentences)) for batch, sentences in wrong.items() if sentences}


def batches_of(home: Home, lead_id: str) -> list[str]:
    """Return the batches in which a lead stands. Raises `BadInput` for what is no lead id: it may be a person's own data."""
    if not re.fullmatch(contracts.LEAD_ID, lead_id):
        raise BadInput("this is no lead id: 16 hex digits, as `leadscout show BATCH --row N` shows it")
    rows = home.tables.read(
        contracts.LEADS, [r.batch_id for r in home.records.all()], ["batch_id", "lead_id"], ordered=False
    )
    return sorted(rows.filter(pc.equal(rows["lead_id"], lead_id))["batch_id"].unique().to_pylist())


def row_fate(home: Home, batch: str, source_row: int) -> dict[str, object]:
    """Return what became of one delivered row: the lead it is, or why it was rejected and the row as delivered.

    Raises `UnknownBatch`, and `BadInput` for a row that the batch does not have.
    """
    home.records.get(batch)
    for contract in (contracts.LEADS, contracts.REJECTED_LEADS):
        rows = home.tables.read(contract, [batch])
        for found in rows.filter(pc.equal(rows["source_row"], source_row)).to_pylist():
            if contract is contracts.REJECTED_LEADS:
                return {"became": "rejected", **found, "row": json.loads(found["row"])}
            return {"became": "lead", **found}
    state = details(home, batch).state
    if state != "reported":
        raise BadInput(f"batch {batch} is {state}, and none of its rows became anything yet: leadscout show {batch}")
    raise BadInput(f"batch {batch} has no row {source_row}; rows are counted as a spreadsheet shows them")


def _state(record: "DeliveryRecord", *, refused: bool, reported: bool) -> str:
    if record.undone_at is not None:
        return "undone"
    if refused:
        return "refused"
    if reported:
        return "reported"
    return "failed" if record.attempts >= MAX_ATTEMPTS else "waiting"
