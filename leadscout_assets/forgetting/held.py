"""Everything that is held about a person, for their request of access: gathered, nothing changed."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets import contracts
from leadscout_assets.batch_purposes import kept_until, recorded
from leadscout_assets.forgetting.finding import find, full_names_of
from leadscout_assets.forgetting.forget import apply_ledger
from leadscout_assets.forgetting.request import Request
from leadscout_assets.forgetting.trail import about_person
from leadscout_assets.governance.consents import standings
from leadscout_assets.governance.lists import on_lists
from leadscout_assets.governance.matching import entry_of
from leadscout_assets.governance.traits import EMAIL, NUMBER, Traits
from leadscout_assets.home import Home
from leadscout_assets.scoring import FEATURES, LEAD_SCORES
from leadscout_assets.terms import TIME_ZONE

if TYPE_CHECKING:
    from leadscout_assets.database.audit import AuditEvent
    from leadscout_assets.database.decisions import Consent


NOTHING_INFERRED = "no purpose is recorded: nothing was inferred from the name"


def held(home: Home, request: Request, now: datetime) -> dict[str, object]:
    """Return everything held about the person of a request, as plain values.

    Rows that share a number or an address but name somebody else are counted, not shown: they are another's.
    """
    from leadscout_assets.database.audit import events

    apply_ledger(home)
    found = find(home, request.traits, request.leads)
    asked = replace(found, traits=found.traits | request.traits, former=found.former | request.leads)
    batches = sorted(found.rows)
    leads = _leads(home, batches, found.rows)
    said = consents_of(home, found.traits | request.traits)
    lists = on_lists(home.decisions.entries(), found.traits | request.traits, home.hasher)
    return {
        "asked_at": now.astimezone(TIME_ZONE).isoformat(timespec="seconds"),
        "purposes": _purposes(home, batches),
        "leads": leads,
        "rejected_rows": _rejected(home, batches, found.rows),
        "rows_as_delivered": _delivered(home, batches, found.rows),
        "deliveries": _deliveries(home, batches),
        "known_leads": _known(home, batches, found.every_id),
        "reviews": _reviews(home, found.every_id),
        "language_models": _asked(home, found.names | full_names_of(pa.array(request.names, pa.string()))),
        "consents": [
            {
                "at": one.at.astimezone(TIME_ZONE).isoformat(timespec="seconds"),
                **{name: getattr(one, name) for name in ("channel", "what", "wording", "source", "actor")},
            }
            for one in said
        ],
        "may_be_contacted": standings(said),
        "suppression_lists": sorted({entry.list for entry in lists}),
        "audit": [_event(event) for event in about_person(home, events(home.database), asked)],
        "rows_of_others_that_share_a_number_or_address": sum(map(len, found.shared.values())),
    }


def consents_of(home: Home, traits: Traits) -> list[Consent]:
    """Return what stands under a person's numbers and addresses, the oldest first."""
    mine = entry_of(traits.only(NUMBER, EMAIL), home.hasher, id="asked", on="").hashes
    return home.decisions.consents(known for hashes in mine.values() for known in hashes)


def _purposes(home: Home, batches: list[str]) -> list[dict[str, object]]:
    """Return why, on which ground and until when what was inferred about each batch is kept; of a batch without, that it is none."""
    grants, until = recorded(home, batches), kept_until(home, batches)
    return [
        {
            "batch_id": batch,
            "purpose": grants[batch].asked,
            "why_and_on_which_ground": grants[batch].stated or grants[batch].sentence or NOTHING_INFERRED,
            "kept_until": str(last) if grants[batch].stated and (last := until[batch]) else None,
        }
        for batch in batches
    ]


