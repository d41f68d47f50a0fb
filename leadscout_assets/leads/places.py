"""Address, city and province columns to a city, a province and a postcode for each row, and what is wrong with them.

What one cell says is place_cells.py's, postcodes are postcodes.py's, what place names mean stands in gazetteer.py.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets.leads.cleaning import distinct, over_distinct, plain, said, said_values
from leadscout_assets.leads.gazetteer import cities, name_key, province_key, provinces
from leadscout_assets.leads.place_cells import read_place
from leadscout_assets.leads.postcodes import postal_codes
from leadscout_assets.terms import Province

_LAST_NAME = r"(?:^|,)\s*(?P<last>[^,\d]+?)[\s,;.(\[]*(?:\d{1,4})?[\s,;.)\]]*$"

_TELLING = ("province", "other", "city_province")
"""What of a place tells a province: all that do are held against each other, also those that are outweighed."""

_PLACE_SCHEMA = pa.schema(
    [
        ("province", pa.string()),
        ("other", pa.string()),
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
    nothing = pa.scalar(None, pa.string())
    town = pc.coalesce(in_city["city_province"], in_province["city_province"])
    # Of two provinces in one cell the first counts, unless the town is in the second.
    spelling = pc.coalesce(
        *(pc.if_else(_true(pc.equal(c["other"], town)), town, c["province"]) for c in reversed(cells))
    )
    told = pc.coalesce(spelling, town)
    at_end = _province_at_end(pc.if_else(pc.is_null(told), street, nothing))
    codes = postal_codes(street, cells, pc.coalesce(told, at_end))
    by_code = pc.if_else(codes["in_city_range"], nothing, codes["province"])
    told = pc.coalesce(told, codes["province"], at_end)
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


def _places_in(column: pa.Array | pa.ChunkedArray, *, province_cell: bool) -> dict[str, pa.Array]:
    values, at = distinct(over_distinct(column, lambda texts: plain(said_values(texts))))
    rows = [vars(read_place(text, province_cell=province_cell)) for text in values.to_pylist()]
    places = pa.Table.from_pylist(rows, schema=_PLACE_SCHEMA).take(at)
    return {name: places[name].combine_chunks() for name in places.column_names}


def _province_at_end(address: pa.Array) -> pa.Array:
    last = pc.struct_field(pc.extract_regex(plain(address), _LAST_NAME), "last")
    values, at = distinct(last)
    return pa.array([_province_of_known_name(name) for name in values.to_pylist()], pa.string()).take(at)


def _province_of_known_name(name: str) -> str | None:
    # Exactly a known name, and no abbreviation: anything may stand at the end of an address.
    key = name_key(name)
    if len(key) <= 3:
        return None
    city = cities().get(key)
    return provinces().get(province_key(name)) or (city.province if city else None)


def _any_differ(*columns: pa.Array) -> pa.Array:
    first, differ = pc.coalesce(*columns), pa.scalar(False)
    for column in columns:
        differ = pc.or_(differ, _true(pc.not_equal(column, first)))
    return differ


def _true(mask: pa.Array) -> pa.Array:
    return pc.fill_null(mask, False)
