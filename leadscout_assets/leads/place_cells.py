"""One city or province cell to what it says: a city, provinces, a postcode, or several of them.

Works on one distinct text. How the cells of a row are weighed against each other belongs to places.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from leadscout_assets.leads.gazetteer import (
    City,
    abbreviations,
    cities,
    city_like,
    directions,
    name_key,
    province_key,
    province_like,
    provinces,
    without_fillers,
)
from leadscout_assets.terms import Province

BEFORE_NUMBERS = r"(?:BOX|BUS|POSBUS|BAG|SAK|PRIVAATSAK|SUITE|UNIT|EENHEID|STAND|ERF|PLOT|LOT|FARM|PLAAS|NO|NR|NUMBER|HOUSE|FLAT|SHOP|WINKEL|EXT|EXTENSION|UITBREIDING|SECTION|ZONE|PHASE|BLOCK|ROOM|HUIS)"
"""A word that a number belongs to, which is then no postcode."""

_CODE_IN_CELL = re.compile(r"(?:^|[\s,;(\[\-])(\d{4})(?:\.0+)?(?=$|[\s,;)\]])", re.ASCII)
# What a code is that lost its zeros, at the end of the cell. `PHASE 2` and `EXT 12` are looked at first.
_SHORT_AT_END = re.compile(r"(?:^|[\s,;(\[])([1-9]\d{0,2})(?:\.0+)?[\s.,;)\]]*$", re.ASCII)
_NUMBERED = re.compile(rf"\b{BEFORE_NUMBERS}[\s.:#,(\[]*$")
_DIGITS_ONLY = re.compile(r"^(?=.*\d)[\d\s.,()\[\]]+$", re.ASCII)
_BRACKETS = re.compile(r"[()\[\]]")
_SEPARATOR = re.compile(r"[,;/()\[\]|]| - ")
_WORD = re.compile(r"[A-Z]+")
_NO_PLACE = frozenset(
    {"SOUTHAFRICA", "SUIDAFRIKA", "RSA", "SA", "ZA", "ZAF", "REPUBLICOFSOUTHAFRICA", "OTHER", "ANDER"}
)
_SMALL_WORDS = frozenset({"on", "of", "the", "aan", "van", "de", "der", "die", "en", "and", "sur", "by"})
# `OFFICE PARK EC` and `CENTRE MP` are no provinces: two letters behind an unknown name say nothing.
_SHORTEST_BEHIND_UNKNOWN = 3
_LONGEST = 100


@dataclass(frozen=True)
class Place:
    """What one city or province cell says. `code` is a postcode of four digits, `short` one of one to three.

    `other` is a second province, where the parts of the cell name or lie in different ones.
    """

    province: str | None = None
    other: str | None = None
    city: str | None = None
    city_province: str | None = None
    lowest: int = 0
    highest: int = 0
    code: str | None = None
    short: str | None = None
    digits_only: bool = False


def read_place(text: str, *, province_cell: bool) -> Place:
    """Read one plain (capital, accent-free) city or province cell: a city, a province, a postcode, or several of them."""
    if _DIGITS_ONLY.match(text):
        digits = re.sub(r"\.0+$", "", _BRACKETS.sub(" ", text).strip()).replace(" ", "")
        code = digits if re.fullmatch(r"[0-9]{4}", digits) and digits != "0000" else None
        short = digits if re.fullmatch(r"[1-9][0-9]{0,2}", digits) else None
        return Place(code=code, short=short, digits_only=True)
    place = _read_names(text, province_cell=province_cell)
    if found := _CODE_IN_CELL.search(text):
        return replace(place, code=found.group(1))
    end = _SHORT_AT_END.search(text)
    return replace(place, short=end.group(1)) if end and not _NUMBERED.search(text[: end.start(1)]) else place


def _read_names(text: str, *, province_cell: bool) -> Place:
    whole = _known(text, province_cell=province_cell)
    if whole:
        return whole
    parts = _SEPARATOR.split(text)
    if len(parts) == 1:
        return _read_part(text, province_cell=province_cell)
    # A province taken apart is no city and a province: `EASTEN - CAPE`.
    read = [_read_part(part, province_cell=province_cell) for part in parts]
    told = _together(read)
    if told.province or told.city_province:
        return told
    alike = _read_part(text, province_cell=province_cell)
    return alike if alike.province or alike.city_province else told


def _known(text: str, *, province_cell: bool) -> Place | None:
    """Return what exactly this name is known for; null where it is not known, nothing told where it is no place."""
    key, spelling = name_key(text), province_key(text)
    if not key or key in _NO_PLACE:
        return Place()
    province = provinces().get(key) or provinces().get(spelling)
    city = cities().get(key)
    if province and (province_cell or not city):
        return Place(province=province)
    return _of_city(city, city.name) if city else None


def _of_city(city: City, name: str | None) -> Place:
    return Place(city=name, city_province=city.province, lowest=city.lowest, highest=city.highest)


def _read_part(text: str, *, province_cell: bool) -> Place:
    """Read what no comma divides: a name, a city with its province behind it, or a name like a known one."""
    if known := _known(text, province_cell=province_cell):
        return known
    if joined := _city_and_province(text, province_cell=province_cell):
        return joined
    key, spelling = name_key(text), province_key(text)
    if code := province_like(spelling) if province_cell else _spelled_like(spelling):
        return Place(province=code)
    if near := city_like(key):
        return _of_city(near, title_case(text))
    return Place() if province_cell else Place(city=title_case(text))


def _city_and_province(text: str, *, province_cell: bool) -> Place | None:
    """Read `DURBAN KWAZULU-NATAL` and `GAUTENG JOHANNESBURG`; null where no province stands at either end."""
    for left, right in _divided(without_fillers(text)):
        start, key = name_key(left), name_key(right)
        before, after, first = cities().get(start), cities().get(key), provinces().get(start)
        code = None if key in abbreviations() else provinces().get(key)
        if code and first:
            return _together([Place(province=first), Place(province=code)])
        if code and before:
            # `DURBAN NORTH WEST` is a part of the city, not the one province that is called by a direction.
            part_of_city = code == Province.NORTH_WEST and directions(key) and before.province != code
            return _of_city(before, title_case(text)) if part_of_city else _with_province(before, code)
        # `NORTH WESTERN CAPE` is no place in the Western Cape.
        turned = directions(left.split()[-1]) and directions(right.split()[0])
        if code and len(key) >= _SHORTEST_BEHIND_UNKNOWN and not turned:
            return _together(
                [Place() if province_cell else _read_part(left, province_cell=False), Place(province=code)]
            )
        if first and after:
            return _with_province(after, first)
    for left, right in reversed(list(_divided(text))):
        if (city := cities().get(name_key(left))) and (code := province_like(province_key(right))):
            return _with_province(city, code)
    return None


def _with_province(city: City, code: str) -> Place:
    return _together([_of_city(city, city.name), Place(province=code)])


def _divided(text: str) -> Iterator[tuple[str, str]]:
    """Yield the text in two, between each of its words, the longest second part first; no long text, which is no place."""
    words = list(_WORD.finditer(text[:_LONGEST]))
    for word in words[1:] if len(text) <= _LONGEST else ():
        yield text[: word.start()], text[word.start() :]


def _together(parts: Sequence[Place]) -> Place:
    """Return the first province and the first known city of several parts, and the first province beside them."""
    told = [p.province for p in parts if p.province]
    known = next((p for p in parts if p.city_province), next((p for p in parts if p.city), Place()))
    all_told = [*told, *(p.other for p in parts if p.other), *(p.city_province for p in parts if p.city_province)]
    first = told[0] if told else known.city_province
    other = next((code for code in all_told if code not in (first, known.city_province)), None)
    return replace(known, province=told[0] if told else None, other=other)


def _spelled_like(spelling: str) -> str | None:
    # A city cell holds a province now and then, a city nearly always: only ask for likeness where a word of a
    # province is in it, or every unknown village would be compared with all provinces.
    words = ("KAAP", "CAPE", "NATAL", "STATE", "STAAT", "GAUTENG", "LIMPOPO", "MPUMAL", "NORTHWES", "NOORDWES")
    return province_like(spelling) if any(word in spelling for word in words) and len(spelling) > 8 else None


def title_case(text: str) -> str | None:
    """Return a place name in title case without digits: `ST. HELENA-BAAI 7390` becomes `St. Helena-Baai`."""
    text = re.sub(r"\s+", " ", re.sub(r"[\d#*()\[\]\"|\\_]+", " ", text)).strip(" ,;.-/'")
    words = [word.lower() for word in text.split(" ")]
    shown = [
        w if i and w in _SMALL_WORDS else "-".join(p[:1].upper() + p[1:] for p in w.split("-"))
        for i, w in enumerate(words)
    ]
    return " ".join(shown) if re.search(r"[^\W\d_]{2}", text) else None
