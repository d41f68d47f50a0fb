"""Postcodes out of addresses and cells, with the leading zeros that a number format took put back.

Which province a postcode is of says gazetteer.py; what a cell holds, place_cells.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.leads.cleaning import distinct, plain
from leadscout_assets.leads.gazetteer import City, cities, name_key, postcode_provinces
from leadscout_assets.leads.place_cells import BEFORE_NUMBERS

Cells = Mapping[str, pa.Array]
"""The fields of `place_cells.Place`, one array per field."""

# A postcode in an address is its last number of four digits, neither at its start (a street number) nor after one of
# BEFORE_NUMBERS, nor before the name of a street.
_STREET = r"(?:STREET|STR|ST|ROAD|RD|AVENUE|AVE|AV|DRIVE|DR|LANE|LN|CRESCENT|CRES|CLOSE|WAY|BOULEVARD|STRAAT|WEG|LAAN|RYLAAN|SINGEL|SECTION|EXT|EXTENSION)"
_CODE = r"^(?P<before>.*[\s,;.\-(\[])(?P<code>\d{4})(?P<after>(?:[\s,;.)\]]+[^\d]*)?)$"
_ENDS_SHORT = r"[\s,;(\[]\d{1,3}[\s.,;)\]]*$"
_SHORT = r"(?P<name>[^,;\d]*)(?P<between>[\s,;(\[]+)(?P<short>\d{1,3})[\s.,;)\]]*$"
_MOST_WORDS = 4  # of a city's name
_FIRST_WITHOUT_ZERO = 1000
_NOTHING = pa.scalar(None, pa.string())
_CITY = pa.schema([("city_province", pa.string()), ("lowest", pa.int32()), ("highest", pa.int32())])


def postal_codes(address: pa.Array, cells: Sequence[Cells], known: pa.Array) -> dict[str, pa.Array]:
    """Return for each row `postal_code` (four digits), whether it was `repaired`, its `province`, and as bool
    `in_city_range`: whether a city of the row's cells has it.

    `known` is the province of each row as far as it is told without postcodes. Digits that lost their zeros count only
    where they are a postcode of that province or of the city that they stand behind.
    """
    in_address = _code_in_address(address)
    code = pc.coalesce(in_address, *(cell["code"] for cell in cells))
    lost = _short_in_cells(cells, known)
    lost = pc.coalesce(lost, _short_in_address(pc.if_else(pc.is_null(code), address, _NOTHING), cells, known))
    postal_code = pc.coalesce(code, lost)
    return {
        "postal_code": postal_code,
        "repaired": pc.and_(pc.is_null(code), pc.is_valid(lost)),
        "province": _province_of(postal_code),
        "in_city_range": _in_range(postal_code, cells),
    }


def _code_in_address(address: pa.Array) -> pa.Array:
    parts = pc.extract_regex(address, _CODE)
    code = pc.struct_field(parts, "code")
    before, after = pc.struct_field(parts, "before"), pc.struct_field(parts, "after")
    numbered = pc.match_substring_regex(before, rf"\b{BEFORE_NUMBERS}[\s.:#,(\[]*$", ignore_case=True)
    street = pc.match_substring_regex(after, rf"\b{_STREET}\b", ignore_case=True)
    wrong = pc.or_(pc.or_(numbered, street), pc.equal(code, "0000"))
    return pc.if_else(wrong, _NOTHING, code)


def _short_in_cells(cells: Sequence[Cells], known: pa.Array) -> pa.Array:
    found: list[pa.Array] = [pa.nulls(len(known), pa.string())]
    for cell in cells:
        if cell["short"].null_count == len(known):
            continue
        lost = pc.utf8_lpad(cell["short"], 4, "0")
        # With no name beside it, the number may tell the province itself.
        untold = pc.and_(pc.is_null(known), pc.is_valid(_province_of(lost)))
        alone = pc.and_(_true(cell["digits_only"]), pc.and_(_three(lost), pc.or_(_agrees(lost, known), untold)))
        borne_out = pc.or_(_in_range(lost, cells), pc.or_(alone, _like_the_towns(lost, cell, known)))
        found.append(pc.if_else(borne_out, lost, _NOTHING))
    return pc.coalesce(*found)


def _short_in_address(address: pa.Array, cells: Sequence[Cells], known: pa.Array) -> pa.Array:
    """Return the repaired postcodes at the end of addresses: behind a comma where the row's place bears them out, else
    only behind the name of a known city, or a house number (`LONG STREET 700`) would become one.
    """
    ends_short = np.asarray(_true(pc.match_substring_regex(address, _ENDS_SHORT)))
    repaired = pa.nulls(len(address), pa.string())
    if not ends_short.any():
        return repaired
    at = pa.array(np.flatnonzero(ends_short))
    parts = pc.extract_regex(plain(address.take(at)), _SHORT)
    own = [{name: cell[name].take(at) for name in ("lowest", "highest")} for cell in cells]
    told = known.take(at)
    lost = pc.utf8_lpad(pc.struct_field(parts, "short"), 4, "0")
    here = _in_range(lost, own)
    set_off = pc.match_substring_regex(pc.struct_field(parts, "between"), "[,;]")
    city = _city_at_end(pc.struct_field(parts, "name"))
    behind_city = pc.or_(_in_range(lost, [city]), _like_the_towns(lost, city, city["city_province"]))
    contradicted = _true(pc.not_equal(_province_of(lost), told))
    borne_out = pc.or_(
        pc.and_(set_off, pc.or_(here, pc.and_(_three(lost), _agrees(lost, told)))),
        pc.and_(behind_city, pc.or_(here, pc.invert(contradicted))),
    )
    return pc.replace_with_mask(repaired, pa.array(ends_short), pc.if_else(_true(borne_out), lost, _NOTHING))


def _city_at_end(names: pa.Array) -> Cells:
    values, at = distinct(names)
    found = [_known_at_end(name) for name in values.to_pylist()]
    rows = [{"city_province": c.province, "lowest": c.lowest, "highest": c.highest} for c in found]
    table = pa.Table.from_pylist(rows, schema=_CITY).take(at)
    return {name: table[name].combine_chunks() for name in table.column_names}


def _known_at_end(name: str) -> City:
    words = name.split()[-_MOST_WORDS:]
    keys = (name_key("".join(words[first:])) for first in range(len(words)))
    return next((cities()[key] for key in keys if key in cities()), City("", None, 0, 0))


def _like_the_towns(lost: pa.Array, town: Cells, province: pa.Array) -> pa.Array:
    """Tell of each code behind a name whether it is one of the province, and the town's own are not without a zero:
    `KATLEHONG 157` is no 0157, as 0157 is far from there."""
    zeros = pc.less(town["lowest"], _FIRST_WITHOUT_ZERO)
    return pc.and_(_three(lost), pc.and_(_agrees(lost, province), _true(zeros)))


def _agrees(lost: pa.Array, province: pa.Array) -> pa.Array:
    return _true(pc.equal(_province_of(lost), province))


def _three(lost: pa.Array) -> pa.Array:
    return _true(pc.match_substring_regex(lost, r"^0[1-9]\d\d$"))


def _province_of(code: pa.Array) -> pa.Array:
    return postcode_provinces().take(code.cast(pa.int32()))


def _in_range(code: pa.Array, cells: Sequence[Cells]) -> pa.Array:
    number = code.cast(pa.int32())
    inside = pa.scalar(False)
    for cell in cells:
        low = pc.if_else(pc.equal(cell["lowest"], 0), pa.scalar(None, pa.int32()), cell["lowest"])
        within = pc.and_(pc.greater_equal(number, low), pc.less_equal(number, cell["highest"]))
        inside = pc.or_(inside, _true(within))
    return inside


def _true(mask: pa.Array) -> pa.Array:
    return pc.fill_null(mask, False)