def _known(home: Home, batches: list[str], leads: set[str]) -> list[dict[str, object]]:
    links = home.tables.read(contracts.KNOWN_LEAD_LINKS, batches, ordered=False)
    mine = links.filter(pc.is_in(links["lead_id"], pa.array(sorted(leads), pa.string())))
    known = home.tables.read(contracts.KNOWN_LEADS, pc.unique(mine["known_batch_id"]).to_pylist(), ordered=False)
    found = known.filter(pc.is_in(known["known_lead_id"], mine["known_lead_id"].combine_chunks()))
    return [{name: value for name, value in row.items() if value is not None} for row in found.to_pylist()]


def _reviews(home: Home, leads: set[str]) -> list[dict[str, object]]:
    from leadscout_assets.database.reviews import Reviews

    return [
        {
            "batch_id": one.batch_id,
            "lead_id": one.lead_id,
            "at": one.at.astimezone(TIME_ZONE).isoformat(timespec="seconds"),
            **{name: str(getattr(one, name)) for name in ("kind", "reviewer", "origin", "language", "note")},
        }
        for one in Reviews(home.database).all()
        if one.lead_id in leads
    ]


def _asked(home: Home, names: set[str]) -> list[dict[str, object]]:
    """Return to whom the names were sent, and what came back."""
    return [
        {
            "at": one.at.astimezone(TIME_ZONE).isoformat(timespec="seconds"),
            **{k: v for k, v in asdict(one).items() if k != "at"},
        }
        for one in home.answers_about(names)
    ]


def _leads(home: Home, batches: list[str], rows: dict[str, set[int]]) -> list[dict[str, object]]:
    leads = _of_rows(home.tables.read(contracts.LEADS, batches), rows)
    of = {
        contract.name: {
            (row["batch_id"], row["lead_id"]): row for row in home.tables.read(contract, batches).to_pylist()
        }
        for contract in (contracts.CLASSIFICATIONS, LEAD_SCORES)
    }
    found: list[dict[str, object]] = []
    for lead in leads.to_pylist():
        key = (lead["batch_id"], lead["lead_id"])
        classified, scored = ({**of[name].get(key, {})} for name in of)
        # As a person reads them: in points, so that they sum to the score that is told.
        points = {one.name: scored[one.name] / 100 for one in FEATURES if one.name in scored}
        told = {contracts.CLASSIFICATIONS.name: classified, LEAD_SCORES.name: scored | points}
        found.append({"lead": lead, **told})
    return found


def _rejected(home: Home, batches: list[str], rows: dict[str, set[int]]) -> list[dict[str, object]]:
    rejected = _of_rows(home.tables.read(contracts.REJECTED_LEADS, batches), rows).to_pylist()
    return [{**row, "row": json.loads(row["row"])} for row in rejected]


def _delivered(home: Home, batches: list[str], rows: dict[str, set[int]]) -> list[dict[str, object]]:
    raw = _of_rows(home.tables.read(contracts.RAW_LEADS, batches), rows).to_pylist()
    return [{name: value for name, value in row.items() if value is not None} for row in raw]


def _of_rows(frame: pa.Table, rows: dict[str, set[int]]) -> pa.Table:
    mine = [
        row in rows[batch]
        for batch, row in zip(frame["batch_id"].to_pylist(), frame["source_row"].to_pylist(), strict=True)
    ]
    return frame.filter(pa.array(mine, pa.bool_()))


def _deliveries(home: Home, batches: list[str]) -> list[dict[str, object]]:
    reports = home.tables.read(contracts.LEAD_REPORTS, batches)
    return [
        {
            "batch_id": delivery.batch_id,
            "file": delivery.file_name,
            "delivered_at": delivery.delivered_at.astimezone(TIME_ZONE).isoformat(timespec="seconds"),
            "reports": reports.filter(pc.equal(reports["batch_id"], delivery.batch_id))["path"].to_pylist(),
        }
        for delivery in home.deliveries(batches)
    ]


def _event(event: AuditEvent) -> dict[str, object]:
    return {
        "id": event.id,
        "at": event.at.astimezone(TIME_ZONE).isoformat(timespec="seconds"),
        **{name: getattr(event, name) for name in ("actor", "action", "subject", "reason", "detail")},
    }
