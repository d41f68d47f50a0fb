"""The compiled form of the lexicon and of what was learned from it: arrays in one `.npz`, without pickles, quick to load.

Made from the lexicon by `build_knowledge`; nothing here reads the lexicon's text when names are classified.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from leadscout_assets.names.lexicon import KINDS, ORIGINS, Kind, Lexicon
from leadscout_assets.names.phonetic import NeighbourIndex, index_neighbours
from leadscout_assets.names.statistical import MIN_LETTERS, ROLES, NgramModel, train_ngrams

TOLERANCE = 0.02
"""Largest difference of a learned weight between two equal models, log-odds. Sums in another order on another processor
change the last bits of a half-precision weight; a changed lexicon changes whole weights."""
FLOOR = 0.01
"""Share added to each origin before logarithms."""
_NONE = -1


@dataclass(frozen=True)
class Knowledge:
    """Everything known of tokens. `rows[kind][token place]` leads into `shares` and `languages`, -1 where unknown.

    `spelled[role][token place]`: what `letters` say of the tokens known in a role, as centred log shares: it is asked for
    most often, and takes longest to compute.
    """

    tokens: list[str]
    rows: dict[Kind, NDArray[np.int16]]
    shares: NDArray[np.float32]
    languages: NDArray[np.str_]
    index: NeighbourIndex
    letters: dict[Kind, NgramModel]
    spelled: dict[Kind, NDArray[np.float16]]

    @cached_property
    def places(self) -> dict[str, int]:
        """Place of each token."""
        return dict(zip(self.tokens, range(len(self.tokens)), strict=True))

    @cached_property
    def particles(self) -> dict[str, int]:
        """Row of each particle."""
        places = np.flatnonzero(self.rows["particle"] >= 0)
        return {self.tokens[at]: int(self.rows["particle"][at]) for at in places}

    @cached_property
    def log_table(self) -> NDArray[np.float64]:
        """Centred log shares of each row, every origin given a little first, so that no element can exclude one."""
        logs = np.log(self.shares.astype(np.float64) + FLOOR)
        found: NDArray[np.float64] = logs - logs.mean(-1, keepdims=True)
        return found

    @cached_property
    def share_table(self) -> NDArray[np.float64]:
        """Shares of each row."""
        return self.shares.astype(np.float64)

    @property
    def size(self) -> int:
        """Number of distinct elements: pairs of token and kind."""
        return int(sum((rows >= 0).sum() for rows in self.rows.values()))

    def places_of(self, tokens: list[str]) -> NDArray[np.int64]:
        """Return the place of each folded token, -1 where unknown."""
        places = self.places
        return np.array([places.get(token, _NONE) for token in tokens], np.int64)

    def rows_at(self, places: NDArray[np.int64], kind: Kind) -> NDArray[np.int64]:
        """Return the row in one kind of the tokens at places, -1 where unknown."""
        rows = self.rows[kind]
        return np.where(places >= 0, rows[places].astype(np.int64), _NONE) if len(rows) else places

    def rows_of(self, tokens: list[str], kind: Kind) -> NDArray[np.int64]:
        """Return the row of each folded token in one kind, -1 where unknown."""
        return self.rows_at(self.places_of(tokens), kind)

    def knows(self, token: str, kind: Kind) -> bool:
        """Tell whether a folded token is an element of one kind."""
        place = self.places.get(token, _NONE)
        return place >= 0 and bool(self.rows[kind][place] >= 0)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return all arrays by name, in a fixed order."""
        found: dict[str, NDArray[np.generic]] = {
            "tokens": np.frombuffer("\n".join(self.tokens).encode("ascii"), np.uint8),
            **{f"{kind}_rows": self.rows[kind] for kind in KINDS},
            "shares": self.shares,
            "languages": self.languages,
            "slip_hashes": self.index.slip_hashes,
            "slip_owners": self.index.slip_owners,
            "sound_hashes": self.index.sound_hashes,
            "sound_owners": self.index.sound_owners,
        }
        for role in ROLES:
            head = self.letters[role]
            found |= {f"{role}_codes": head.codes, f"{role}_weights": head.weights, f"{role}_bias": head.bias}
            found[f"{role}_spelled"] = self.spelled[role]
        return found

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 over all arrays, in hex."""
        digest = hashlib.sha256()
        for name, array in self.arrays().items():
            digest.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
        return digest.hexdigest()

    def to_bytes(self) -> bytes:
        """Return the knowledge as the bytes of an `.npz` file, the same for the same arrays."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **self.arrays())  # type: ignore[arg-type]  # numpy's stub knows no keyword arrays
        return buffer.getvalue()


def load_knowledge(data: bytes) -> Knowledge:
    """Read knowledge from the bytes of its `.npz` file."""
    with np.load(io.BytesIO(data), allow_pickle=False) as found:
        text = found["tokens"].tobytes().decode("ascii")
        return Knowledge(
            tokens=text.split("\n") if text else [],
            rows={kind: found[f"{kind}_rows"] for kind in KINDS},
            shares=found["shares"],
            languages=found["languages"],
            index=NeighbourIndex(
                found["slip_hashes"], found["slip_owners"], found["sound_hashes"], found["sound_owners"]
            ),
            letters={
                role: NgramModel(found[f"{role}_codes"], found[f"{role}_weights"], found[f"{role}_bias"])
                for role in ROLES
            },
            spelled={role: found[f"{role}_spelled"] for role in ROLES},
        )


def build_knowledge(lexicon: Lexicon) -> Knowledge:
    """Compile a lexicon and learn from its letters. Deterministic; takes some seconds."""
    tokens = sorted(set().union(*(lexicon.rows[kind] for kind in KINDS)))
    rows = {kind: np.array([lexicon.rows[kind].get(token, _NONE) for token in tokens], np.int16) for kind in KINDS}
    letters = {role: train_ngrams(lexicon, role) for role in ROLES}
    return Knowledge(
        tokens=tokens,
        rows=rows,
        shares=lexicon.shares.astype(np.float32),
        languages=np.array([language or "" for language in lexicon.languages]),
        index=index_neighbours(tokens),
        letters=letters,
        spelled={role: _spelled(tokens, rows[role], letters[role]) for role in ROLES},
    )


def spelling(tokens: list[str], head: NgramModel) -> NDArray[np.float64]:
    """Return what the letters of tokens say, as centred log shares (m x 6), none of them below the floor."""
    logs = np.maximum(head.log_shares(tokens), np.log(FLOOR))
    found: NDArray[np.float64] = logs - logs.mean(-1, keepdims=True)
    return found


def _spelled(tokens: list[str], rows: NDArray[np.int16], head: NgramModel) -> NDArray[np.float16]:
    known = np.array([at for at in np.flatnonzero(rows >= 0) if len(tokens[at]) >= MIN_LETTERS], np.int64)
    found = np.zeros((len(tokens), len(ORIGINS)), np.float16)
    found[known] = spelling([tokens[at] for at in known], head)
    return found


def differences(one: Knowledge, other: Knowledge) -> list[str]:
    """Return the names of the arrays in which two differ, learned weights by more than `TOLERANCE`; none where equal."""
    others = other.arrays()
    return [name for name, array in one.arrays().items() if not _equal(array, others[name])]


def _equal(one: NDArray[np.generic], other: NDArray[np.generic]) -> bool:
    if one.shape != other.shape:
        return False
    if one.dtype.kind != "f":
        return bool(np.array_equal(one, other))
    return bool(np.allclose(one, other, rtol=0, atol=TOLERANCE))
