"""Takes a batch out of everything: tables, known leads, report, partitions. Whatever is killed, repeating it finishes it.

What Dagster is asked comes in as callables; deciding whether a batch may run again is the inbox's.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from leadscout_assets.database.undos import UndoRecord
from leadscout_assets.errors import BadInput, EdgeFailed
from leadscout_assets.home import Home
from leadscout_assets.known_leads import remove, what_removal_does
from leadscout_assets.lead_tables import LEAD_TABLES
from leadscout_assets.progress import current

ACTION = "batch.undone"


@dataclass(frozen=True)
class Undone:
    """What an undo reversed, kept and could not. `reversed` is figures by name; the others are sentences.

    `repeated`: nothing was left to do, and the figures are those of then.
    """

    batch_id: str
    begun_at: datetime
    repeated: bool
    reversed: Mapping[str, int]
    kept: tuple[str, ...]
    could_not: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """Return the outcome as plain values."""
        return asdict(self)


def undo(
    home: Home,
    batch: str,
    *,
    actor: str,
    now: Callable[[], datetime],
    under_way: Callable[[str], bool],
    drop_partition: Callable[[str], None],
    reason: str | None = None,
) -> Undone:
    """Take a batch out of everything. Safe to repeat: what was interrupted goes on, what is finished is told again.

    Raises `UnknownBatch`, `BadInput` while a run holds the batch, and `EdgeFailed` where something could not be removed.
    """
    record = home.records.get(batch)
    begun = _newest(home, batch)
    if begun is not None and begun.finished_at is not None and record.undone_at is not None:
        return _told(begun, repeated=True)
    if under_way(batch):
        raise BadInput(f"a run of {batch} is queued or under way: wait for its end, or terminate it in the UI")
    if begun is None or begun.finished_at is not None:
        begun = _begin(home, batch, actor=actor, reason=reason, at=now())
    # From here on no tick, backfill or click runs it.
    home.records.note_undone(batch, now())
    progress = current("parts")
    remove(home.tables, batch)
    progress.tell(0.6)
    for contract in LEAD_TABLES:
        if home.tables.rows(contract, [batch]):
            home.tables.replace(contract, contract.empty(), [batch])
    progress.tell(0.9)
    for step in {refusal.step for refusal in home.records.refusals([batch]).get(batch, ())}:
        home.records.settle(step, [batch], {})
    _remove_report(home, batch)
    drop_partition(batch)
    _end_alerts(home, batch)
    _finish(home, begun, now())
    return _told(begun, repeated=False)


def what_undo_does(home: Home, batch: str) -> dict[str, int]:
    """Return the figures that `undo` would reverse, without doing anything. Raises `UnknownBatch`."""
    home.records.get(batch)
    return _reversed(_figures(home, batch))


def _newest(home: Home, batch: str) -> UndoRecord | None:
    from leadscout_assets.database.undos import newest_undo

    return newest_undo(home.database, batch)


def _begin(home: Home, batch: str, *, actor: str, reason: str | None, at: datetime) -> UndoRecord:
    from leadscout_assets.database.undos import begin_undo

    begin_undo(home.database, batch, _figures(home, batch), actor=actor, reason=reason, at=at)
    begun = _newest(home, batch)
    assert begun is not None  # noqa: S101  it was written a moment ago
    return begun


def _figures(home: Home, batch: str) -> dict[str, Any]:
    from leadscout_assets.llm.kept import was_asked

    folder = home.settings.reports_dir / batch
    return {
        "rows": {contract.name: home.tables.rows(contract, [batch]).get(batch, 0) for contract in LEAD_TABLES},
        "known_leads": asdict(what_removal_does(home.tables, batch)),
        "report_files": sum(path.is_file() for path in folder.rglob("*")) if folder.is_dir() else 0,
        "asked": was_asked(home.database, batch),
    }


def _remove_report(home: Home, batch: str) -> None:
    folder = home.settings.reports_dir / batch
    try:
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise EdgeFailed(
            f"the report of {batch} could not be removed: {error.strerror}; everything but it and the partition is undone: "
            f"mend the permissions below reports/ and repeat leadscout undo {batch}"
        ) from None


def _end_alerts(home: Home, batch: str) -> None:
    from leadscout_assets.alerts.store import DatabaseStore

    DatabaseStore(home.database).end_batch(batch)


def _finish(home: Home, begun: UndoRecord, at: datetime) -> None:
    from leadscout_assets.database.audit import events, record_event
    from leadscout_assets.database.undos import finish_undo

    # A kill between the two lines below would otherwise be two events.
    if not events(home.database, begun.begun_at, action=ACTION, subject=begun.batch_id):
        record_event(
            home.database,
            actor=begun.actor,
            action="batch.undone",
            subject=begun.batch_id,
            reason=begun.reason,
            detail=dict(begun.figures),
        )
    finish_undo(home.database, begun.number, at)


def _reversed(figures: Mapping[str, Any]) -> dict[str, int]:
    known = figures["known_leads"]
    return {
        **figures["rows"],
        "known_leads_forgotten": known["forgotten"],
        "known_leads_restored": known["restored"],
        "report_files": figures["report_files"],
    }


def _told(begun: UndoRecord, *, repeated: bool) -> Undone:
    kept = begun.figures["known_leads"]["kept"]
    return Undone(
        batch_id=begun.batch_id,
        begun_at=begun.begun_at,
        repeated=repeated,
        reversed=_reversed(begun.figures),
        kept=(
            *(
                [f"{kept:,} known leads that it delivered, too: later batches have given all their values since"]
                * (kept > 0)
            ),
            "the file as delivered and its record, so that delivering it again takes the batch back in",
            *(
                [
                    "what language models answered about its names, under keyed hashes: other batches share the answers, and "
                    "they are paid for; leadscout forget takes out a person's"
                ]
                * bool(begun.figures.get("asked"))
            ),
            "what people decided since (reviews, silences), runs, events, logs and the audit trail: ids and counts, no values",
        ),
        could_not=(
            "versions of the tables of the last LEADSCOUT_UNDO_DAYS, and backups taken before, hold its rows until they go",
            "copies of its report that were sent on or downloaded",
        ),
    )
