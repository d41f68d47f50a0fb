"""Columns that a person named: read before everything a header says by itself."""

from __future__ import annotations

import pytest

from leadscout_assets.errors import BadInput, UnreadableFile
from leadscout_assets.leads.column_maps import ColumnMaps, header_digest, parse_map
from leadscout_assets.leads.columns import understand


def test_a_pair_names_a_header_and_a_field_however_they_are_written():
    assert parse_map(["Firma se Naam=EntityName", "wie?=director_name"]) == {
        "firmasenaam": "entity_name",
        "wie": "director_name",
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["Firma"], "header=field"),
        (["=EntityName"], "header=field"),
        (["Firma=Nothing"], "entity_name"),
        (["A=EntityName", "B=EntityName"], "two columns"),
    ],
)
def test_what_names_no_field_is_refused_with_the_way_to_say_it(given, said):
    with pytest.raises(BadInput, match=said):
        parse_map(given)


def test_what_a_person_named_wins_over_the_header_itself_and_over_what_is_saved():
    headers = ["EntityName", "Wie", "Koper"]
    maps = ColumnMaps({"koper": "entity_name"}, {header_digest(headers): {"wie": "director_name", "koper": "keyword"}})
    found = understand(headers, maps.of(headers))
    assert found.fields == {"entity_name": 2, "director_name": 1}
    assert found.extra == {"EntityName": 0}
    assert found.shown == ("EntityName", "Wie", "Koper")


def test_a_header_is_the_same_in_another_order_case_and_spacing_and_no_other_is():
    one = header_digest(["Firma", "Wie ", None, ""])
    assert one == header_digest(["wie", "FIRMA"])
    assert one != header_digest(["wie", "FIRMA", "Sel"])


def test_a_column_that_the_list_does_not_have_is_said():
    with pytest.raises(UnreadableFile, match="firma") as caught:
        ColumnMaps({"firma": "entity_name"}).of(["EntityName"])
    assert caught.value.code == "missing_column"


def test_a_column_named_for_one_field_is_not_read_as_another():
    assert understand(["EntityName", "DirectorName"], {"entityname": "keyword"}).fields == {
        "keyword": 0,
        "director_name": 1,
    }
