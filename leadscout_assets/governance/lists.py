"""Suppression lists: what may be on one, how a line of it is read, and the exchange with the keeper of a registry as files.

Decisions come out, to be put into the ledger; nothing is stored here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from leadscout_assets.errors import BadInput
from leadscout_assets.governance.keys import Hasher
from leadscout_assets.governance.ledger import CLEANSING, LIFTING, SUPPRESSION, Decision, new_id
from leadscout_assets.governance.matching import Entry, entry_of
from leadscout_assets.governance.traits import (
    BUSINESS,
    DOMAIN,
    EMAIL,
    NUMBER,
    Traits,
    business_trait,
    email_traits,
    number_traits,
)

PERSON = "person"
OWN_LIST = "own"
"""The list that single values go to."""

_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9\-]*[a-z0-9])?\.)+[a-z]{2,24}")
_LIST = re.compile(r"[a-z][a-z0-9-]{0,39}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def _domain(value: str) -> frozenset[str]:
    domain = value.lower().strip().lstrip("@")
    return frozenset([domain]) if _DOMAIN.fullmatch(domain) else frozenset()


def _business(value: str) -> frozenset[str]:
    key = business_trait(value)
    return frozenset([key]) if key else frozenset()


READERS: Mapping[str, Callable[[str], frozenset[str]]] = {
    EMAIL: email_traits,
    DOMAIN: _domain,
    NUMBER: number_traits,
    BUSINESS: _business,
}
"""What a list may hold, by kind, and how a value is read; persons are read from a file as `leadscout forget` reads it."""

WRITTEN: Mapping[str, str] = {
    EMAIL: "in full, as somebody@example.co.za",
    DOMAIN: "as example.co.za",
    NUMBER: "in full, as 0850000002 or +27850000002",
    BUSINESS: "as it is registered",
}
"""How a value of each kind is written, for whoever wrote it otherwise."""


def check_name(name: str) -> str:
    """Return a list's name. Raises `BadInput` for one that cannot be one."""
    if name == "erased" or not _LIST.fullmatch(name):
        raise BadInput("the name of a list has small letters, digits and hyphens, and is not `erased`")
    return name


def suppression(
    kind: str, values: Iterable[str], hasher: Hasher, *, on: str, actor: str, reason: str | None, now: datetime
) -> Decision:
    """Return the decision to put values on a list. Raises `BadInput` naming the line of a value that is none."""
    read = READERS.get(kind)
    if read is None:
        raise BadInput(f"a list holds {', '.join(READERS)} or persons")
    found: set[str] = set()
    for line, value in enumerate(values, start=1):
        traits = read(value)
        if not traits:
            raise BadInput(f"value {line} is no {kind} that can be used; write it {WRITTEN[kind]}")
        found |= traits
    hashes = {kind: sorted(hasher.hash(kind, value) for value in found)}
    about = {"list": check_name(on), "generation": hasher.generation, "hashes": hashes, "each": True}
    return Decision(SUPPRESSION, new_id(), now, about | {"actor": actor, "reason": reason})


def suppression_of_person(
    traits: Traits, hasher: Hasher, *, on: str, actor: str, reason: str | None, now: datetime
) -> Decision:
    """Return the decision to put one person on a list, with all that identifies them."""
    entry = entry_of(traits, hasher, id=new_id(), on=check_name(on))
    hashes = {kind: sorted(known) for kind, known in entry.hashes.items()}
    about = {"list": on, "generation": hasher.generation, "hashes": hashes, "actor": actor, "reason": reason}
    return Decision(SUPPRESSION, entry.id, now, about)


def lifting(entries: Iterable[Entry], *, actor: str, reason: str, now: datetime) -> Decision:
    """Return the decision to take entries off their lists again."""
    return Decision(
        LIFTING, new_id(), now, {"entries": sorted(e.id for e in entries), "actor": actor, "reason": reason}
    )


def on_lists(entries: Iterable[Entry], traits: Traits, hasher: Hasher) -> list[Entry]:
    """Return the entries that have one of the traits."""
    mine = entry_of(traits, hasher, id="asked", on="").hashes
    return [entry for entry in entries if any(mine[kind] & entry.of(kind) for kind in mine)]


def exchanged(values: Iterable[str], *, hashed: bool) -> list[str]:
    """Return numbers or addresses as a registry is sent them: numbers as 0821234567; or the SHA-256 of that, in hex."""
    plain = sorted({as_dialled(value) for value in values})
    return sorted(map(_sha256, plain)) if hashed else plain


def as_dialled(value: str) -> str:
    """Return a South African number in E.164 as it is dialled at home; anything else as it is."""
    return "0" + value.removeprefix("+27") if value.startswith("+27") else value


def answered(lines: Iterable[str], held: Iterable[str]) -> set[str]:
    """Return the numbers and addresses that a registry's answer names, as they are held.

    A line is a value or the SHA-256 of one as `exchanged` sends it; a hash of what is not held says nothing. Raises `BadInput`.
    """
    by_hash = {_sha256(as_dialled(value)): value for value in held}
    found: set[str] = set()
    for number, line in enumerate(lines, start=1):
        text = line.strip().strip('"').lower()
        if not text:
            continue
        if _SHA256.fullmatch(text):
            found |= {by_hash[text]} if text in by_hash else set()
        elif values := email_traits(text) or number_traits(text):
            found |= values
        else:
            raise BadInput(f"line {number} of the answer is no number, no e-mail address and no SHA-256")
    return found


def cleansing(on: str, what: str, entries: int, sha256: str, *, actor: str, now: datetime) -> Decision:
    """Return the evidence that a list was sent to a registry, or its answer taken over."""
    about = {"list": check_name(on), "what": what, "entries": entries, "sha256": sha256, "actor": actor}
    return Decision(CLEANSING, new_id(), now, about)


def _sha256(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
