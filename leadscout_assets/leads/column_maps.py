"""Columns that a person named: which header of a sender's lists is which field, where the header itself does not say so.

The synonyms that every list is read with are columns.py's.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from leadscout_assets.contracts import FIELDS
from leadscout_assets.errors import BadInput, UnreadableFile

ColumnMap = Mapping[str, str]
"""A field for each folded header that has one by hand."""


@dataclass(frozen=True)
class ColumnMaps:
    """What was named for the file at hand, and what is saved for lists with a certain header, by the header's digest."""

    named: ColumnMap = field(default_factory=dict)
    saved: Mapping[str, ColumnMap] = field(default_factory=dict)

    def of(self, headers: Sequence[str | None]) -> ColumnMap:
        """Return what holds for a list with these headers; what was named for the file at hand wins.

        Raises `UnreadableFile` where a column was named that the list does not have.
        """
        there = {folded(header or "") for header in headers}
        missing = sorted(self.named.keys() - there)
        if missing:
            raise UnreadableFile(
                "missing_column",
                f"--map names {len(missing)} columns that the file's header does not have ({', '.join(missing)}): "
                "write them as the first filled row has them",
            )
        return {**self.saved.get(header_digest(headers), {}), **self.named}


NO_MAPS = ColumnMaps()


def parse_map(given: Sequence[str]) -> dict[str, str]:
    """Read `Firma=EntityName` and the like. Raises `BadInput` for what is no such pair or names no field, or one twice."""
    own = {folded(name): name for name in FIELDS}
    found: dict[str, str] = {}
    for pair in given:
        header, equals, name = pair.rpartition("=")
        if not equals or not folded(header):
            raise BadInput('--map takes "header=field", e.g. "Firma=EntityName"')
        if folded(name) not in own:
            raise BadInput(f"--map names a field that there is not; there are {', '.join(FIELDS)}")
        found[folded(header)] = own[folded(name)]
    if len(set(found.values())) < len(found):
        raise BadInput("--map gives one field two columns: name the one to be read")
    return found


def header_digest(headers: Sequence[str | None]) -> str:
    """Return 16 hex digits that lists with the same headers share, whatever their order, case and spacing."""
    names = sorted({folded(header or "") for header in headers} - {""})
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


def folded(header: str) -> str:
    """Return the form in which headers are compared: no case, accents, spaces, underscores or punctuation."""
    plain = unicodedata.normalize("NFKD", header).casefold()
    return "".join(filter(str.isalnum, plain))
