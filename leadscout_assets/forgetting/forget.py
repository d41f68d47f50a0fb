"""An erasure from the request to the proof, and the erasures of the ledger done again where a home was restored.

The intent stands in the ledger before anything is touched, so that a kill at any point is gone on with.
"""

from __future__ import annotations

import getpass
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import pyarrow as pa

from leadscout_assets import contracts
from leadscout_assets.errors import BadInput, EdgeFailed
from leadscout_assets.forgetting.elsewhere import (
    check_no_run,
    clean_inbox,
    clean_kept_runs,
    clean_others,
    compact_databases,
    inbox_files,
)
from leadscout_assets.forgetting.erasing import erase_from_batch, erase_from_rowless
from leadscout_assets.forgetting.finding import Found, find, full_names_of, told_apart, words_of
from leadscout_assets.forgetting.holders import BY_NAME, HOLDERS
from leadscout_assets.forgetting.proving import Proof, backups_holding, hits_by_file, prove
from leadscout_assets.forgetting.request import Request, check_identifies
from leadscout_assets.forgetting.wordings import take_out
from leadscout_assets.governance.keys import AUDIT, check_rotated, hasher
from leadscout_assets.governance.ledger import ERASURE, FOUND, Decision, ledger_beside_backups, new_id
from leadscout_assets.governance.matching import Entry, Matcher, entry_of, renewed
from leadscout_assets.governance.searching import Needles
from leadscout_assets.governance.traits import EMAIL, LEAD, NUMBER, Traits
from leadscout_assets.home import Home
from leadscout_assets.lead_tables import LEAD_TABLES
from leadscout_assets.progress import current

Say = Callable[[str], None]


@dataclass(frozen=True)
class Places:
    """What was found where, before anything is done: rows by batch and table; files by area; rows of others left alone."""

    rows: Mapping[str, tuple[int, ...]]
    leads: tuple[str, ...]
    tables: Mapping[str, int]
    inbox_files: int
    kept_rows: Mapping[str, tuple[int, ...]]
    files: Mapping[str, int] = field(default_factory=dict)
    """How many files hold a value that is this person's alone, by the folder below the home; looked for in a dry run only."""
    backups: tuple[str, ...] = ()
    """Which backups hold one, likewise."""

    def to_json(self) -> dict[str, object]:
        """Return everything as plain values."""
        return {
            "rows": {batch: list(rows) for batch, rows in self.rows.items()},
            "leads": list(self.leads),
            "tables": dict(self.tables),
            "inbox_files": self.inbox_files,
            "kept_rows": {batch: list(rows) for batch, rows in self.kept_rows.items()},
            "files": dict(self.files),
            "backups": list(self.backups),
        }


@dataclass(frozen=True)
class Forgotten:
    """One erasure: where the person was found, how many records and files of which kind it changed beside the rows, and the
    proof, None in a dry run.
    """

    places: Places
    proof: Proof | None = None
    id: str | None = None
    changed: Mapping[str, int] = field(default_factory=dict)
    handles: tuple[str, ...] = field(default=())


def forget(home: Home, request: Request, *, now: datetime, dry_run: bool = False) -> Forgotten:
    """Forget a person. Repeated after a kill it goes on where it was; repeated after success it finds nothing more.

    Raises `BadInput` where the request could mean several people, or names a lead that there is not.
    """
    check_identifies(request)
    apply_ledger(home)
    open_ = _begun(home, request)
    entry = _entry(home, open_[0]) if open_ else None
    found = find(home, request.traits, request.leads, entry)
    found.names |= full_names_of(pa.array(request.names, pa.string()))
    if request.leads and not request.traits and not found.rows and not open_:
        raise BadInput("no batch has a lead with this id; `leadscout show` and the reports name them")
    places = _places(home, found)
    if dry_run:
        return Forgotten(_with_files(home, places, Needles(told_apart(home, found, request.values).own)))
    check_no_run(home)
    traits = found.traits | request.traits
    decision = open_[0] if open_ else _begin(home, traits, found.every_id | request.leads, now)
    return _do(home, decision, found, request.values, places, now, backups=True)


