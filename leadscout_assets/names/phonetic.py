"""The phonetic stage: unknown tokens that sound like, or are one slip away from, known ones.

The key is made for South African names, whose spellings vary by the orthography of five centuries; English keys lose them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

# In order: each pattern is rewritten before the next is looked at.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), sound)
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
MIN_KEY_LENGTH = 4
"""Letters a token needs before its sound is believed: shorter ones sound like too much."""
MIN_SLIP_LENGTH = 5
"""Letters a token needs before one slip is forgiven."""
MAX_DISTANCE = 2
"""Most slips (insert, delete, replace, swap) between tokens that sound alike."""


def sound_key(token: str) -> str:
    """Return how a folded token sounds: the same for spellings that people here confuse."""
    for pattern, sound in _RULES:
        token = pattern.sub(sound, token)
    return token


class PhoneticIndex:
    """Known tokens by sound and by what is left when one letter is taken out."""

    def __init__(self, tokens: Iterable[str]) -> None:
        """Index `tokens` (folded). Costs about 15 microseconds each."""
        self._by_sound: dict[str, list[str]] = defaultdict(list)
        self._by_rest: dict[str, list[str]] = defaultdict(list)
        for token in tokens:
            if len(token) >= MIN_KEY_LENGTH:
                self._by_sound[sound_key(token)].append(token)
                for rest in {token, *(token[:at] + token[at + 1 :] for at in range(len(token)))}:
                    self._by_rest[rest].append(token)

    def matches(self, token: str) -> list[str]:
        """Return the known tokens that an unknown one is most likely meant to be, nearest first; empty where none."""
        from rapidfuzz.distance import OSA

        if len(token) < MIN_KEY_LENGTH:
            return []
        candidates = set(self._by_sound.get(sound_key(token), ()))
        if len(token) >= MIN_SLIP_LENGTH:
            for rest in {token, *(token[:at] + token[at + 1 :] for at in range(len(token)))}:
                candidates.update(known for known in self._by_rest.get(rest, ()) if OSA.distance(token, known) == 1)
        near = [(OSA.distance(token, known, score_cutoff=MAX_DISTANCE), known) for known in candidates]
        near = [(distance, known) for distance, known in near if distance <= MAX_DISTANCE]
        nearest = min(near)[0] if near else 0
        return sorted(known for distance, known in near if distance == nearest)
