"""A new key in place of one of the platform's, and everything that was made under the old one made anew.

To be repeated after a kill: a note beside the keys says what is under way.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets import contracts, pipeline
from leadscout_assets.contracts import LEAD_REPORTS, RAW_LEADS
from leadscout_assets.errors import BadInput
from leadscout_assets.forgetting.deciding import actor
from leadscout_assets.forgetting.erasing import write_report
from leadscout_assets.forgetting.finding import ids_of
from leadscout_assets.forgetting.forget import apply_ledger, share_ledger
from leadscout_assets.governance.keys import (
    AUDIT,
    LEAD_ID,
    SUPPRESSION,
    Hasher,
    generations,
    next_generation,
    rotation_note,
)
from leadscout_assets.governance.ledger import Decision, ledger_beside_backups
from leadscout_assets.home import Home
from leadscout_assets.known_leads import changing, join
from leadscout_assets.lead_tables import KNOWN_TABLES
from leadscout_assets.progress import current
from leadscout_assets.scoring import LEAD_SCORES

BATCHES_AT_ONCE = 50

Rename = Callable[[Home, pa.Table, Mapping[str, str]], None]
"""Is given the leads of a batch under their old ids, and the new id of each; to do it again changes nothing."""


def rename_reviews(home: Home, leads: pa.Table, new_of: Mapping[str, str]) -> None:
    """Have what people said of these leads stand under their new ids, and under the new hashes of their names."""
    from leadscout_assets.database.reviews import Reviews
    from leadscout_assets.names.remembered import full_name_key, name_key
    from leadscout_assets.reviews.questions import name_hashes

    new_key, *old_keys = home.lead_id_keys
    names = zip(leads["director_given_names"].to_pylist(), leads["director_surname"].to_pylist(), strict=True)
    keys = {key for given, surname in names for key in (name_key(given, surname), full_name_key(given, surname)) if key}
    new = name_hashes(new_key)
    # All earlier ones: what comes from a backup may be several rotations behind.
    Reviews(home.database).rename(new_of, {old(key): new(key) for old in map(name_hashes, old_keys) for key in keys})


RENAMED: tuple[Rename, ...] = (rename_reviews,)
"""What else names leads by id, or is hashed under their key."""


@dataclass(frozen=True)
class Rotated:
    """What a rotation did: the key's generation now, and what was made anew under it: batches, or decisions."""

    key: str
    generation: int
    batches: int = 0
    decisions: int = 0


def rotate(home: Home, key: str, *, now: datetime) -> Rotated:
    """Make a new generation of a key and re-key what hangs on it; one that was interrupted is finished instead.

    Raises `BadInput` for a key that there is not. Nobody may work on the home meanwhile.
    """
    from leadscout_assets.database.audit import record_event

    if key not in WORK:
        raise BadInput(f"the keys are {', '.join(WORK)}")
    apply_ledger(home)
    note = rotation_note(home.settings.keys_dir, key)
    if not note.exists():
        # The generation that is to be: where it is there already when this is repeated, none is made again.
        home.settings.keys_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        note.write_text(str(len(generations(home.settings.keys_dir, key)) + 1))
    wanted = int(note.read_text() or "0")
    if len(generations(home.settings.keys_dir, key)) < wanted:
        next_generation(home.settings.keys_dir, key)
    fresh = Home(home.settings)
    done = WORK[key](fresh)
    record_event(
        fresh.database,
        actor=actor(),
        action="key.rotated",
        detail={"key": key, "generation": done.generation, "batches": done.batches, "decisions": done.decisions},
        at=now,
    )
    note.unlink()
    fresh.database.close()
    return done


def rekey_restored(home: Home) -> int:
    """Give the leads of a restored home their ids under the newest key, where the backup is older than that key.

    Returns how many batches had others. A rotation that was under way when the backup was taken is finished by it.
    """
    if len(home.lead_id_keys) == 1:
        return 0
    note = rotation_note(home.settings.keys_dir, LEAD_ID)
    changed = _rename_every_lead(home)
    if changed or note.exists():
        _join_anew(home)
    note.unlink(missing_ok=True)
    return changed