def replay(home: Home, *, now: datetime, say: Say = lambda _: None) -> int:
    """Hold a home to its ledger: apply every decision, and do the erasures that are not done in it. Return how many those were."""
    pending = apply_ledger(home)
    for decision in pending:
        found = find(home, Traits(), frozenset(decision.about.get("lead_ids", ())), _entry(home, decision))
        done = _do(home, decision, found, (), _places(home, found), now, backups=False)
        say(f"erasure {decision.id[:8]}: {found.row_count} rows of {len(found.rows)} batches")
        if done.proof and not done.proof.gone:
            say(f"erasure {decision.id[:8]}: {len(done.proof.left)} files still hold a value")
    return len(pending)


def apply_ledger(home: Home) -> list[Decision]:
    """Apply what the ledger, and the one beside the backups, has decided; return the erasures that are not done in this home."""
    beside = ledger_beside_backups(home.settings.backups_dir)
    if beside.path.exists():
        home.ledger.merge(beside)
    decisions = home.ledger.read()
    if not decisions:
        return []
    for decision in decisions:
        home.decisions.apply(decision)
    done = {erasure.id for erasure in home.decisions.erasures() if erasure.done_at is not None}
    return [one for one in decisions if one.kind == ERASURE and one.id not in done]


def check_replayed(home: Home) -> None:
    """Raise `EdgeFailed` where an erasure, or the rotation of a key, is not done in this home: nothing may be served before."""
    check_rotated(home.settings.keys_dir)
    beside = ledger_beside_backups(home.settings.backups_dir)
    if not home.has_decisions and not beside.path.exists():
        return
    if pending := apply_ledger(home):
        raise EdgeFailed(_not_done(len(pending)))


def check_nothing_pending(home: Home) -> None:
    """Raise `EdgeFailed` where an erasure is not done in this home: no row may be shown or written out of it before.

    Looks only, unlike `check_replayed`: for commands that are typed often.
    """
    ledgers = (home.ledger, ledger_beside_backups(home.settings.backups_dir))
    decided = {one.id for ledger in ledgers for one in ledger.read() if one.kind == ERASURE}
    if not decided:
        return
    if pending := decided - {erasure.id for erasure in home.decisions.erasures() if erasure.done_at is not None}:
        raise EdgeFailed(_not_done(len(pending)))


def _not_done(erasures: int) -> str:
    return (
        f"{erasures} erasures are not done in this home, which was restored or whose erasure was interrupted; "
        "finish them first: leadscout forget --replay"
    )


def handles_of(home: Home, traits: Traits) -> tuple[str, ...]:
    """Return by what the audit trail names a person: keyed hashes of each number, address and lead."""
    keyed = hasher(home.settings.keys_dir, AUDIT)
    return tuple(sorted(keyed.hash(kind, value) for kind in (NUMBER, EMAIL, LEAD) for value in traits.of(kind)))


def share_ledger(home: Home) -> None:
    """Put the ledger beside the backups, so that every restore is held to it."""
    if home.ledger.path.exists():
        ledger_beside_backups(home.settings.backups_dir).merge(home.ledger)


def _begin(home: Home, traits: Traits, leads: frozenset[str] | set[str], now: datetime) -> Decision:
    entry = entry_of(traits, home.hasher, id=new_id(), on="")
    about = {
        "generation": entry.generation,
        "hashes": {kind: sorted(hashes) for kind, hashes in entry.hashes.items()},
        "lead_ids": sorted(leads),
        "handles": list(handles_of(home, traits)),
    }
    decision = home.ledger.append(Decision(ERASURE, entry.id, now, about))
    home.decisions.apply(decision)
    return decision


