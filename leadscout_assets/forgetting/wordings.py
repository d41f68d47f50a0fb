"""What was typed about a person when something was decided: it goes with them, out of the ledger and the database.

That they objected, on which channel and when, stays under their keyed hashes: an erasure is no consent.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from leadscout_assets.governance.keys import Hasher
from leadscout_assets.governance.ledger import LIFTING, Decision, Ledger, ledger_beside_backups
from leadscout_assets.governance.matching import Entry, renewed
from leadscout_assets.governance.traits import EMAIL, LEAD, NUMBER
from leadscout_assets.home import Home

TYPED = ("wording", "source", "reason")
"""What of a decision a person typed."""


def take_out(home: Home, person: Entry) -> int:
    """Take out what was typed in the decisions that are about a person, and return how many those were. Safe to repeat."""
    hasher, changed = home.hasher, 0
    mine = {known for kind in (NUMBER, EMAIL, LEAD) for known in renewed(person, hasher).of(kind)}
    for ledger in (home.ledger, ledger_beside_backups(home.settings.backups_dir)):
        changed = max(changed, _in_ledger(ledger, mine, hasher))
    home.decisions.forget_wordings(mine)
    return changed


def _in_ledger(ledger: Ledger, mine: Collection[str], hasher: Hasher) -> int:
    decisions = ledger.read()
    about = {one.id for one in decisions if _hashes(one, hasher) & set(mine)}
    typed = [
        one
        for one in decisions
        if any(one.about.get(name) for name in TYPED)
        # An entry of a list with several has its number behind the list's decision.
        and (one.id in about or (one.kind == LIFTING and about & {e.partition("-")[0] for e in one.about["entries"]}))
    ]
    if typed:
        gone = {one.id for one in typed}
        ledger.replace(_untold(one) if one.id in gone else one for one in decisions)
    return len(typed)


def _hashes(decision: Decision, hasher: Hasher) -> set[str]:
    if "hashes" not in decision.about:
        return set()
    hashes = {kind: frozenset(found) for kind, found in decision.about["hashes"].items()}
    entry = renewed(Entry(decision.id, "", hashes, decision.about["generation"]), hasher)
    return {known for found in entry.hashes.values() for known in found}


def _untold(decision: Decision) -> Decision:
    return replace(decision, about={name: None if name in TYPED else told for name, told in decision.about.items()})
