"""The purpose of each batch of a home: asked for at the gate, recorded with the delivery and in the audit trail, and deleted after.

What the gate says is decided in `governance.gate`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from leadscout_assets import contracts
from leadscout_assets.errors import BadInput, BadSetting
from leadscout_assets.governance.gate import (
    NO_PURPOSE,
    Grant,
    Grants,
    Refused,
    asked_for,
    check_setting,
    decide,
    origin_points,
)
from leadscout_assets.governance.purposes import Purpose, Register, read_register
from leadscout_assets.home import Home
from leadscout_assets.leads.delivery import Delivery
from leadscout_assets.terms import TIME_ZONE, Method

if TYPE_CHECKING:
    from leadscout_assets.database.deliveries import DeliveryRecord

DELETED = "deleted: its retention is over"
"""What the classification of a lead says in its evidence once what was inferred has been deleted."""


def require_registered(home: Home, command: str) -> None:
    """Raise `BadSetting` where the purpose of the settings is no entry of the register, and record the attempt."""
    from leadscout_assets.database.audit import record_event

    try:
        check_setting(home.settings)
    except BadInput:
        record_event(home.database, action="purpose.refused", detail={"command": command})
        raise


def allow_rows(home: Home, batch: str, purpose: str | None, command: str, *, now: datetime) -> Purpose:
    """Return the entry under which what was inferred about a batch may be shown row by row; a refusal is recorded.

    Raises `BadInput` where no purpose is named, `BadSetting` where the one that is does not hold for this batch, and
    `UnknownBatch`.
    """
    from leadscout_assets.database.audit import record_event

    record = home.records.get(batch)
    asked = asked_for(home.settings, purpose)
    if asked is None:
        detail = {"purpose": None, "why": "not_named", "command": command}
        record_event(home.database, action="purpose.refused", subject=batch, detail=detail)
        raise BadInput("no purpose: name a registered one with --purpose ID; `leadscout purposes` lists them")
    settings = home.settings.model_copy(update={"classification_purpose": asked})
    given = decide(settings, {batch: record.delivered_at}, lambda batches: _extras(home, batches), now=now)[batch]
    if given.entry is not None and not given.entry.row_level:
        given = Grant(given.asked, refusal=Refused.NOT_ROW_LEVEL)
    if given.entry is None:
        detail = {"purpose": given.asked, "why": str(given.refusal), "command": command}
        record_event(home.database, action="purpose.refused", subject=batch, detail=detail)
        raise BadSetting(str(given.sentence))
    return given.entry


def grant(
    home: Home, deliveries: Sequence[Delivery], *, run_id: str, actor: str, now: datetime, raw: pa.Table | None = None
) -> Grants:
    """Ask the gate for some batches, record what it says, and return it. What is refused is recorded as well.

    `raw` holds their rows as delivered where they do not stand in the table yet.
    Recorded first, inferred then: an inference that was made and not recorded would be worse than the reverse.
    """
    from leadscout_assets.database.audit import record_event

    delivered = {delivery.batch_id: delivery.delivered_at for delivery in deliveries}
    grants = decide(home.settings, delivered, lambda batches: _extras(home, batches) if raw is None else raw, now=now)
    records, by = home.records.many(list(delivered)), {"run_id": run_id}
    for batch, given in grants.items():
        before = records[batch]
        if given.refusal:
            _tell_refused(home, batch, given, by, actor)
        elif before.purpose_entry and before.purpose_entry != (given.entry.digest if given.entry else None):
            detail = {
                "from": before.purpose,
                "from_entry": before.purpose_entry,
                "to": given.entry.id if given.entry else None,
                "to_entry": given.entry.digest if given.entry else None,
                **by,
            }
            record_event(home.database, actor=actor, action="purpose.changed", subject=batch, detail=detail)
        _note(home, before, given)
    _tell_classified(home, grants, by, actor)
    return grants


def tell_asked(home: Home, grants: Grants, *, by: Mapping[str, object], actor: str | None) -> None:
    """Record for batches that are on record nowhere else what was refused, and which purposes their names are classified for.

    `by` says what asks: the run's id, or the command.
    """
    for batch, given in grants.items():
        if given.refusal:
            _tell_refused(home, batch, given, by, actor)
    _tell_classified(home, grants, by, actor)


def _tell_refused(home: Home, batch: str, given: Grant, by: Mapping[str, object], actor: str | None) -> None:
    from leadscout_assets.database.audit import record_event

    detail = {"purpose": given.asked, "why": str(given.refusal), **by}
    record_event(home.database, actor=actor, action="purpose.refused", subject=batch, detail=detail)


def _tell_classified(home: Home, grants: Grants, by: Mapping[str, object], actor: str | None) -> None:
    from leadscout_assets.database.audit import record_event

    for entry in {given.entry.digest: given.entry for given in grants.values() if given.entry}.values():
        of_it = [batch for batch, given in grants.items() if given.entry and given.entry.digest == entry.digest]
        # The ground by itself: the register may be another by the time somebody asks for it.
        told: dict[str, object] = {"entry": entry.digest, "ground": entry.ground_code, "batches": of_it, **by}
        record_event(home.database, actor=actor, action="leads.classified", reason=entry.id, detail=told)


def may_be_sent(home: Home, batches: Sequence[str], *, now: datetime) -> list[str]:
    """Return those of the batches whose names may be sent to a language model now, under the purpose recorded with each.

    Raises `UnknownBatch`.
    """
    found = []
    for batch in dict.fromkeys(batches):
        record = home.records.get(batch)
        if record.purpose is None or record.inferred_deleted_at is not None:
            continue
        settings = home.settings.model_copy(update={"classification_purpose": record.purpose})
        given = decide(settings, {batch: record.delivered_at}, lambda some: _extras(home, some), now=now)[batch]
        if given.entry is not None and given.entry.llm:
            found.append(batch)
    return found


def recorded(home: Home, batches: Collection[str]) -> Grants:
    """Return under which purpose each batch was last classified, as it was recorded then."""
    records = home.records.many(batches)
    if not any(record.purpose for record in records.values()):
        return dict.fromkeys(records, NO_PURPOSE)
    register = read_register(home.settings.purposes)
    return {batch: _recorded(record, register) for batch, record in records.items()}


def weigh_origins(
    home: Home, grants: Grants, *, by: Mapping[str, object], actor: str | None, now: datetime
) -> dict[str, int]:
    """Return what a known origin counts in the scores of each batch, points, by what it was classified for.

    It is recorded, with what is refused; `by` is what the trail is told of who asks. Without the operator's setting nothing
    is asked.
    """
    from leadscout_assets.database.audit import record_event

    if not home.settings.origin_weight:
        return {}
    today = now.astimezone(TIME_ZONE).date()
    points = {batch: origin_points(home.settings, given, today=today) for batch, given in grants.items()}
    for batch, given in grants.items():
        if not points[batch]:
            detail = {"purpose": given.asked, "why": str(Refused.NOT_FOR_SCORE), **by}
            record_event(home.database, actor=actor, action="purpose.refused", subject=batch, detail=detail)
    for entry in dict.fromkeys((g.entry.id, g.entry.digest) for b, g in grants.items() if g.entry and points[b]):
        of_it = [b for b, g in grants.items() if g.entry and (g.entry.id, g.entry.digest) == entry]
        told = {"points": home.settings.origin_weight, "entry": entry[1], "batches": of_it, **by}
        record_event(home.database, actor=actor, action="origin.weighed", reason=entry[0], detail=told)
    return points


def told_of(grants: Grants) -> dict[str, dict[str, str]]:
    """Return what a batch's metadata says of its purpose, by batch."""
    return {
        batch: {"leadscout/purpose": given.entry.id if given.entry else (given.sentence or "none")}
        for batch, given in grants.items()
    }


