"""Answers that people gave, which win over any estimate: about one lead, or about everybody with one name.

Only looked up here; storing, ranking and weighing them is `reviews`' work.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.names.display import comparison_key, is_initials
from leadscout_assets.terms import Method, Origin

Column: TypeAlias = pa.Array | pa.ChunkedArray


@dataclass(frozen=True)
class Answer:
    """What people said. `origin` is None where a person does not wish to say; `confidence` is 0..1."""

    origin: Origin | None
    confidence: float
    language: str | None = None


@dataclass(frozen=True)
class Remembered:
    """Confirmed answers: `verified` by lead id, `memory` by `digest` of a full name's comparison key (`full_name_key`)."""

    verified: Mapping[str, Answer] = field(default_factory=dict)
    memory: Mapping[str, Answer] = field(default_factory=dict)
    digest: Callable[[str], str] = str

    def __bool__(self) -> bool:
        return bool(self.verified or self.memory)

    def fingerprint(self) -> str:
        """Return a digest of all answers, by which a result that was made with others is known."""
        told = (f"{key} {answer}" for known in (self.verified, self.memory) for key, answer in sorted(known.items()))
        return hashlib.sha256("\n".join(told).encode()).hexdigest()

    def answers(self, lead_ids: Column | None, given: Column, surname: Column) -> dict[int, tuple[Method, Answer]]:
        """Return what people said by row: of the lead, else of its name. Rows of which they said nothing are left out."""
        found = {row: (Method.MEMORY, answer) for row, answer in self._by_name(given, surname)}
        if lead_ids is not None and self.verified:
            known = pc.is_in(lead_ids, pa.array(list(self.verified), pa.string()))
            for row in np.flatnonzero(known.to_numpy(zero_copy_only=False)).tolist():
                found[row] = Method.VERIFIED, self.verified[lead_ids[row].as_py()]
        return found

    def _by_name(self, given: Column, surname: Column) -> list[tuple[int, Answer]]:
        if not self.memory:
            return []
        # Each name is looked up once, however many leads bear it.
        joined = pc.binary_join_element_wise(
            *(pc.fill_null(column.cast(pa.string()), "") for column in (given, surname)), "\x1f"
        )
        whole = joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined
        encoded = whole.dictionary_encode()
        keys = (full_name_key(*name.split("\x1f", 1)) for name in encoded.dictionary.to_pylist())
        answers = {at: self.memory.get(self.digest(key)) for at, key in enumerate(keys) if key is not None}
        known = {at: answer for at, answer in answers.items() if answer is not None}
        rows = np.flatnonzero(np.isin(encoded.indices.to_numpy(), list(known)))
        return [(row, known[encoded.indices[row].as_py()]) for row in rows.tolist()]


def name_key(given_names: str | None, surname: str | None) -> str:
    """Return the comparison key of a name that was taken apart, as `split_names` gives it."""
    return comparison_key((given_names or "").split(), (surname or "").split())


def full_name_key(given_names: str | None, surname: str | None) -> str | None:
    """Return the key of a full name; None where no given name is written out: initials fit too many people."""
    if not surname or all(map(is_initials, (given_names or "").split())):
        return None
    return name_key(given_names, surname)
