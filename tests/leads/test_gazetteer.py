"""Place names and postcodes: the tables agree with each other, and likeness finds slips but turns no direction round."""

import pytest

from leadscout_assets.leads.gazetteer import cities, city_like, postcode_provinces, province_like, provinces
from leadscout_assets.terms import Province

WAYS = (("NORTH", "EAST", "SOUTH", "WEST"), ("NOORD", "OOS", "SUID", "WES"))


def test_a_slip_of_one_letter_finds_a_city_only_where_all_near_ones_agree() -> None:
    assert city_like("BLOEMFONTEN") is cities()["BLOEMFONTEIN"]
    assert city_like("JOHANNESBRUG") is cities()["JOHANNESBURG"]
    assert city_like("LADUSMITH") is None
    assert city_like("GEORG") is None


def test_the_gazetteer_is_large_and_does_not_contradict_itself() -> None:
    assert len(cities()) >= 250
    assert set(provinces().values()) == set(Province) - {Province.UNKNOWN}
    by_code = postcode_provinces().to_pylist()
    for city in cities().values():
        for code in {city.lowest, city.highest} - {0}:
            assert by_code[code] in (None, city.province), city.name


def test_a_text_longer_than_any_city_is_not_taken_apart_letter_by_letter() -> None:
    # A million letters less one, a million times, would be a terabyte.
    assert city_like("BLOEMFONTEIN" * 100_000) is None
    longest = max(cities(), key=len)
    assert city_like(longest + "X") is cities()[longest]


def test_no_direction_is_a_slip_of_another() -> None:
    turned = {
        (form.replace(way, other), code)
        for form, code in provinces().items()
        for ways in WAYS
        for way in ways
        if way in form
        for other in ways
    }
    assert len(turned) > 80
    wrong = {form for form, code in turned if form not in provinces() and province_like(form) == code}
    assert wrong == set()


@pytest.mark.parametrize("key", ["SOTHERNCAPE", "SOUTHENCAPE", "NORTHEAST", "NORTHEST", "ESTERNCAPE", "WESTERN"])
def test_a_misspelt_direction_tells_no_province_that_is_not_nearest(key: str) -> None:
    assert province_like(key) is None


@pytest.mark.parametrize(
    ("key", "code"), [("NOTHERNCAPE", "NC"), ("NORTHENCAPE", "NC"), ("WESTENCAPE", "WC"), ("NORHTWEST", "NW")]
)
def test_a_slip_within_a_direction_is_forgiven(key: str, code: str) -> None:
    assert province_like(key) == code


@pytest.mark.parametrize(
    ("town", "slip_of"),
    [("GREYTON", "GREYTOWN"), ("ALEXANDRIA", "ALEXANDRA"), ("PORTBEAUFORT", "FORTBEAUFORT"), ("DUKUZA", "DUDUZA"),
     ("KOMATI", "KOMANI"), ("BETHEL", "BETHAL"), ("LADISMITH", "LADYSMITH"), ("EDENDALE", "EDENVALE")],
)  # fmt: skip
def test_a_town_is_no_slip_of_another(town: str, slip_of: str) -> None:
    assert cities()[town].province != cities()[slip_of].province