@dataclass(frozen=True)
class Overdue:
    """A batch whose inferences may not be kept any more: until when they might, and how many leads have one."""

    batch_id: str
    purpose: str
    kept_until: date
    leads: int


def overdue(home: Home, *, now: datetime) -> list[Overdue]:
    """Return the batches that are past the retention of their purpose and still hold inferences, the oldest first.

    Of the days recorded when a batch was classified and those in the register now, the fewer count.
    """
    register, today = read_register(home.settings.purposes), now.astimezone(TIME_ZONE).date()
    due = {}
    for record in home.records.all():
        last = _kept_until(record, register)
        if record.inferred_deleted_at is None and last is not None and last < today:
            due[record.batch_id] = (record.purpose or "none", last)
    rows = home.tables.rows(contracts.CLASSIFICATIONS, list(due))
    return [Overdue(batch, purpose, last, rows.get(batch, 0)) for batch, (purpose, last) in due.items()]


def kept_until(home: Home, batches: Collection[str]) -> dict[str, date | None]:
    """Return the last day on which what was inferred about each batch may be kept; None where nothing was."""
    register = read_register(home.settings.purposes)
    return {batch: _kept_until(record, register) for batch, record in home.records.many(batches).items()}


def delete_inferred(home: Home, due: Sequence[Overdue], *, actor: str | None, now: datetime) -> None:
    """Delete what was inferred about some batches, for good: no version of the table keeps it.

    In its place stand abstentions that say why, so that every lead still has its one classification. Reports stay as
    they are: they hold aggregates. Questions to reviewers go, with the answers of the model in them, and so does what a
    language model answered about these names; what people said stays. Safe to repeat after an interruption.
    """
    from leadscout_assets.database.audit import record_event
    from leadscout_assets.database.reviews import Reviews

    for one in due:
        rows = home.tables.read(contracts.CLASSIFICATIONS, [one.batch_id])
        home.forget_answers(_asked_about(home, one.batch_id))
        home.tables.replace_for_good(contracts.CLASSIFICATIONS, _emptied(rows), [one.batch_id])
        _score_without_origins(home, one.batch_id)
        Reviews(home.database).forget_questions([one.batch_id])
        (home.settings.exports_dir / f"{one.batch_id}.review.xlsx").unlink(missing_ok=True)
        detail = {"purpose": one.purpose, "kept_until": one.kept_until.isoformat(), "leads": rows.num_rows}
        record_event(home.database, actor=actor, action="inference.deleted", subject=one.batch_id, detail=detail)
        home.records.note_inferred_deleted(one.batch_id, now)


