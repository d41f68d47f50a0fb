from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscout_assets.leads.places import resolve_places
from leadscout_assets.terms import Province

TEXTS = st.lists(st.tuples(*[st.none() | st.text(max_size=20)] * 3), max_size=6)


def _resolve(address: str | None = None, city: str | None = None, province: str | None = None) -> dict[str, Any]:
    columns = [pa.array([cell], pa.string()) for cell in (address, city, province)]
    row: dict[str, Any] = resolve_places(*columns).to_pylist()[0]
    return row


@pytest.mark.parametrize(
    ("spelling", "code"),
    [
        ("GAUTENG", "GP"), ("gauteng", "GP"), ("Gauteng Province", "GP"), ("GP", "GP"), ("G.P.", "GP"), ("GAUTNEG", "GP"),
        ("GAUTENG, SOUTH AFRICA", "GP"), ("GAUTENG 2001", "GP"), ("Guateng", "GP"),
        ("KWA-ZULU NATAL", "KZN"), ("KWA - ZULU NATAL", "KZN"), ("KWAZULU NATAL", "KZN"), ("KWAZULU-NATALL", "KZN"),
        ("KWAZULA NATAL", "KZN"), ("NATAL", "KZN"), ("KZN", "KZN"), ("KwaZulu\u2013Natal", "KZN"), ("KZ NATAL", "KZN"),
        ("WES-KAAP", "WC"), ("WESTERN CAPE", "WC"), ("WESTEN CAPE", "WC"), ("W CAPE", "WC"), ("W/CAPE", "WC"), ("WP", "WC"),
        ("OOS KAAP", "EC"), ("EASTERN CAPE", "EC"), ("EASTEN CAPE", "EC"), ("E.CAPE", "EC"),
        ("NOORD-KAAP", "NC"), ("NORTHERN CAPE", "NC"), ("NOTHERN CAPE", "NC"),
        ("NOORDWES", "NW"), ("NORTH-WEST", "NW"), ("NORTH WEST PROVINCE", "NW"), ("NORTWEST", "NW"), ("N/W", "NW"),
        ("VRYSTAAT", "FS"), ("FREE STATE", "FS"), ("FREESTATE", "FS"), ("ORANGE FREE STATE", "FS"), ("OFS", "FS"),
        ("LIMPOPO", "LP"), ("LIMPOPOO", "LP"), ("NORTHERN PROVINCE", "LP"), ("MPUMALANGA", "MP"), ("MPUMALNGA", "MP"),
        ("ZA-GP", "GP"), ("ZA-KZN", "KZN"), ("za-nl", "KZN"),
    ],
)  # fmt: skip
def test_a_province_is_known_by_its_spelling(spelling: str, code: str) -> None:
    found = _resolve(province=spelling)
    assert (found["province"], found["province_unknown"], found["province_disagrees"]) == (code, False, False)


@pytest.mark.parametrize(
    "spelling",
    [
        None,
        "",
        "TRANSVAAL",
        "CAPE",
        "WASTERN CAPE",
        "SOUTH AFRICA",
        "RSA",
        "N/A",
        "NAMIBIA",
        "ABC",
        "NORTH EAST",
        "NORTHERN EAST",
        "SOUTH WEST",
        "NORTH WESTERN CAPE",
        "BEITBRIDGE BORDER",
        "NORTHERN COAST",
    ],
)
def test_a_province_that_nothing_tells_is_unknown(spelling: str | None) -> None:
    found = _resolve(province=spelling)
    assert (found["province"], found["province_unknown"]) == (Province.UNKNOWN, True)


@pytest.mark.parametrize(
    ("address", "city", "province", "code"),
    [
        (None, "DURBAN", None, "KZN"),
        (None, "PORT ELIZABETH", "", "EC"),
        (None, "JHB", "N/A", "GP"),
        (None, "KIMBERLY", None, "NC"),
        (None, None, "BLOEMFONTEIN", "FS"),
        (None, "LIMPOPO", None, "LP"),
        (None, "DURBAN, KZN", None, "KZN"),
        (None, None, "7646", "WC"),
        (None, "2196", None, "GP"),
        ("1 PROTEA STREET, SOMEWHERE, 0850", None, None, "LP"),
        ("1 PROTEA STREET, POLOKWANE", None, None, "LP"),
        ("1 PROTEA STREET, NELSPRUIT, 1200", "X", None, "MP"),
        ("1 PROTEA STREET, SOMEWHERE, GAUTENG", None, None, "GP"),
        ("1 PROTEA STREET, POLOKWANE", None, "1200", "MP"),
        ("1 A STREET, MIDDELBURG, 1050", "MIDDELBURG", None, "MP"),
        ("1 A STREET, MIDDELBURG, 5900", "MIDDELBURG", None, "EC"),
        (None, "MIDDELBURG", None, "unknown"),
    ],
)
def test_the_province_comes_from_city_or_postcode_where_its_spelling_does_not_tell(
    address: str | None, city: str | None, province: str | None, code: str
) -> None:
    assert _resolve(address, city, province)["province"] == code


