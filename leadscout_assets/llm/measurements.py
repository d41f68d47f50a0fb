"""What is known of how models fared on the golden set: written by an evaluation, read by the gate. The only writer of its table.

A changed prompt or schema, and another model, have no measurement: they are told apart by name and by content hash.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from leadscout_assets.database.audit import record_event
from leadscout_assets.database.engine import Database
from leadscout_assets.database.models import llm_evaluations
from leadscout_assets.llm.evaluating import Evaluation
from leadscout_assets.llm.schema import Form
from leadscout_assets.processes import user


@dataclass(frozen=True)
class Measurement:
    """The newest measurement of a model with one prompt and schema. `accuracy` and the figures of `bands` are shares, 0..1."""

    at: datetime
    passed: bool
    accuracy: float
    bands: Mapping[str, float]


Measurements = Mapping[tuple[str, str], Measurement]
"""By kind of provider and model."""


def note_measured(
    database: Database, found: Evaluation, digest: str, *, now: datetime, actor: str | None = None
) -> None:
    """Record an evaluation with the golden set of that digest, and audit it. It counts from now on, whatever was before."""
    detail = {
        "provider": found.provider, "prompt": found.prompt_hash, "schema": found.schema_hash, "golden_set": digest,
        "names": found.names, "answered": found.answered, "correct": found.right, "passed": found.passes,
        "cost_usd": found.cost_usd,
    }  # fmt: skip
    actor = user() if actor is None else actor
    record_event(database, actor=actor, action="model.measured", reason=found.model, detail=detail, at=now)
    row = {
        "at": now, "actor": actor, "provider": found.provider, "model": found.model.partition("/")[2],
        "prompt_hash": found.prompt_hash, "schema_hash": found.schema_hash, "golden_hash": digest,
        "correct": found.right, "passed": found.passes, "bands": {band: dict(row) for band, row in found.bands.items()},
    }  # fmt: skip
    same = ("names", "answered", "could_not_tell", "told", "calls", "cost_usd", "p50_seconds", "p95_seconds")
    with database.begin() as connection:
        connection.execute(llm_evaluations.insert().values(**row, **{name: getattr(found, name) for name in same}))


def measurements(database: Database, wanted: Form) -> Measurements:
    """Return the newest measurement of each model with this prompt and schema."""
    table = llm_evaluations.c
    query = sa.select(llm_evaluations).order_by(table.number)
    query = query.where(table.prompt_hash == wanted.prompt_hash, table.schema_hash == wanted.schema_hash)
    with database.read() as connection:
        rows = connection.execute(query).all()
    return {
        (row.provider, row.model): Measurement(
            row.at,
            row.passed,
            row.correct / row.answered if row.answered else 0.0,
            {band: figures["calibrated"] for band, figures in row.bands.items()},
        )
        for row in rows
    }


def note_unmeasured(database: Database, model: str, names: int, batches: Collection[str]) -> None:
    """Audit that so many names of some batches were sent to a model, KIND/MODEL, that did not pass the golden set."""
    detail = {"names": names, "batches": sorted(batches)}
    record_event(database, action="model.unmeasured", reason=model, detail=detail)
