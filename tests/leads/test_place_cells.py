"""One city or province cell: what stands in it, alone or beside each other."""

import pytest

from leadscout_assets.leads.place_cells import Place, read_place, title_case


def test_an_unknown_spelling_never_makes_a_city_of_a_province_cell() -> None:
    assert read_place("SOMEWHERE ELSE", province_cell=True).city is None
    assert read_place("SOMEWHERE ELSE", province_cell=False).city == "Somewhere Else"


@pytest.mark.parametrize(
    ("cell", "city", "city_province", "province"),
    [
        ("DURBAN, KWAZULU-NATAL", "Durban", "KZN", "KZN"),
        ("DURBAN KZN", "Durban", "KZN", "KZN"),
        ("DURBAN, KWA ZULU NATALL", "Durban", "KZN", "KZN"),
        ("JOHANNESBURG GAUTNEG", "Johannesburg", "GP", "GP"),
        ("GAUTENG JOHANNESBURG", "Johannesburg", "GP", "GP"),
        ("CAPE TOWN - WESTERN CAPE", "Cape Town", "WC", "WC"),
        ("CAPE TOWN (W. CAPE)", "Cape Town", "WC", "WC"),
        ("EAST LONDON EASTERN CAPE PROVINCE", "East London", "EC", "EC"),
        ("A VILLAGE WESTERN CAPE", "A Village", None, "WC"),
        ("RUSTENBURG NORTH WEST", "Rustenburg", "NW", "NW"),
        # A part of a city, and two letters that may be anything.
        ("DURBAN NORTH WEST", "Durban North West", "KZN", None),
        ("AN OFFICE EC", "An Office Ec", None, None),
    ],
)
def test_a_city_cell_is_read_with_the_province_in_it(
    cell: str, city: str, city_province: str | None, province: str | None
) -> None:
    read = read_place(cell, province_cell=False)
    assert (read.city, read.city_province, read.province) == (city, city_province, province)


@pytest.mark.parametrize(
    ("cell", "province", "other"),
    [
        ("GAUTENG/LIMPOPO", "GP", "LP"),
        ("EASTERN CAPE WESTERN CAPE", "EC", "WC"),
        ("GAUTENG, GP", "GP", None),
        ("KWAZULU/NATAL", "KZN", None),
        ("EASTEN - CAPE", "EC", None),
        ("NORTHERN KZN", "KZN", None),
    ],
)
def test_a_second_province_in_a_cell_is_kept_beside_the_first(cell: str, province: str, other: str | None) -> None:
    read = read_place(cell, province_cell=True)
    assert (read.province, read.other) == (province, other)


def test_digits_in_brackets_are_a_postcode() -> None:
    assert read_place("(0001)", province_cell=False) == Place(code="0001", digits_only=True)
    assert read_place("PRETORIA (0001)", province_cell=False).code == "0001"
    assert read_place("()", province_cell=False) == Place()


@pytest.mark.parametrize(
    ("cell", "short"), [("POLOKWANE 700", "700"), ("X, 700.0", "700"), ("X EXT 12", None), ("X ZONE 3", None)]
)
def test_what_may_be_a_postcode_without_its_zero_is_told_from_other_numbers(cell: str, short: str | None) -> None:
    assert read_place(cell, province_cell=False).short == short


def test_a_long_text_is_not_read_in_two_at_each_of_its_words() -> None:
    # Ten thousand words in two, ten thousand times, would be minutes.
    assert read_place("DURBAN " * 10_000 + "KZN", province_cell=True).city is None


def test_title_case_keeps_small_words_small() -> None:
    assert title_case("BERGEN AAN DIE SEE") == "Bergen aan die See"
