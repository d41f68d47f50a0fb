"""The lexicon: which origins a known name element points to. Reads `data/*.txt`; decides nothing.

A section `[kind language origin=share ...]` heads lines of elements, separated by commas; `#` starts a comment.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from leadscout_assets.errors import LeadScoutError
from leadscout_assets.names.folding import letters
from leadscout_assets.terms import Origin

Kind = Literal["surname", "given", "particle"]
KINDS: tuple[Kind, ...] = ("surname", "given", "particle")
ORIGINS: tuple[str, ...] = tuple(origin.value for origin in Origin)
"""Order of the origins in every array of six."""

LANGUAGE_FAMILIES: dict[str, frozenset[str]] = {
    "nguni": frozenset(("isizulu", "isixhosa", "siswati", "isindebele", "nguni")),
    "sotho_tswana": frozenset(("sesotho", "setswana", "sepedi", "sotho_tswana")),
    "mandarin_cantonese": frozenset(("mandarin", "cantonese")),
    "other_indian": frozenset(("tamil", "telugu", "hindi", "gujarati", "other_indian")),
}
"""What is answered for an element that several languages share; other mixtures have no language."""


@dataclass(frozen=True)
class Lexicon:
    """Elements by kind and token; shares[row] holds the share of each of `ORIGINS`, summing to 1."""

    rows: dict[Kind, dict[str, int]]
    shares: NDArray[np.float64]
    languages: tuple[str | None, ...]
    source: bytes

    @property
    def size(self) -> int:
        """Number of distinct elements: pairs of token and kind."""
        return sum(map(len, self.rows.values()))

    def tokens(self, kind: Kind) -> list[str]:
        """Return the tokens of one kind, sorted: the order does not depend on the files' order."""
        return sorted(self.rows[kind])


def load_lexicon() -> Lexicon:
    """Read the package's data files. Raises `LeadScoutError` naming the file and line of an unusable section."""
    folder = files("leadscout_assets.names").joinpath("data")
    texts = {f.name: f.read_text("utf-8") for f in folder.iterdir() if f.name.endswith(".txt")}
    return parse_lexicon(dict(sorted(texts.items())))


def parse_lexicon(texts: dict[str, str]) -> Lexicon:
    """Parse lexicon files given by name; an element in several sections gets the mean of their shares."""
    found: dict[Kind, dict[str, list[int]]] = {kind: {} for kind in KINDS}
    sections: list[tuple[list[float], str | None]] = []
    for name, text in texts.items():
        kind: Kind | None = None
        for number, line in enumerate(text.splitlines(), 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            if line.startswith("["):
                kind, language, shares = _section(line, f"{name}, line {number}")
                sections.append((shares, language))
                continue
            if kind is None:
                raise LeadScoutError(f"lexicon {name}, line {number}: elements before the first section; add a header")
            here = found[kind]
            for element in line.split(","):
                token = letters(element)
                if token:
                    here.setdefault(token, []).append(len(sections) - 1)
    return _merged(found, sections, "\n".join(texts.values()).encode())


def _section(line: str, place: str) -> tuple[Kind, str | None, list[float]]:
    words = line.strip("[]").split()
    kinds = {kind: kind for kind in KINDS}
    try:
        shares = {origin: float(share) for origin, share in (word.split("=") for word in words[2:])}
    except ValueError:
        raise LeadScoutError(f"lexicon {place}: write each share as origin=number") from None
    if (
        len(words) < 3
        or words[0] not in kinds
        or not set(shares) <= set(ORIGINS)
        or abs(sum(shares.values()) - 1) > 1e-6
    ):
        raise LeadScoutError(f"lexicon {place}: write [kind language origin=share ...] with shares that sum to 1")
    return kinds[words[0]], None if words[1] == "other" else words[1], [shares.get(origin, 0.0) for origin in ORIGINS]


def _merged(
    found: dict[Kind, dict[str, list[int]]], sections: list[tuple[list[float], str | None]], source: bytes
) -> Lexicon:
    distinct: dict[tuple[int, ...], int] = {}
    rows: dict[Kind, dict[str, int]] = {kind: {} for kind in KINDS}
    for kind, tokens in found.items():
        for token, places in tokens.items():
            combination = tuple(sorted(set(places)))
            rows[kind][token] = distinct.setdefault(combination, len(distinct))
    shares = [np.mean([sections[place][0] for place in combination], axis=0) for combination in distinct]
    languages = tuple(_language([sections[place][1] for place in combination]) for combination in distinct)
    return Lexicon(rows, np.array(shares).reshape(-1, len(ORIGINS)), languages, source)


def _language(languages: list[str | None]) -> str | None:
    named = set(languages)
    if len(named) == 1:
        return languages[0]
    for family, members in LANGUAGE_FAMILIES.items():
        if named <= members:
            return family
    return None
