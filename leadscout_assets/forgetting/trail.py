"""Which events of the audit trail are about a person: by whatever it names them, under every key that there ever was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.batch_overview import batches_of
from leadscout_assets.forgetting.finding import Found, delivered_rows, ids_under_every_key, personal_traits
from leadscout_assets.governance.keys import AUDIT, Hasher, generations, read_or_make_key
from leadscout_assets.governance.ledger import ERASURE, FOUND
from leadscout_assets.governance.traits import Traits
from leadscout_assets.home import Home

if TYPE_CHECKING:
    from leadscout_assets.database.audit import AuditEvent


def handles_ever(home: Home, traits: Traits) -> set[str]:
    """Return the keyed hashes by which the trail names a person, under each generation of its key: events never change."""
    keys = [read_or_make_key(path) for path in generations(home.settings.keys_dir, AUDIT) if path.exists()]
    hashers = [Hasher(keys[:number]) for number in range(1, len(keys) + 1)]
    return {hasher.hash(kind, value) for hasher in hashers for kind in traits.values for value in traits.of(kind)}


def about_person(home: Home, found: Sequence[AuditEvent], person: Found) -> list[AuditEvent]:
    """Return those of the events found that are about a person or their batches, and about no other single lead of these."""
    from leadscout_assets.database.audit import about

    return about(found, {*handles_ever(home, person.traits), *person.every_id, *person.rows}, person.rows)


def about_lead(home: Home, found: Sequence[AuditEvent], lead_id: str) -> list[AuditEvent]:
    """Return the same for the person with a lead id, be it one of before the key of the lead ids was rotated.

    Whoever was erased stands in no batch any more; then the ledger knows what the trail named them by. Raises `BadInput` for
    what is no lead id.
    """
    from leadscout_assets.database.audit import about

    batches = batches_of(home, lead_id)
    person = Found(leads={lead_id}, rows={batch: set() for batch in batches})
    # Every batch is looked through only for an id of before.
    for batch, raw in delivered_rows(home, batches or None) if batches or len(home.lead_id_keys) > 1 else ():
        known = ids_under_every_key(home, raw)
        mine = pa.array(np.flatnonzero(np.any([pc.fill_null(pc.equal(one, lead_id), False) for one in known], axis=0)))
        if len(mine):
            rows = raw.take(mine)
            person.former.update(one for column in known for one in column.take(mine).to_pylist())
            person.traits = person.traits | personal_traits(rows)
            person.rows.setdefault(batch, set()).update(rows["source_row"].to_pylist())
    handles = _erased(home, person)
    names = {*handles_ever(home, person.traits), *handles, *person.every_id, *person.rows}
    return about(found, names, person.rows)


def _erased(home: Home, person: Found) -> set[str]:
    """Add the ids and rows that an erasure of the person noted, and return what it named them by in the trail."""
    handles, decisions = set[str](), home.ledger.read()
    for one in decisions:
        if one.kind == ERASURE and person.every_id & set(one.about.get("lead_ids", ())):
            person.former.update(one.about["lead_ids"])
            handles |= {one.id, *one.about.get("handles", ())}
    for one in decisions:
        if one.kind == FOUND and one.about["erasure"] in handles:
            for batch, rows in one.about["rows"].items():
                person.rows.setdefault(batch, set()).update(rows)
    return handles