def _do(
    home: Home,
    decision: Decision,
    found: Found,
    given: tuple[str, ...],
    places: Places,
    now: datetime,
    *,
    backups: bool,
) -> Forgotten:
    from leadscout_assets.database.audit import record_event

    progress = current("batches")
    found.former |= set(decision.about.get("lead_ids", ())) - found.leads
    known = {record.batch_id for record in home.records.all()}
    # What an interrupted attempt had found is no longer to be found once the raw rows are clean.
    for earlier in home.ledger.read():
        if earlier.kind == FOUND and earlier.about["erasure"] == decision.id:
            for batch, rows in earlier.about["rows"].items():
                if batch in known:
                    found.rows.setdefault(batch, set()).update(rows)
    if places.rows:
        rows_found = {batch: sorted(rows) for batch, rows in found.rows.items()}
        home.ledger.append(Decision(FOUND, new_id(), now, {"erasure": decision.id, "rows": rows_found}))
    share_ledger(home)
    values = told_apart(home, found, given)
    needles = Needles(values.own)
    matcher = Matcher([renewed(_entry(home, decision), home.hasher)], home.hasher)
    names = words_of(found.traits)
    changed = {kind: holder(home, found) for kind, holder in BY_NAME.items()}
    changed["files in the inbox"] = clean_inbox(home, matcher, found.rows, needles, names)
    changed["what was typed of decisions"] = take_out(home, _entry(home, decision))
    changed["interrupted runs"] = clean_kept_runs(home, matcher, needles, names)
    progress.expect(len(found.rows) or 1)
    for number, (batch, rows) in enumerate(sorted(found.rows.items())):
        progress.item(batch)
        erase_from_batch(home, batch, rows, needles, names)
        progress.tell((number + 1) / len(found.rows))
    changed["deliveries that cannot be read"] = erase_from_rowless(home, found.rows.keys(), needles, names)
    changed |= {kind: holder(home, found) for kind, holder in HOLDERS.items()}
    changed["logs, notes and exports"] = clean_others(home, needles)
    handles = tuple(decision.about.get("handles", ()))
    record_event(
        home.database,
        actor=getpass.getuser(),
        action="person.forgotten",
        detail={
            "erasure": decision.id,
            "batches": len(found.rows),
            "rows": found.row_count,
            "files": sum(changed.values()),
            "persons": list(handles),
        },
    )
    compact_databases(home, needles)
    proof = prove(home, values, found.names, backups=backups)
    if proof.gone:
        home.decisions.finish(decision.id, now)
    return Forgotten(places, proof, decision.id, changed, handles)


def _with_files(home: Home, places: Places, needles: Needles) -> Places:
    """Return what was found with the files that hold a value, counted by folder, and the backups."""
    files = Counter(place.partition("/")[0] if "/" in place else "home" for place in hits_by_file(home, needles))
    return replace(places, files=dict(sorted(files.items())), backups=tuple(backups_holding(home, needles)))


def _begun(home: Home, request: Request) -> list[Decision]:
    """Return the erasures of this person that were begun and are not done."""
    mine = entry_of(request.traits.only(NUMBER, EMAIL), home.hasher, id="request", on="")
    asked = {known for hashes in mine.hashes.values() for known in hashes}
    pending = apply_ledger(home)
    return [
        one
        for one in pending
        if request.leads & set(one.about.get("lead_ids", ()))
        or asked & {known for hashes in _entry(home, one).hashes.values() for known in hashes}
    ]


def _entry(home: Home, decision: Decision) -> Entry:
    hashes = {kind: frozenset(found) for kind, found in decision.about["hashes"].items()}
    return renewed(Entry(decision.id, "", hashes, decision.about["generation"]), home.hasher)


def _places(home: Home, found: Found) -> Places:
    batches = sorted(found.rows)
    tables = {}
    for contract in LEAD_TABLES:
        columns = [name for name in ("batch_id", "source_row", "lead_id") if name in contract.schema.names]
        if contract is contracts.LEAD_REPORTS or not batches:
            continue
        held = home.tables.read(contract, batches, columns, ordered=False).to_pylist()
        if "source_row" in columns:
            count = sum(row["source_row"] in found.rows[row["batch_id"]] for row in held)
        else:
            count = sum(row["lead_id"] in found.every_id for row in held)
        tables[contract.name] = count
    return Places(
        rows={batch: tuple(sorted(found.rows[batch])) for batch in batches},
        leads=tuple(sorted(found.leads)),
        tables=tables,
        inbox_files=sum(1 for _ in inbox_files(home)),
        kept_rows={batch: tuple(sorted(rows)) for batch, rows in sorted(found.shared.items())},
    )