def _score_without_origins(home: Home, batch: str) -> None:
    """Score a batch anew where a known origin counted: that one was known is inferred, too."""
    from leadscout_assets.scoring import LEAD_SCORES, NAME_ORIGIN, score

    counted = home.tables.read(LEAD_SCORES, [batch], [NAME_ORIGIN], ordered=False)[NAME_ORIGIN]
    if any(counted.to_numpy()):
        home.tables.replace_for_good(LEAD_SCORES, score(home.tables.read(contracts.LEADS, [batch])), [batch])


def _extras(home: Home, batches: Sequence[str]) -> pa.Table:
    return home.tables.read(contracts.RAW_LEADS, batches, ["batch_id", "extra"], ordered=False)


def _note(home: Home, before: DeliveryRecord, given: Grant) -> None:
    now = replace(
        before,
        purpose=given.asked,
        purpose_entry=given.entry.digest if given.entry else None,
        purpose_before=before.purpose if before.purpose != given.asked else before.purpose_before,
        purpose_refusal=str(given.refusal) if given.refusal else None,
        # Refused or not, an older version of the table may hold what was inferred before.
        retention_days=given.entry.retention_days if given.entry else before.retention_days,
        inferred_deleted_at=None,
    )
    if now != before:
        home.records.note_purpose(now)


def _asked_about(home: Home, batch: str) -> Iterator[str]:
    """Yield the names of a batch that a language model was ever asked about; read when first wanted.

    All of its names: which of them it was asked about, their classifications need not tell any more, as other sources may
    have decided them since.
    """
    from leadscout_assets.llm.kept import was_asked
    from leadscout_assets.names.asked import full_names

    if was_asked(home.database, batch):
        leads = home.tables.read(contracts.LEADS, [batch])
        yield from full_names(leads, np.arange(leads.num_rows))


def _recorded(record: DeliveryRecord, register: Register) -> Grant:
    if record.purpose is None:
        return NO_PURPOSE
    if record.inferred_deleted_at is not None:
        return Grant(record.purpose, deleted=True)
    if record.purpose_refusal is not None:
        return Grant(record.purpose, refusal=Refused(record.purpose_refusal))
    entry = register.get(record.purpose)
    if entry is not None and entry.digest == record.purpose_entry:
        return Grant(record.purpose, entry)
    return Grant(
        record.purpose, told=f"{record.purpose}, as it stood in the register then (entry {record.purpose_entry})."
    )


def _kept_until(record: DeliveryRecord, register: Register) -> date | None:
    if record.retention_days is None:
        return None
    entry = register.get(record.purpose or "")
    days = min(record.retention_days, entry.retention_days) if entry else record.retention_days
    return record.delivered_at.astimezone(TIME_ZONE).date() + timedelta(days=days)


def _emptied(rows: pa.Table) -> pa.Table:
    """Return classifications of the same leads that hold nothing inferred."""
    count = rows.num_rows
    kept = {name: rows[name] for name in ("batch_id", "lead_id", "model_version")}
    empty = {
        "origin_set": pa.array([[]] * count, pa.list_(pa.string())),
        "method": pa.repeat(pa.scalar(Method.NO_PURPOSE.value), count),
        "evidence": pa.repeat(pa.scalar(DELETED), count),
    }
    nothing = {
        column.name: pa.nulls(count, column.type)
        for column in contracts.CLASSIFICATIONS.columns
        if column.name not in kept | empty
    }
    return contracts.CLASSIFICATIONS.fit(pa.table({**kept, **empty, **nothing}))
