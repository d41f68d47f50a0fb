"""Puts decisions about persons into the ledger, the database and the audit trail, in this order."""

from __future__ import annotations

import getpass
from collections.abc import Iterable

from leadscout_assets.forgetting.finding import delivered_rows
from leadscout_assets.forgetting.forget import handles_of, share_ledger
from leadscout_assets.governance.ledger import Decision
from leadscout_assets.governance.traits import EMAIL, NUMBER, RowTraits, Traits
from leadscout_assets.home import Home


def actor() -> str:
    """Return who acts: the user of the machine."""
    return getpass.getuser()


def decide(home: Home, decision: Decision, traits: Traits | None = None) -> None:
    """Make a decision hold, now and after every restore; `traits` is whom the audit trail names by keyed hash."""
    from leadscout_assets.database.audit import record_event

    home.ledger.append(decision)
    home.decisions.apply(decision)
    counts = {kind: len(known) for kind, known in decision.about.get("hashes", {}).items()}
    record_event(
        home.database,
        actor=actor(),
        action="person.decided",
        detail={
            "kind": decision.kind,
            "decision": decision.id,
            **{name: decision.about[name] for name in ("what", "channel", "list") if name in decision.about},
            **counts,
            "persons": list(handles_of(home, traits)) if traits else [],
        },
    )
    if home.settings.backups_dir.is_dir():
        share_ledger(home)


def batches_holding(home: Home, decision: Decision | None = None) -> list[str]:
    """Return the batches with a lead that a decision, or any, keeps out now that it holds: they are to be run again."""
    from leadscout_assets import contracts
    from leadscout_assets.governance.matching import Matcher

    entries = home.decisions.entries(erased=False)
    if decision is not None:
        entries = [entry for entry in entries if entry.id.startswith(decision.id)]
    matcher, found = Matcher(entries, home.hasher), list[str]()
    if not matcher:
        return found
    for batch, raw in delivered_rows(home):
        rows = set(raw.filter(matcher.mask(raw))["source_row"].to_pylist())
        if rows & set(
            home.tables.read(contracts.LEADS, [batch], ["source_row"], ordered=False)["source_row"].to_pylist()
        ):
            found.append(batch)
    return found


def held_values(home: Home) -> set[str]:
    """Return every number (E.164) and e-mail address that a delivered row holds."""
    found: set[str] = set()
    for _, raw in delivered_rows(home):
        found |= {value for _, kind, value in RowTraits(raw).listed() if kind in (NUMBER, EMAIL)}
    return found


def lines_of(values: Iterable[str]) -> bytes:
    """Return values as the content of a file for a registry: one a line."""
    return "".join(f"{value}\n" for value in values).encode()
