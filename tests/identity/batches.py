"""Leads of made-up batches for the tests of what is known across batches: a few people, written in many ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from leadscout_assets.contracts import FIELDS, RAW_LEADS
from leadscout_assets.leads.validation import validate

KEY = b"k" * 32
BEGIN = datetime(2026, 1, 1, 6, tzinfo=UTC)

PERSON = {
    "entity_name": "Baobab Plumbing (Pty) Ltd",
    "director_name": "Thandi Nkosi",
    "director_cell": "0850000001",
    "registered_address": "12 Protea Street, Durban, 4001",
    "registered_address_city": "Durban",
    "registered_address_province": "KZN",
}
OTHER = PERSON | {"entity_name": "Kudu Transport CC", "director_name": "Petrus Botha", "director_cell": "0850000002"}


def batch_id(number: int) -> str:
    return f"2026-01-{number:02}_list_{number:08x}"


def delivered(*numbers: int) -> dict[str, datetime]:
    return {batch_id(number): BEGIN + timedelta(days=number) for number in numbers}


def leads_of(number: int, rows: Sequence[Mapping[str, str | None]]) -> pa.Table:
    """Return the leads of batch `number`, rows counted from 2."""
    columns = {name: pa.nulls(len(rows), pa.string()) for name in RAW_LEADS.schema.names}
    columns |= {name: pa.array([row.get(name) for row in rows], pa.string()) for name in FIELDS}
    columns["batch_id"] = pa.array([batch_id(number)] * len(rows), pa.string())
    columns["source_row"] = pa.array(range(2, len(rows) + 2), pa.int32())
    return validate(RAW_LEADS.fit(pa.table(columns)), KEY)[0]