@pytest.mark.parametrize(
    ("address", "city", "province", "expected"),
    [
        (None, "CAPE TOWN", "GAUTENG", ("GP", True)),
        ("1 A STREET, 8001", None, "GAUTENG", ("GP", True)),
        ("1 A STREET, 8001", "DURBAN", None, ("KZN", True)),
        ("1 A STREET, 4001", "DURBAN", "KZN", ("KZN", False)),
        ("1 A STREET, 0407", "TEMBA", "GAUTENG", ("GP", False)),
        (None, "ELSEWHERE", "GAUTENG", ("GP", False)),
        # What was outweighed said nothing: a city in the province's cell, a province in the city's.
        (None, "POLOKWANE", "KAAPSTAD", ("LP", True)),
        ("1 A STREET, 8001", "POLOKWANE", "KAAPSTAD", ("LP", True)),
        (None, "GAUTENG", "WESTERN CAPE", ("WC", True)),
        (None, "GAUTENG", "GAUTENG", ("GP", False)),
        (None, "DURBAN", "PINETOWN", ("KZN", False)),
        # Both in one cell.
        (None, "DURBAN, GAUTENG", None, ("GP", True)),
        (None, "DURBAN GAUTENG", None, ("GP", True)),
        (None, None, "GAUTENG/LIMPOPO", ("GP", True)),
        (None, None, "WESTERN CAPE EASTERN CAPE", ("WC", True)),
        (None, "POLOKWANE", "GAUTENG/LIMPOPO", ("LP", True)),
        (None, "JOHANNESBURG / DURBAN", None, ("GP", True)),
        (None, "DURBAN, KWAZULU-NATAL", "KZN", ("KZN", False)),
        # A region says less than a town, and more than nothing.
        (None, "GEORGE", "SOUTHERN CAPE", ("WC", False)),
        (None, "HUMANSDORP", "GARDEN ROUTE", ("EC", True)),
        (None, None, "SUID-KAAP", ("WC", False)),
        (None, "GEORGE", "NORTH EAST", ("WC", False)),
    ],
)
def test_the_spelling_wins_and_a_disagreement_is_noted(
    address: str | None, city: str | None, province: str | None, expected: tuple[str, bool]
) -> None:
    found = _resolve(address, city, province)
    assert (found["province"], found["province_disagrees"]) == expected


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("12 PROTEA STREET, SANDTON, 2196", "2196"),
        ("12 PROTEA STREET SANDTON 2196", "2196"),
        ("12 PROTEA STREET, SANDTON, 2196, SOUTH AFRICA", "2196"),
        ("PO BOX 1234, SANDTON, 2146", "2146"),
        ("PO BOX 1234", None),
        ("P.O. BOX 1234", None),
        ("POSBUS 1234, PRETORIA", None),
        ("PRIVATE BAG X2001", None),
        ("1234 ZONE 4", None),
        ("1501 CHURCH STREET, PRETORIA", None),
        ("STAND 1234, EXT 5", None),
        ("UNIT 12, 2034 LONG ROAD, EPPING", None),
        ("12 PROTEA STREET, 0000", None),
        ("12 PROTEA STREET, 21960", None),
        ("12 PROTEA STREET, PRETORIA (0001)", "0001"),
        ("12 PROTEA STREET [2196]", "2196"),
        ("P.O. BOX (1234)", None),
    ],
)
def test_a_postcode_is_told_from_box_and_street_numbers_by_its_place(address: str, code: str | None) -> None:
    assert _resolve(address)["postal_code"] == code


@pytest.mark.parametrize(
    ("address", "city", "province", "code"),
    [
        ("5 ALOE ROAD, PRETORIA, 157", "PRETORIA", "GAUTENG", "0157"),
        ("5 ALOE ROAD, PRETORIA, 2", "PRETORIA", "GAUTENG", "0002"),
        (None, "850", "LIMPOPO", "0850"),
        (None, "157", None, "0157"),
        (None, "TZANEEN", "850", "0850"),
        (None, "POLOKWANE 700", "LIMPOPO", "0700"),
        (None, "POLOKWANE (700)", None, "0700"),
        (None, "A VILLAGE 742", "LIMPOPO", "0742"),
        ("1 X ST, POLOKWANE 700", "POLOKWANE", "LIMPOPO", "0700"),
        ("1 X ST POLOKWANE 742", None, None, "0742"),
        ("99 Long Str, Musina, 900", None, None, "0900"),
        ("99 Long Str, Musina 900", None, None, "0900"),
        ("1 X ST, PRETORIA (2)", None, None, "0002"),
    ],
)
def test_a_lost_leading_zero_is_put_back(
    address: str | None, city: str | None, province: str | None, code: str
) -> None:
    found = _resolve(address, city, province)
    assert (found["postal_code"], found["postal_code_repaired"]) == (code, True)


