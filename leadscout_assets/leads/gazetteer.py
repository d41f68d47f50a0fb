"""What the country's place names and postcodes say: the data files read into look-up tables, and likeness of names.

How the cells of a row are weighed against each other belongs to places.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa

from leadscout_assets.leads.cleaning import data_lines

# Likeness (0..100, rapidfuzz ratio) from which a misspelt province counts, and by how much it must beat the next
# province: `WASTERN CAPE` is as like WESTERN CAPE as EASTERN CAPE and must tell nothing. Set on the spellings of the tests.
PROVINCE_LIKENESS = 82.0
PROVINCE_LEAD = 4.0
SHORTEST_LIKE_PROVINCE = 5
SHORTEST_LIKE_CITY = 6
_NO_NAME = re.compile(r"[^A-Z]+")
# The words of direction of both languages; each is swapped for the others of its row below.
_WAYS = (("NORTH", "EAST", "SOUTH", "WEST"), ("NOORD", "OOS", "SUID", "WES"))
_WAY = re.compile("|".join(way for ways in _WAYS for way in ways))
_FILLER = re.compile(r"PROVINCE|PROVINSIE|PROV\b|\bOF\b|SOUTH AFRICA|SUID[ -]AFRIKA|REPUBLIC|\bR\.?S\.?A\.?\b")


@dataclass(frozen=True)
class City:
    """A known place: how it is written, its province, its postcodes (inclusive; 0 and 0 where unsure).

    `province` is null where places of this name lie in several provinces.
    """

    name: str
    province: str | None
    lowest: int
    highest: int


def name_key(text: str) -> str:
    """Return the letters of a plain (capital, accent-free) text: what place names are compared by."""
    return _NO_NAME.sub("", text)


def without_fillers(text: str) -> str:
    """Return a plain text without words such as PROVINCE and SOUTH AFRICA."""
    return _FILLER.sub(" ", text)


def province_key(text: str) -> str:
    """Return `name_key` without words such as PROVINCE and SOUTH AFRICA."""
    return name_key(without_fillers(text))


def directions(key: str) -> frozenset[int]:
    """Return the directions that a key names in English or Afrikaans, 0 to 3 clockwise from the north."""
    return frozenset(next(w.index(way) for w in _WAYS if way in w) for way in _WAY.findall(key))


@lru_cache(maxsize=1)
def _forms() -> list[tuple[str, str, bool]]:
    """Return key and province of each known form of a province's name, and whether it must be the whole cell."""
    lines = (line.split(",") for line in data_lines("provinces.csv"))
    return [(name_key(form), code, bool(whole)) for form, code, *whole in lines]


@lru_cache(maxsize=1)
def provinces() -> dict[str, str]:
    """Return the province code of each known form of a province's name."""
    return {key: code for key, code, _ in _forms()}


@lru_cache(maxsize=1)
def abbreviations() -> frozenset[str]:
    """Return the forms that name a province only where nothing else stands in the cell."""
    return frozenset(key for key, _, whole in _forms() if whole)


@lru_cache(maxsize=1)
def _likened() -> dict[str, str | None]:
    """Return the forms that misspelt keys are compared with, and those forms with another direction, which are no
    province: `SOTHERN CAPE` is nearest to what is none, and `NORTH EAST` is no slip of NORTH WEST.
    """
    known = {key: code for key, code in provinces().items() if len(key) >= SHORTEST_LIKE_PROVINCE}
    told: dict[str, str | None] = {key: code for key, code in known.items() if key not in abbreviations()}
    turned = {
        key[: found.start()] + way + key[found.end() :]
        for key in told
        for found in _WAY.finditer(key)
        for ways in _WAYS
        if found.group() in ways
        for way in ways
    }
    return told | dict.fromkeys(turned - set(provinces()))


@lru_cache(maxsize=1)
def cities() -> dict[str, City]:
    """Return each known city by its key; one that lies in several provinces comes without province and postcodes."""
    found: dict[str, City] = {}
    for line in data_lines("cities.csv"):
        name, province, lowest, highest = line.split(",")
        form, _, shown = name.partition("=")
        city = City(shown or form, province or None, int(lowest or 0), int(highest or 0))
        key = name_key(form.upper())
        if key in found and found[key].province != city.province:
            city = City(city.name, None, 0, 0)
        found[key] = city
    return found


@lru_cache(maxsize=1)
def postcode_provinces() -> pa.Array:
    """Return 10,000 province codes, by postcode; null where a postcode is of no one province."""
    table: list[str | None] = [None] * 10_000
    for line in data_lines("postcodes.csv"):
        lowest, highest, province = line.split(",")
        table[int(lowest) : int(highest) + 1] = [province] * (int(highest) - int(lowest) + 1)
    return pa.array(table, pa.string())


@lru_cache(maxsize=1)
def _cities_with_a_letter_less() -> dict[str, set[str]]:
    index: dict[str, set[str]] = {}
    for key in cities():
        if len(key) >= SHORTEST_LIKE_CITY:
            for shorter in {key, *_letter_less(key)}:
                index.setdefault(shorter, set()).add(key)
    return index


@lru_cache(maxsize=1)
def _longest_city() -> int:
    return max(map(len, cities()))


def _letter_less(key: str) -> list[str]:
    return [key[:i] + key[i + 1 :] for i in range(len(key))]


def city_like(key: str) -> City | None:
    """Return the one known city that is a slip of one letter away (missing, surplus, wrong or swapped), else null.

    Cities of several provinces that are equally near tell nothing. Cost does not grow with the number of cities, so
    that a million distinct spellings can be asked.
    """
    index = _cities_with_a_letter_less()
    # Leaving each letter out of a long text in turn would take its length squared, in memory too.
    if not SHORTEST_LIKE_CITY <= len(key) <= _longest_city() + 1:
        return None
    near = {hit for shorter in (key, *_letter_less(key)) for hit in index.get(shorter, ())}
    known = [cities()[hit] for hit in sorted(near)]
    return known[0] if len({city.province for city in known}) == 1 else None


def province_like(key: str) -> str | None:
    """Return the province whose name a misspelt key resembles, or that it holds whole; null where none stands out."""
    if len(key) < SHORTEST_LIKE_PROVINCE:
        return None
    from rapidfuzz.fuzz import ratio
    from rapidfuzz.process import extract

    forms = _likened()
    held = {code for form, code in forms.items() if code and len(form) > SHORTEST_LIKE_PROVINCE and form in key}
    if len(held) == 1:
        return held.pop()
    like = extract(key, list(forms), scorer=ratio, score_cutoff=PROVINCE_LIKENESS - PROVINCE_LEAD, limit=None)
    if not like or like[0][1] < PROVINCE_LIKENESS or not directions(key) <= directions(like[0][0]):
        return None
    code = forms[like[0][0]]
    second = max((value for form, value, _ in like if forms[form] != code), default=0.0)
    return code if like[0][1] - second >= PROVINCE_LEAD else None
