"""How headers are understood."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscout_assets.contracts import FIELDS
from leadscout_assets.errors import UnreadableFile
from leadscout_assets.leads.columns import SYNONYMS, column_letter, field_of, folded, require, understand
from leadscout_assets.leads.spellings import loosely

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


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("Director's Name", "director_name"),
        ("Director\u2019s Name", "director_name"),
        ("Directors' Names", "director_name"),
        ("Directors Name", "director_name"),
        ("DIRECTORSNAME", "director_name"),
        ("Director Name 1", "director_name"),
        ("Director 1 Name", "director_name"),
        ("director_name_01", "director_name"),
        ("Director(s)", "director_name"),
        ("Director/s", "director_name"),
        ("Name of Director(s)", "director_name"),
        ("Full Name of the Director", "director_name"),
        ("Director Full Names", "director_name"),
        ("Full Names", "director_name"),
        ("Owner Full Name", "director_name"),
        ("Owner/Director", "director_name"),
        ("Owner or Director Name", "director_name"),
        ("Managing Director", "director_name"),
        ("Company/Business", "entity_name"),
        ("Company / Business Name", "entity_name"),
        ("Company's Name", "entity_name"),
        ("Director's Cell", "director_cell"),
        ("Directors Cell", "director_cell"),
        ("Director 1 Cell", "director_cell"),
        ("Director Cell No 1", "director_cell"),
        ("Director Contact No", "director_cell"),
        ("Owner Cellphone No.", "director_cell"),
        ("Owner/Director Cell", "director_cell"),
        ("Cell number of director", "director_cell"),
        ("Contact #", "contact_number"),
        ("Contact Number 1", "contact_number"),
        ("Telephone Numbers", "contact_number"),
        ("Cell No.", "cell_number"),
        ("Cell #1", "cell_number"),
        ("Email 1", "email_address"),
        ("E-mail(s)", "email_address"),
    ],
)
def test_possessives_plurals_numbers_and_alternatives_do_not_matter(header: str, field: str) -> None:
    """A file with "Director's Name" was refused as a whole, and a "Director's Cell" left unread among the extra columns."""
    assert understand([header]).fields == {field: 0}
    assert field_of(header) == field


@pytest.mark.parametrize(
    "header",
    [
        "Director Name 2", "Director 2 Name", "Email 2", "Contact Number 11", "Contact 1", "Contact's", "Names",
        "Number of Directors", "No. of Directors", "# Directors", "Director #1", "Director No. 1", "Director's ID Number",
        "Company #", "Company No", "Company/Director", "Owner/Director Email", "Tel/Cell", "City/Province",
        "Director's Surname", "Director's Address", "Company Registration No",
    ],
)  # fmt: skip
def test_headers_that_mean_something_else_are_not_made_to_fit(header: str) -> None:
    assert understand([header]).fields == {}
    assert field_of(header) is None


def test_no_spelling_is_two_fields() -> None:
    found: dict[str, set[str]] = {}
    for field in FIELDS:
        for word in (field, *SYNONYMS[field]):
            found.setdefault(loosely(word), set()).add(field)
    assert {form: fields for form, fields in found.items() if len(fields) > 1} == {}


@pytest.mark.parametrize("word", [word for words in SYNONYMS.values() for word in words])
def test_every_synonym_is_understood_as_its_own_field(word: str) -> None:
    assert word in SYNONYMS[field_of(word) or ""]


@pytest.mark.parametrize(
    ("headers", "fields", "extra"),
    [
        (["Director's Name", "DirectorName"], {"director_name": 1}, {"Director's Name": 0}),
        (["Contact Person", "Director's Name"], {"director_name": 1}, {"Contact Person": 0}),
        (["Owners Full Names", "Owner"], {"director_name": 1}, {"Owners Full Names": 0}),
        (["Owner/Director", "Members"], {"director_name": 1}, {"Owner/Director": 0}),
        (["Director Name 2", "Director Name 1"], {"director_name": 1}, {"Director Name 2": 0}),
        (["Director Name 1", "Director Name 2", "Director Name"], {"director_name": 2}, {"Director Name 1": 0, "Director Name 2": 1}),
        (["Email 2", "Email 1"], {"email_address": 1}, {"Email 2": 0}),
        (["Contact #", "Contact Number"], {"contact_number": 1}, {"Contact #": 0}),
        (["Company #", "Company Name"], {"entity_name": 1}, {"Company #": 0}),
        (["Mobile Number", "Director's Mobile"], {"cell_number": 0, "director_cell": 1}, {}),
    ],
)  # fmt: skip
def test_of_two_columns_of_one_field_the_surer_heading_is_read_and_the_other_kept(
    headers: list[str], fields: dict[str, int], extra: dict[str, int]
) -> None:
    header = understand(headers)
    assert (header.fields, header.extra) == (fields, extra)


@pytest.mark.parametrize("names", ["Full Names", "Director's Name", "Director Full Names", "Owner/Director"])
def test_given_names_beside_a_surname_of_its_own_are_not_guessed_to_be_the_whole_name(names: str) -> None:
    header = understand(["Company", names, "Surname"])
    assert header.fields == {"entity_name": 0}
    with pytest.raises(UnreadableFile, match="put given names and surname into one column"):
        require(header)


def test_a_text_of_any_length_for_a_heading_costs_no_time() -> None:
    # Each part with each end would be ten thousand million.
    assert understand(["a/" * 100_000 + "b " * 100_000, "Director's Name"]).fields == {"director_name": 1}


def test_a_column_named_by_hand_wins_over_every_spelling() -> None:
    assert understand(["DirectorName", "Contact #"], {"contact": "director_name"}).fields == {"director_name": 1}


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
