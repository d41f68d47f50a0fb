"""Which rows are those of a person, or of a business, that is on a list: compared by keyed hashes, never by value.

A number or an e-mail address alone can be shared: where an entry knows names, a row that names somebody else is not theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from leadscout_assets.governance.keys import Hasher
from leadscout_assets.governance.traits import BUSINESS, DOMAIN, EMAIL, KINDS, LEAD, NAME, NUMBER, RowTraits, Traits
from leadscout_assets.leads.erased import marked_rows

CERTAIN = frozenset((LEAD, BUSINESS, DOMAIN))
"""Kinds that decide by themselves, whatever name stands beside them."""


@dataclass(frozen=True)
class Entry:
    """One person or business on a list: hashes by kind, all of one generation of the key of suppression."""

    id: str
    list: str
    hashes: Mapping[str, frozenset[str]]
    generation: int

    def of(self, kind: str) -> frozenset[str]:
        """Return the hashes of one kind."""
        return self.hashes.get(kind, frozenset())


def entry_of(traits: Traits, hasher: Hasher, *, id: str, on: str) -> Entry:
    """Return the entry of some traits: their hashes."""
    hashes = {kind: frozenset(hasher.hash(kind, value) for value in traits.of(kind)) for kind in KINDS}
    return Entry(id, on, {kind: found for kind, found in hashes.items() if found}, hasher.generation)


def renewed(entry: Entry, hasher: Hasher) -> Entry:
    """Return an entry as the newest generation of the key has it."""
    if entry.generation == hasher.generation:
        return entry
    hashes = {
        kind: frozenset(hasher.renewed(known, entry.generation) for known in found)
        for kind, found in entry.hashes.items()
    }
    return Entry(entry.id, entry.list, hashes, hasher.generation)


@dataclass(frozen=True)
class Matches:
    """What was found in a frame: positions of rows by entry, and of rows that share a number or an address but name others."""

    rows: Mapping[str, frozenset[int]]
    shared: Mapping[str, frozenset[int]]

    def mask(self, height: int) -> npt.NDArray[np.bool_]:
        """Return all rows found as a mask."""
        mask = np.zeros(height, dtype=np.bool_)
        mask[sorted(set().union(*self.rows.values()))] = True
        return mask


class Matcher:
    """Finds the rows of some entries."""

    def __init__(self, entries: Iterable[Entry], hasher: Hasher) -> None:
        """Index the entries by hash."""
        self._hasher = hasher
        self._entries = {entry.id: renewed(entry, hasher) for entry in entries}
        self._known: dict[str, dict[str, set[str]]] = {kind: {} for kind in KINDS}
        for entry in self._entries.values():
            for kind, hashes in entry.hashes.items():
                for known in hashes:
                    self._known[kind].setdefault(known, set()).add(entry.id)

    def __bool__(self) -> bool:
        """Say whether there is anything to look for."""
        return bool(self._entries)

    def mask(self, raw: pa.Table) -> npt.NDArray[np.bool_]:
        """Return for each row whether it is that of an entry."""
        if not self._entries or not raw.num_rows:
            return np.zeros(raw.num_rows, dtype=np.bool_)
        return self.find(raw).mask(raw.num_rows)

    def find(self, raw: pa.Table, traits: RowTraits | None = None) -> Matches:
        """Return the rows of each entry; `raw` fits `contracts.RAW_LEADS`. Markers of erased rows are nobody's."""
        if not raw.num_rows or not self._entries:
            return Matches({}, {})
        traits = traits or RowTraits(raw)
        marked, memory = marked_rows(raw), dict[tuple[str, str], frozenset[str]]()
        named, hit = dict[int, frozenset[str]](), dict[int, dict[str, bool]]()
        has_name: set[int] = set()
        for at, kind, value in traits.listed():
            if marked[at]:
                continue
            if kind == NAME:
                has_name.add(at)
            if not self._known[kind]:
                continue
            if (kind, value) not in memory:
                memory[kind, value] = frozenset(self._known[kind].get(self._hasher.hash(kind, value), ()))
            if not (entries := memory[kind, value]):
                continue
            if kind == NAME:
                named[at] = entries
            else:
                found = hit.setdefault(at, {})
                for entry in entries:
                    found[entry] = found.get(entry, False) or kind in CERTAIN
        rows, shared = dict[str, set[int]](), dict[str, set[int]]()
        for at, entries_hit in hit.items():
            for entry, certain in entries_hit.items():
                other = self._entries[entry].of(NAME) and at in has_name and entry not in named.get(at, ())
                (shared if other and not certain else rows).setdefault(entry, set()).add(at)
        return Matches(
            {entry: frozenset(found) for entry, found in rows.items()},
            {entry: frozenset(found) for entry, found in shared.items()},
        )


__all__ = ["EMAIL", "NUMBER", "Entry", "Matcher", "Matches", "entry_of", "renewed"]
