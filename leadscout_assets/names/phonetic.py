"""Known tokens that an unknown one sounds like, or is one or two slips away from. Spelling only: no origins here.

The key is made for South African names, whose spellings vary by the orthography of five centuries; English keys lose them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from leadscout_assets.names.hashing import MAX_LETTERS, slip_hashes, slip_hashes_of_one, whole_hash, whole_hashes

# In order: each pattern is rewritten before the next is looked at.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.MULTILINE), sound)
    for pattern, sound in (
        (r"ouw|auw|eau", "o"),  # Louw, Blaauw, Rousseau
        (r"oe|ou|oo", "u"),  # Moegamat, Mouton, Naidoo
        (r"ee|ie|ij|ey|ei|ea|y|i", "i"),  # Pieterse, Wijk, Pillay, Reddie
        (r"ai|ay|ae|aa", "a"),  # Pillai, Claassen
        (r"uu|ui", "u"),
        (r"sch|sj|sh|ch|tj|tsh", "s"),  # Schutte, Tshabalala, Chabalala
        (r"ck|cq|kh|kg|q|c|gh|g", "k"),  # Khumalo, Kgosi, Labuschagne, clicks
        (r"ph|bh|b", "p"),  # Phiri, Bhengu
        (r"th|dh|d", "t"),  # Mthembu, Ndhlovu
        (r"hl|lh", "l"),  # Hlongwane
        (r"w|f|ff", "v"),  # Wessels, Fourie
        (r"tz|ts|z|ss", "s"),
        (r"h", ""),  # silent after all of the above
        (r"(.)\1+", r"\1"),
        (r"[aeiou]+$", ""),  # a final vowel comes and goes: Coetzee, Coetze
    )
)
MIN_LETTERS = 4
"""Letters a token needs before its likeness is believed: shorter ones are like too much."""
MIN_SLIP_LETTERS = 5
"""Letters a token needs before one slip is forgiven."""
MIN_TWO_SLIP_LETTERS = 7
"""Letters a token needs before two slips are forgiven that leave it sounding otherwise."""
MAX_DISTANCE = 2
"""Most slips (insert, delete, replace, swap) between a token and what it is taken for."""


def sound_keys(tokens: list[str]) -> list[str]:
    """Return how folded tokens sound: the same for spellings that people here confuse. All in one pass."""
    text = "\n".join(tokens)
    for pattern, sound in _RULES:
        text = pattern.sub(sound, text)
    return text.split("\n") if tokens else []


class Neighbours(NamedTuple):
    """Pairs of an asked token and a known one like it: places of both, slips between them, whether they sound alike."""

    asked: NDArray[np.int64]
    known: NDArray[np.int64]
    slips: NDArray[np.int64]
    alike: NDArray[np.bool_]


class Neighbour(NamedTuple):
    """A known token that a single asked one is like: its place, slips between them, whether they sound alike."""

    known: int
    slips: int
    alike: bool


@dataclass(frozen=True)
class NeighbourIndex:
    """Known tokens by the hashes of what is left when a letter is taken out, and by that of their sound, both sorted."""

    slip_hashes: NDArray[np.uint32]
    slip_owners: NDArray[np.int32]
    sound_hashes: NDArray[np.uint32]
    sound_owners: NDArray[np.int32]

    def neighbours(self, tokens: list[str], known: list[str]) -> Neighbours:
        """Return the known tokens that each of `tokens` may be meant to be; `known` is what the index was made of."""
        from rapidfuzz.distance import OSA
        from rapidfuzz.process import cpdist

        asked = np.array([at for at, token in enumerate(tokens) if MIN_LETTERS <= len(token) <= MAX_LETTERS], np.int64)
        if not len(asked):
            return Neighbours(asked, asked, asked, asked.astype(bool))
        words = [tokens[at] for at in asked]
        slips = slip_hashes(words)
        at, found = _matches(self.slip_hashes, self.slip_owners, slips.hashes, slips.owners)
        keys = sound_keys(words)
        sounds = whole_hashes(keys)
        sound_at, sound_found = _matches(self.sound_hashes, self.sound_owners, sounds, np.arange(len(words)))
        # Those that sound alike come first, so that the place of a pair's first find tells whether it is one of them.
        every = np.concatenate([sound_at * len(known) + sound_found, at * len(known) + found])
        pairs, first = np.unique(every, return_index=True)
        at, found = pairs // len(known), pairs % len(known)
        choices = [known[place] for place in found]
        distance = cpdist([words[place] for place in at], choices, scorer=OSA.distance, score_cutoff=MAX_DISTANCE)
        alike = first < len(sound_at)
        lengths = np.fromiter(map(len, words), np.int64, len(words))[at]
        forgiven = ((distance == 1) & (lengths >= MIN_SLIP_LETTERS)) | (
            (distance <= MAX_DISTANCE) & (alike | (lengths >= MIN_TWO_SLIP_LETTERS))
        )
        return Neighbours(asked[at[forgiven]], found[forgiven], distance[forgiven].astype(np.int64), alike[forgiven])

    def neighbours_of_one(self, token: str, known: list[str]) -> list[Neighbour]:
        """Return what `neighbours` gives for a single token, without the arrays that many are worth; by place."""
        from rapidfuzz.distance import OSA

        if not MIN_LETTERS <= len(token) <= MAX_LETTERS:
            return []
        (key,) = sound_keys([token])
        alike = _owners_of(self.sound_hashes, self.sound_owners, [whole_hash(key)])
        slipped = _owners_of(self.slip_hashes, self.slip_owners, slip_hashes_of_one(token))
        found = []
        for place in sorted(alike | slipped):
            slips, sounds = OSA.distance(token, known[place], score_cutoff=MAX_DISTANCE), place in alike
            if (slips == 1 and len(token) >= MIN_SLIP_LETTERS) or (
                slips <= MAX_DISTANCE and (sounds or len(token) >= MIN_TWO_SLIP_LETTERS)
            ):
                found.append(Neighbour(place, slips, sounds))
        return found


def index_neighbours(known: list[str]) -> NeighbourIndex:
    """Index known tokens (folded); the shortest stand for no other."""
    places = np.array([at for at, token in enumerate(known) if MIN_LETTERS <= len(token) <= MAX_LETTERS], np.int64)
    words = [known[at] for at in places]
    slips = slip_hashes(words)
    sounds = whole_hashes(sound_keys(words))
    slip_order, sound_order = np.argsort(slips.hashes, kind="stable"), np.argsort(sounds, kind="stable")
    return NeighbourIndex(
        slips.hashes[slip_order],
        places[slips.owners[slip_order]].astype(np.int32),
        sounds[sound_order],
        places[sound_order].astype(np.int32),
    )


def _matches(
    table: NDArray[np.uint32], owners: NDArray[np.int32], hashes: NDArray[np.uint32], askers: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return every pair of an asker and an owner with the same hash; `table` is sorted."""
    low, high = np.searchsorted(table, hashes, "left"), np.searchsorted(table, hashes, "right")
    counts = high - low
    ends = np.cumsum(counts)
    places = np.arange(ends[-1] if len(ends) else 0) + np.repeat(low - (ends - counts), counts)
    return np.repeat(askers, counts), owners[places].astype(np.int64)


def _owners_of(table: NDArray[np.uint32], owners: NDArray[np.int32], hashes: list[int]) -> set[int]:
    """Return the owners of any of a few hashes; `table` is sorted."""
    found = set()
    for one, place in zip(hashes, table.searchsorted(np.array(hashes, np.uint32)).tolist(), strict=True):
        # Most hashes are nobody's, and no other has many owners.
        while place < len(table) and table.item(place) == one:
            found.add(owners.item(place))
            place += 1
    return found
