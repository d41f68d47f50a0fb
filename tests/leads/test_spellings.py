"""What spellings of one heading have in common. Which fields they are is test_columns.py's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscout_assets.leads.spellings import alternatives, as_written, loosely, numbers_itself, surname_alone


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Director's Name", "Director Name"),
        ("DIRECTORS_NAME", "Name of the Directors"),
        ("Owner No", "Owner Number"),
        ("Owner #", "Owner Nommer"),
        ("Telephone No 1", "Phone"),
        ("Mobile Phone Number", "Cell"),
        ("Cellular", "Cellphones"),
    ],
)
def test_spellings_of_one_heading_have_one_form(one: str, other: str) -> None:
    assert loosely(one) == loosely(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Director Name 2", "Director Name"),
        ("Director Name 11", "Director Name"),
        ("Director Surname", "Director Name"),
        ("Number of Directors", "Director Number"),
        ("Business", "Busines"),
        ("Direkteur Sel", "Direkteur El"),
        ("Contact #", "Contact"),
    ],
)
def test_headings_that_differ_in_more_than_spelling_keep_apart(one: str, other: str) -> None:
    assert loosely(one) != loosely(other)


def test_a_hash_for_a_number_is_nothing_to_be_left_out_but_one_before_a_word_is() -> None:
    assert [as_written(heading) for heading in ("Company #", "Cell #1", "#EntityName")] == ["", "", "entityname"]


def test_the_first_of_several_persons_is_told_from_a_persons_number() -> None:
    ordinal = ["Director No. 1", "Director #1", "Director Num 01"]
    assert all(numbers_itself(heading) for heading in ordinal)
    assert not any(numbers_itself(heading) for heading in ("Director No", "Director 1", "Director Name 1"))


def test_surnames_in_a_column_of_their_own_are_told_from_whole_names() -> None:
    assert all(
        surname_alone(heading) for heading in ("Surname", "Last Name", "Director's Surname", "Van", "Owner Surnames")
    )
    assert not any(
        surname_alone(heading) for heading in ("Name & Surname", "Director Name", "Full Names", "Naam en Van")
    )


def test_what_two_names_share_may_stand_once_at_the_end() -> None:
    assert ("Owner Cell", "Director Cell") in set(alternatives("Owner/Director Cell"))
    assert ("Owner", "Director Cell") in set(alternatives("Owner/Director Cell"))
    assert ("Owner Full Name", "Member Full Name") in set(alternatives("Owner or Member Full Name"))


@pytest.mark.parametrize("heading", ["Director", "Director Name", "/", "Owner/", "Corporation Name", ""])
def test_a_heading_of_one_name_has_no_alternatives(heading: str) -> None:
    assert list(alternatives(heading)) == []


@given(st.text())
def test_any_text_has_a_form(heading: str) -> None:
    assert isinstance(loosely(heading), str)
    assert all(len(parts) > 1 for parts in alternatives(heading))
