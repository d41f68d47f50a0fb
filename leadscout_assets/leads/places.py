"""Address, city and province cells to a city, a province and a postcode, and what is wrong with them.

What place names and postcodes mean stands in gazetteer.py and its data files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.leads.cleaning import distinct, over_distinct, plain, said, said_values
from leadscout_assets.leads.gazetteer import (
    cities,
    city_like,
    name_key,
    postcode_provinces,
    province_key,
    province_like,
    provinces,
)
from leadscout_assets.terms import Province

# A postcode in an address is its last number of four digits, neither at its start (a street number) nor after one of
# these words, nor before the name of a street.
_BOX = r"(?:BOX|BUS|POSBUS|BAG|SAK|PRIVAATSAK|SUITE|UNIT|EENHEID|STAND|ERF|PLOT|LOT|FARM|PLAAS|NO|NR|NUMBER|HOUSE|FLAT|SHOP|WINKEL|EXT|EXTENSION|UITBREIDING|SECTION|ZONE|PHASE|BLOCK|ROOM|HUIS)"
_STREET = r"(?:STREET|STR|ST|ROAD|RD|AVENUE|AVE|AV|DRIVE|DR|LANE|LN|CRESCENT|CRES|CLOSE|WAY|BOULEVARD|STRAAT|WEG|LAAN|RYLAAN|SINGEL|SECTION|EXT|EXTENSION)"
_ADDRESS_CODE = r"^(?P<before>.*[\s,;.\-])(?P<code>\d{4})(?P<after>(?:[\s,;.]+[^\d]*)?)$"
_ADDRESS_SHORT_CODE = r"[,;]\s*(?P<short>\d{1,3})[\s.,;]*$"
_ADDRESS_LAST_NAME = r"(?:^|,)\s*(?P<last>[^,\d]+?)[\s,;.]*(?:\d{1,4})?[\s,;.]*$"

_CODE_IN_CELL = re.compile(r"(?:^|[\s,;(\-])(\d{4})(?:\.0+)?(?=$|[\s,;)])", re.ASCII)
_DIGITS_ONLY = re.compile(r"^[\d\s.,]+$", re.ASCII)
_NO_PLACE = frozenset(
    {"SOUTHAFRICA", "SUIDAFRIKA", "RSA", "SA", "ZA", "ZAF", "REPUBLICOFSOUTHAFRICA", "OTHER", "ANDER"}
)
_SMALL_WORDS = frozenset({"on", "of", "the", "aan", "van", "de", "der", "die", "en", "and", "sur", "by"})


_TELLING = ("province", "city_province")
"""What of a place tells a province: all that do are held against each other, also those that are outweighed."""


@dataclass(frozen=True)
class Place:
    """What one city or province cell says. `code` is a postcode of four digits, `short` one of one to three."""

    province: str | None = None
    city: str | None = None
    city_province: str | None = None
    lowest: int = 0
    highest: int = 0
    code: str | None = None
    short: str | None = None
    digits_only: bool = False


_PLACE_SCHEMA = pa.schema(
    [
        ("province", pa.string()),
        ("city", pa.string()),
        ("city_province", pa.string()),
        ("lowest", pa.int32()),
        ("highest", pa.int32()),
        ("code", pa.string()),
        ("short", pa.string()),
        ("digits_only", pa.bool_()),
    ]
)


def resolve_places(
    address: pa.Array | pa.ChunkedArray, city: pa.Array | pa.ChunkedArray, province: pa.Array | pa.ChunkedArray
) -> pa.Table:
    """Return one row per lead: where it is, and what was wrong with the cells that say so.

    Columns: `address`, `city`, `province` (a `terms.Province`, never null), `postal_code` (four digits), and as bool
    `city_unusable`, `province_unknown`, `province_disagrees`, `postal_code_unusable`, `postal_code_repaired`.

    The province comes from its own spelling (in its cell, else in the city's), else from the city (its cell, else
    the province's cell), else from the postcode, else from the name at the end of the address, which is often a suburb's
    and counts as no disagreement.
    """
    street = said(address)
    in_city = _places_in(city, province_cell=False)
    in_province = _places_in(province, province_cell=True)
    cells = (in_city, in_province)
    spelling = pc.coalesce(in_province["province"], in_city["province"])
    town = pc.coalesce(in_city["city_province"], in_province["city_province"])
    codes = _postal_codes(street, in_city, in_province, pc.coalesce(spelling, town))
    by_code = pc.if_else(codes["in_city_range"], pa.scalar(None, pa.string()), codes["province"])
    told = pc.coalesce(spelling, town, codes["province"])
    told = pc.coalesce(told, _province_at_end(pc.if_else(pc.is_null(told), street, pa.scalar(None, pa.string()))))
    city_name = pc.coalesce(in_city["city"], in_province["city"])
    blank = pc.is_null(said(city))
    return pa.table(
        {
            "address": street,
            "city": city_name,
            "province": pc.fill_null(told, Province.UNKNOWN.value),
            "postal_code": codes["postal_code"],
            "city_unusable": pc.and_(pc.is_null(in_city["city"]), pc.invert(blank)),
            "province_unknown": pc.is_null(told),
            "province_disagrees": _any_differ(*(place[what] for place in cells for what in _TELLING), by_code),
            "postal_code_unusable": pc.and_(
                pc.is_null(codes["postal_code"]),
                pc.or_(_true(in_city["digits_only"]), _true(in_province["digits_only"])),
            ),
            "postal_code_repaired": codes["repaired"],
        }
    )


def read_place(text: str, *, province_cell: bool) -> Place:
    """Read one plain (capital, accent-free) city or province cell: a city, a province, a postcode, or several of them."""
    if _DIGITS_ONLY.match(text):
        digits = re.sub(r"\.0+$", "", text.strip()).replace(" ", "")
        code = digits if re.fullmatch(r"[0-9]{4}", digits) and digits != "0000" else None
        short = digits if re.fullmatch(r"[1-9][0-9]{0,2}", digits) else None
        return Place(code=code, short=short, digits_only=True)
    code_in_cell = _CODE_IN_CELL.search(text)
    code = code_in_cell.group(1) if code_in_cell else None
    whole = _read_name(text, province_cell=province_cell)
    if whole.city_province or whole.province:
        return _with_code(whole, code)
    parts = [_read_name(part, province_cell=province_cell) for part in re.split(r"[,;/]", text)]
    parts = [part for part in parts if part.city or part.province]
    province = next((p.province for p in parts if p.province), None)
    known = next((p for p in parts if p.city_province), next((p for p in parts if p.city), Place()))
    return Place(province, known.city, known.city_province, known.lowest, known.highest, code)


def _with_code(place: Place, code: str | None) -> Place:
    return Place(place.province, place.city, place.city_province, place.lowest, place.highest, code)


def _read_name(text: str, *, province_cell: bool) -> Place:
    key, spelling = name_key(text), province_key(text)
    if not key or key in _NO_PLACE:
        return Place()
    province = provinces().get(key) or provinces().get(spelling)
    city = cities().get(key)
    if province and (province_cell or not city):
        return Place(province=province)
    if not city and (code := province_like(spelling) if province_cell else _spelled_like(spelling)):
        return Place(province=code)
    near = city or city_like(key)
    if near:
        name = near.name if city else title_case(text)
        return Place(None, name, near.province, near.lowest, near.highest)
    return Place() if province_cell else Place(city=title_case(text))


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


def _places_in(column: pa.Array | pa.ChunkedArray, *, province_cell: bool) -> dict[str, pa.Array]:
    values, at = distinct(over_distinct(column, lambda texts: plain(said_values(texts))))
    rows = [vars(read_place(text, province_cell=province_cell)) for text in values.to_pylist()]
    places = pa.Table.from_pylist(rows, schema=_PLACE_SCHEMA).take(at)
    return {name: places[name].combine_chunks() for name in places.column_names}


def _province_at_end(address: pa.Array) -> pa.Array:
    last = pc.struct_field(pc.extract_regex(plain(address), _ADDRESS_LAST_NAME), "last")
    values, at = distinct(last)
    return pa.array([_province_of_known_name(name) for name in values.to_pylist()], pa.string()).take(at)


def _province_of_known_name(name: str) -> str | None:
    # Exactly a known name, and no abbreviation: anything may stand at the end of an address.
    key = name_key(name)
    if len(key) <= 3:
        return None
    city = cities().get(key)
    return provinces().get(province_key(name)) or (city.province if city else None)


def _postal_codes(
    address: pa.Array, in_city: dict[str, pa.Array], in_province: dict[str, pa.Array], known: pa.Array
) -> dict[str, pa.Array]:
    code = pc.coalesce(_code_in_address(address), in_city["code"], in_province["code"])
    short_in_address = pc.struct_field(pc.extract_regex(address, _ADDRESS_SHORT_CODE), "short")
    short_in_cell = pc.coalesce(in_city["short"], in_province["short"])
    lost = pc.utf8_lpad(pc.coalesce(short_in_cell, short_in_address), 4, "0")
    at_home = _in_city_range(lost, in_city, in_province)
    # Three digits that the place does not contradict; fewer only where they are one of the city's own postcodes.
    three = pc.match_substring_regex(lost, r"^0[1-9]\d\d$")
    lost_province = _province_of_code(lost)
    agrees = pc.fill_null(pc.equal(lost_province, known), False)
    untold = pc.and_(pc.is_valid(short_in_cell), pc.and_(pc.is_null(known), pc.is_valid(lost_province)))
    plausible = pc.or_(at_home, pc.and_(_true(three), pc.or_(agrees, untold)))
    repaired = pc.and_(pc.is_null(code), plausible)
    postal_code = pc.coalesce(code, pc.if_else(plausible, lost, pa.scalar(None, pa.string())))
    return {
        "postal_code": postal_code,
        "repaired": repaired,
        "province": _province_of_code(postal_code),
        "in_city_range": _in_city_range(postal_code, in_city, in_province),
    }


def _code_in_address(address: pa.Array) -> pa.Array:
    parts = pc.extract_regex(address, _ADDRESS_CODE)
    code = pc.struct_field(parts, "code")
    boxed = pc.match_substring_regex(pc.struct_field(parts, "before"), rf"\b{_BOX}[\s.:#,]*$", ignore_case=True)
    street = pc.match_substring_regex(pc.struct_field(parts, "after"), rf"\b{_STREET}\b", ignore_case=True)
    wrong = pc.or_(pc.or_(boxed, street), pc.equal(code, "0000"))
    return pc.if_else(wrong, pa.scalar(None, pa.string()), code)


def _province_of_code(code: pa.Array) -> pa.Array:
    return postcode_provinces().take(code.cast(pa.int32()))


def _in_city_range(code: pa.Array, in_city: dict[str, pa.Array], in_province: dict[str, pa.Array]) -> pa.Array:
    number = code.cast(pa.int32())
    inside = pa.scalar(False)
    for place in (in_city, in_province):
        low = pc.if_else(pc.equal(place["lowest"], 0), pa.scalar(None, pa.int32()), place["lowest"])
        within = pc.and_(pc.greater_equal(number, low), pc.less_equal(number, place["highest"]))
        inside = pc.or_(inside, _true(within))
    return inside


def _any_differ(*columns: pa.Array) -> pa.Array:
    first, differ = pc.coalesce(*columns), pa.scalar(False)
    for column in columns:
        differ = pc.or_(differ, _true(pc.not_equal(column, first)))
    return differ


def _true(mask: pa.Array) -> pa.Array:
    return pc.fill_null(mask, False)
