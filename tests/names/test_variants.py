import pytest

from leadscout_assets.names.normalising import split_name
from leadscout_assets.names.variants import VARIANTS, variant

NAME = "Thandi Grace van der Merwe-O'Brien"


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("capitals", "THANDI NKOSI"),
        ("small_letters", "thandi nkosi"),
        ("spacing", "  Thandi   Nkosi "),
        ("comma", "NKOSI, Thandi"),
        ("surname_first", "NKOSI Thandi"),
        ("turned", "Nkosi Thandi"),
        ("initials", "T Nkosi"),
    ],
)
def test_a_name_is_written_otherwise_by_rule(kind, written):
    assert variant("Thandi Nkosi", kind) == written


@pytest.mark.parametrize("kind", VARIANTS)
def test_a_variant_is_the_same_every_time_and_still_a_name(kind):
    assert variant(NAME, kind) == variant(NAME, kind)
    assert split_name(variant(NAME, kind)).surname
    assert split_name(variant("Nkosi", kind)).surname


def test_a_slip_changes_one_part_and_only_a_little():
    assert variant("Thandi Khumalo", "slip_in_surname").startswith("Thandi ")
    assert variant("Thandi Khumalo", "slip_in_surname") != "Thandi Khumalo"
    assert variant("Thandi Khumalo", "slip_in_given").endswith(" Khumalo")
    assert variant("Al Ng", "slip_in_surname") == "Al Ng"


@pytest.mark.parametrize(
    "kind",
    ["capitals", "small_letters", "spacing", "comma", "surname_first", "title", "number_behind", "digit_for_letter"],
)
def test_what_only_looks_otherwise_is_taken_apart_alike(kind):
    clean, dirty = split_name("Nomvula Mokoena"), split_name(variant("Nomvula Mokoena", kind))
    assert (clean.given_names, clean.surname) == (dirty.given_names, dirty.surname)