@pytest.mark.parametrize(
    ("address", "city", "province", "unusable"),
    [
        ("5 ALOE ROAD, CAPE TOWN, 157", "CAPE TOWN", "WESTERN CAPE", False),
        ("UNIT 157", "PRETORIA", "GAUTENG", False),
        (None, "157", "WESTERN CAPE", True),
        (None, "12345", "GAUTENG", True),
        (None, "12", None, True),
        # House numbers, and numbers of what is no street.
        ("12 LONG STREET 700", "POLOKWANE", "LIMPOPO", False),
        ("12 LONG 700", "POLOKWANE", "LIMPOPO", False),
        ("12 LONG STREET 700", None, None, False),
        ("STAND 5 KATLEHONG 157", "KATLEHONG", "GAUTENG", False),
        ("1 X ST, POLOKWANE 700", "DURBAN", "KWAZULU-NATAL", False),
        (None, "PRETORIA EXT 2", "GAUTENG", False),
        (None, "KATLEHONG 157", "GAUTENG", False),
        (None, "A VILLAGE 742", None, False),
        (None, "DURBAN 700", "KWAZULU-NATAL", False),
    ],
)
def test_no_zero_is_put_back_where_the_place_does_not_bear_it_out(
    address: str | None, city: str | None, province: str | None, unusable: bool
) -> None:
    found = _resolve(address, city, province)
    assert (found["postal_code"], found["postal_code_repaired"], found["postal_code_unusable"]) == (
        None,
        False,
        unusable,
    )


@pytest.mark.parametrize(
    ("delivered", "city", "unusable"),
    [
        ("SANDTON", "Sandton", False), ("sandton", "Sandton", False), ("KWAMASHU", "KwaMashu", False),
        ("PTA", "Pretoria", False), ("PRETORIA 0001", "Pretoria", False), ("ST HELENA BAY", "St Helena Bay", False),
        ("KENTON-ON-SEA", "Kenton On Sea", False), ("KLEIN RIVIER-SUID", "Klein Rivier-Suid", False),
        ("2001", None, True), ("LIMPOPO", None, True), ("SOUTH AFRICA", None, True), ("12345", None, True),
        ("DURBAN, KWAZULU-NATAL", "Durban", False), ("CAPE TOWN WESTERN CAPE", "Cape Town", False),
        ("SOMERSET WEST WES-KAAP", "Somerset West", False), ("DURBAN NORTH KWAZULU-NATAL", "Durban North", False),
        ("JOHANNESBURG, GAUTENG, SOUTH AFRICA", "Johannesburg", False), ("GREYTON", "Greyton", False),
        ("X", None, False), (None, None, False), ("-", None, False), ("N/A", None, False),
    ],
)  # fmt: skip
def test_a_city_is_shown_in_title_case_or_left_out(delivered: str | None, city: str | None, unusable: bool) -> None:
    found = _resolve(city=delivered)
    assert (found["city"], found["city_unusable"]) == (city, unusable)


def test_a_city_in_the_province_column_stands_in_for_a_missing_city() -> None:
    assert _resolve(city="2001", province="JOHANNESBURG")["city"] == "Johannesburg"


def test_digits_of_other_scripts_are_no_postcode() -> None:
    assert (
        _resolve("1 A STREET, \u0662\u0661\u0669\u0666", "\u0662\u0661\u0669\u0666", "X, \u0662\u0661\u0669\u0666")[
            "postal_code"
        ]
        is None
    )


@settings(max_examples=40)
@given(TEXTS)
def test_any_text_gives_one_row_with_a_province_each(cells: list[tuple[str | None, ...]]) -> None:
    columns = [pa.array([row[i] for row in cells], pa.string()) for i in range(3)]
    found = resolve_places(*columns).to_pylist()
    assert len(found) == len(cells)
    for row in found:
        assert row["province"] in set(Province)
        assert row["postal_code"] is None or (len(row["postal_code"]) == 4 and row["postal_code"].isascii())
        assert row["province_unknown"] is (row["province"] == Province.UNKNOWN)