def _suppression(home: Home) -> Rotated:
    decisions = [_renewed(one, home.hasher) for one in home.ledger.read()]
    home.ledger.replace(decisions)
    if home.settings.backups_dir.is_dir():
        share_ledger(home)
        ledger_beside_backups(home.settings.backups_dir).replace(decisions)
    for decision in decisions:
        home.decisions.apply(decision)
    home.decisions.drop_before(home.hasher.generation)
    return Rotated(SUPPRESSION, home.hasher.generation, decisions=len(decisions))


def _renewed(decision: Decision, hasher: Hasher) -> Decision:
    about = dict(decision.about)
    if "hashes" in about and about["generation"] < hasher.generation:
        earlier = about["generation"]
        about["hashes"] = {
            kind: [hasher.renewed(known, earlier) for known in found] for kind, found in about["hashes"].items()
        }
        about["generation"] = hasher.generation
    return Decision(decision.kind, decision.id, decision.at, about)


def _audit(home: Home) -> Rotated:
    # Events are chained and never change: a person is looked up in them under every generation.
    return Rotated(AUDIT, len(generations(home.settings.keys_dir, AUDIT)))


def _lead_ids(home: Home) -> Rotated:
    changed = _rename_every_lead(home)
    _join_anew(home)
    return Rotated(LEAD_ID, len(generations(home.settings.keys_dir, LEAD_ID)), batches=changed)


def _rename_every_lead(home: Home) -> int:
    progress, records, changed = current("batches"), home.records.all(), 0
    for number, record in enumerate(records):
        progress.item(record.batch_id)
        changed += _rename_leads(home, record.batch_id)
        progress.tell((number + 1) / len(records))
    return changed


def _join_anew(home: Home) -> None:
    """Make the known leads from the beginning: they are made of leads by their ids."""
    root = home.tables.root
    if not (root / contracts.KNOWN_LEADS.name).is_dir():
        return
    with changing(home.tables):
        for contract in KNOWN_TABLES:
            shutil.rmtree(root / contract.name, ignore_errors=True)
    records = home.records.all()
    for start in range(0, len(records), BATCHES_AT_ONCE):
        some = {record.batch_id: record.delivered_at for record in records[start : start + BATCHES_AT_ONCE]}
        leads = home.tables.read(contracts.LEADS, list(some))
        if leads.num_rows:
            join(home.tables, leads, some)


def _rename_leads(home: Home, batch: str) -> bool:
    """Give the leads of a batch their ids under the newest key; say whether any had another. The leads' own table comes last."""
    tables = home.tables
    raw, leads = tables.read(RAW_LEADS, [batch]), tables.read(contracts.LEADS, [batch])
    if not leads.num_rows:
        return False
    at = pc.index_in(leads["source_row"], value_set=raw["source_row"].combine_chunks())
    fresh = ids_of(home, raw).take(at.combine_chunks() if isinstance(at, pa.ChunkedArray) else at)
    new_of = dict(zip(leads["lead_id"].to_pylist(), fresh.to_pylist(), strict=True))
    if all(old == new for old, new in new_of.items()):
        return False
    frames = {}
    for contract in (contracts.CLASSIFICATIONS, LEAD_SCORES, contracts.LEADS):
        frame = tables.read(contract, [batch])
        ids = pa.array([new_of.get(one, one) for one in frame["lead_id"].to_pylist()], pa.string())
        frames[contract.name] = frame.set_column(frame.column_names.index("lead_id"), "lead_id", ids)
    for contract in (contracts.CLASSIFICATIONS, LEAD_SCORES):
        tables.replace(contract, frames[contract.name], [batch])
    for rename in RENAMED:
        rename(home, leads, new_of)
    if tables.rows(LEAD_REPORTS, [batch]):
        rejected = tables.read(contracts.REJECTED_LEADS, [batch])
        write_report(
            home,
            batch,
            pipeline.Frames(raw, frames["leads"], rejected, frames["classifications"], frames["lead_scores"]),
        )
    tables.replace(contracts.LEADS, frames["leads"], [batch])
    return True


WORK: Mapping[str, Callable[[Home], Rotated]] = {LEAD_ID: _lead_ids, SUPPRESSION: _suppression, AUDIT: _audit}
"""The keys, and what a new one of each means."""
