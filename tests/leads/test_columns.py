"""How headers are understood."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscout_assets.contracts import FIELDS
from leadscout_assets.errors import UnreadableFile
from leadscout_assets.leads.columns import SYNONYMS, column_letter, folded, require, understand

DELIVERED = (
    "EntityName", "TradingAsName", "Keyword", "ContactNumber", "CellNumber", "EmailAddress", "RegisteredAddress",
    "RegisteredAddressCity", "RegisteredAddressProvince", "DirectorName", "DirectorCell",
)  # fmt: skip


def test_the_delivered_column_names_are_the_fields_in_order() -> None:
    assert understand(DELIVERED).fields == {field: index for index, field in enumerate(FIELDS)}


@pytest.mark.parametrize("spelling", ["entity_name", "ENTITY NAME", " Entity-Name ", "entityname", "Entity\u00a0Name:"])
def test_case_spaces_underscores_and_punctuation_do_not_matter(spelling: str) -> None:
    assert understand([spelling]).fields == {"entity_name": 0}


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("Company", "entity_name"),
        ("Besigheid", "entity_name"),
        ("T/A", "trading_as_name"),
        ("Tel.", "contact_number"),
        ("Selfoon", "cell_number"),
        ("E-mail", "email_address"),
        ("E-pos", "email_address"),
        ("Dorp", "registered_address_city"),
        ("Provinsie", "registered_address_province"),
        ("Contact Person", "director_name"),
        ("Direkteur", "director_name"),
        ("Name & Surname", "director_name"),
        ("Owner Mobile", "director_cell"),
    ],
)
def test_common_english_and_afrikaans_synonyms_are_understood(header: str, field: str) -> None:
    assert understand([header]).fields == {field: 0}


def test_no_synonym_stands_twice_or_for_two_fields() -> None:
    words = [folded(word) for word in chain.from_iterable(SYNONYMS.values())]
    assert sorted(words) == sorted(set(words))
    assert not {folded(field) for field in FIELDS} & set(words)


@pytest.mark.parametrize("header", ["Name", "Contact", "Number", "Client"])
def test_headers_that_may_mean_person_or_business_are_not_guessed(header: str) -> None:
    assert understand([header]).fields == {}


def test_a_fields_own_name_wins_over_an_earlier_synonym() -> None:
    header = understand(["Company", "EntityName"])
    assert header.fields == {"entity_name": 1}
    assert header.extra == {"Company": 0}


def test_the_second_column_of_a_field_is_kept_as_extra_under_a_name_of_its_own() -> None:
    header = understand(["Director", "Director", "Owner", "Notes", "Notes", "Notes"])
    assert header.fields == {"director_name": 0}
    assert header.extra == {"Director (2)": 1, "Owner": 2, "Notes": 3, "Notes (2)": 4, "Notes (3)": 5}


def test_blank_headers_are_named_by_column_letter() -> None:
    assert understand(["Company", None, " ", "D"]).extra == {"B": 1, "C": 2, "D": 3}


def test_a_header_that_looks_like_a_letter_name_stays_distinct() -> None:
    assert understand(["B", ""]).extra == {"B": 0, "B (2)": 1}


def test_a_missing_column_is_named_and_unrecognised_headers_are_not_shown() -> None:
    with pytest.raises(UnreadableFile) as caught:
        require(understand(["Company", "GLORIA SEEMA"]))
    assert caught.value.code == "missing_column"
    assert "director_name" in str(caught.value)
    assert "recognised there: entity_name, and 1 other" in str(caught.value)
    assert "GLORIA" not in str(caught.value)


def test_both_missing_columns_are_named() -> None:
    with pytest.raises(UnreadableFile, match=r"entity_name .* and director_name"):
        require(understand(["Notes"]))


@pytest.mark.parametrize(
    ("index", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (16383, "XFD")]
)
def test_column_letters_are_those_of_a_spreadsheet(index: int, letters: str) -> None:
    assert column_letter(index) == letters


@given(
    st.lists(st.one_of(st.none(), st.sampled_from(["Company", "Director", "Tel", "", "A", "B (2)", "b"]), st.text()))
)
def test_every_column_is_understood_exactly_once(headers: list[str | None]) -> None:
    header = understand(headers)
    assert sorted([*header.fields.values(), *header.extra.values()]) == list(range(len(headers)))
    assert header.width == len(headers)
