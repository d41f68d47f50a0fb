"""The lexicon as it is written: which origins a known name element points to. Reads `data/*.txt`; decides nothing.

A section `[kind language origin=share ... weight=w]` heads elements, separated by commas; `#` starts a comment. Variants of
an element are joined by `|`. What classifies is the compiled form, in knowledge.py.
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
SECTION_KINDS: dict[str, tuple[Kind, ...]] = {
    "surname": ("surname",),
    "given": ("given",),
    "particle": ("particle",),
    "both": ("surname", "given"),
    "clan": ("surname", "given"),
}
"""Kind of a section, and where its elements stand: a clan name is borne as a surname or as a second name."""
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

    @property
    def size(self) -> int:
        """Number of distinct elements: pairs of token and kind."""
        return sum(map(len, self.rows.values()))

    def tokens(self, kind: Kind) -> list[str]:
        """Return the tokens of one kind, sorted: the order does not depend on the files' order."""
        return sorted(self.rows[kind])


@dataclass(frozen=True)
class _Section:
    kinds: tuple[Kind, ...]
    language: str | None
    shares: tuple[float, ...]
    weight: float


def load_lexicon() -> Lexicon:
    """Read the package's data files. Raises `LeadScoutError` naming the file and line of an unusable section."""
    folder = files("leadscout_assets.names").joinpath("data")
    texts = {f.name: f.read_text("utf-8") for f in folder.iterdir() if f.name.endswith(".txt")}
    return parse_lexicon(dict(sorted(texts.items())))


def parse_lexicon(texts: dict[str, str]) -> Lexicon:
    """Parse lexicon files given by name; an element in several sections gets the mean of their shares, by weight."""
    found: dict[Kind, dict[str, list[int]]] = {kind: {} for kind in KINDS}
    sections: list[_Section] = []
    for name, text in texts.items():
        first = len(sections)
        for number, line in enumerate(text.splitlines(), 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            if line.startswith("["):
                sections.append(_section(line, f"{name}, line {number}"))
                continue
            if len(sections) == first:
                raise LeadScoutError(f"lexicon {name}, line {number}: elements before the first section; add a header")
            for variant in line.replace("|", ",").split(","):
                token = letters(variant)
                for kind in sections[-1].kinds if token else ():
                    found[kind].setdefault(token, []).append(len(sections) - 1)
    return _merged(found, sections)


def _section(line: str, place: str) -> _Section:
    words = line.strip("[]").split()
    try:
        shares = {origin: float(share) for origin, share in (word.split("=") for word in words[2:])}
    except ValueError:
        raise LeadScoutError(f"lexicon {place}: write each share as origin=number") from None
    weight = shares.pop("weight", 1.0)
    if (
        len(words) < 3
        or words[0] not in SECTION_KINDS
        or not set(shares) <= set(ORIGINS)
        or abs(sum(shares.values()) - 1) > 1e-6
        or weight <= 0
    ):
        raise LeadScoutError(
            f"lexicon {place}: write [kind language origin=share ...] with shares that sum to 1; "
            f"kinds are {', '.join(SECTION_KINDS)}"
        )
    language = None if words[1] == "other" else words[1]
    return _Section(SECTION_KINDS[words[0]], language, tuple(shares.get(origin, 0.0) for origin in ORIGINS), weight)


def _merged(found: dict[Kind, dict[str, list[int]]], sections: list[_Section]) -> Lexicon:
    distinct: dict[tuple[int, ...], int] = {}
    rows: dict[Kind, dict[str, int]] = {kind: {} for kind in KINDS}
    for kind in KINDS:
        for token in sorted(found[kind]):
            rows[kind][token] = distinct.setdefault(tuple(sorted(set(found[kind][token]))), len(distinct))
    shares = [
        np.average(
            [sections[place].shares for place in combination],
            axis=0,
            weights=[sections[place].weight for place in combination],
        )
        for combination in distinct
    ]
    languages = tuple(_language([sections[place].language for place in combination]) for combination in distinct)
    return Lexicon(rows, np.array(shares).reshape(-1, len(ORIGINS)), languages)


def _language(languages: list[str | None]) -> str | None:
    named = set(languages)
    if len(named) == 1:
        return languages[0]
    for family, members in LANGUAGE_FAMILIES.items():
        if named <= members:
            return family
    return None
