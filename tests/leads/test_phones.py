from typing import Any

import phonenumbers
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leadscout_assets.leads.phones import kinds, numbers_in, parse_phones, south_african

NATIONAL = st.from_regex(r"[1-9][0-9]{8}", fullmatch=True)


def _parse(cell: str | None) -> dict[str, Any]:
    row: dict[str, Any] = parse_phones(pa.array([cell], pa.string())).to_pylist()[0]
    return row


@pytest.mark.parametrize(
    "cell",
    [
        "0821234567", "821234567", "27821234567", "+27821234567", "0027821234567", "+27(0)821234567",
        "+27 (0) 82 123-4567", "027821234567", "0821234567.0", "821234567.00", "27821234567.0", "082 123 4567",
        "082-123-4567", "(082) 123.4567", "082\u2013123\u20134567", "082\u00a0123\u00a04567", "'0821234567", "+082 123 4567",
        "8.21234567E+08", "8.21234567e8", "2.7821234567E+10", "082 123 4567 (work)", "Cell: 0821234567", "0821234567,",
        "0821234567 ext 12", "0821234567 x12", "0821234567,0", "8,21234567E+08", "+27.821234567", "082.1234567",
    ],
)  # fmt: skip
def test_every_way_of_writing_a_number_is_understood(cell: str) -> None:
    assert _parse(cell) == {
        "number": "+27821234567",
        "kind": "mobile",
        "others": _parse(cell)["others"],
        "unusable": False,
    }
    assert not _parse(cell)["others"]


@pytest.mark.parametrize(
    ("cell", "numbers"),
    [
        ("0821234567 / 0831234567", ["+27821234567", "+27831234567"]),
        ("0821234567 or 0831234567", ["+27821234567", "+27831234567"]),
        ("0821234567 of 0831234567", ["+27821234567", "+27831234567"]),
        ("0821234567,0831234567;0841234567", ["+27821234567", "+27831234567", "+27841234567"]),
        ("082 123 4567 083 123 4567", ["+27821234567", "+27831234567"]),
        ("+27821234567+27831234567", ["+27821234567", "+27831234567"]),
        ("082 123 4567 (cell) 011 123 4567 (home)", ["+27821234567", "+27111234567"]),
        ("011 123 4567/8", ["+27111234567", "+27111234568"]),
        ("011 123 4567/68", ["+27111234567", "+27111234568"]),
        ("0821234567 / 0821234567", ["+27821234567"]),
        ("0821234567 / 123", ["+27821234567", "+27821234123"]),
        ("work / 0821234567", ["+27821234567"]),
        ("821234567 831234567", ["+27821234567", "+27831234567"]),
        ("821234567 0831234567", ["+27821234567", "+27831234567"]),
        ("0821234567 831234567", ["+27821234567", "+27831234567"]),
        ("821234567,831234567", ["+27821234567", "+27831234567"]),
        ("082 123 4567 after 5, 011 234 5678", ["+27821234567", "+27112345678"]),
        ("(1) 0821234567 (2) 0831234567", ["+27821234567", "+27831234567"]),
    ],
)
def test_several_numbers_in_one_cell_are_all_kept(cell: str, numbers: list[str]) -> None:
    parsed = _parse(cell)
    assert [parsed["number"], *(parsed["others"] or [])] == numbers


@pytest.mark.parametrize(
    ("cell", "numbers"),
    [
        ("082/1234567", ["+27821234567"]),
        ("082 / 123 4567", ["+27821234567"]),
        ("082,1234567", ["+27821234567"]),
        ("082\\1234567", ["+27821234567"]),
        ("082/012 3456", ["+27820123456"]),
        ("082/123/4567", ["+27821234567"]),
        ("011 234/5678", ["+27112345678"]),
        ("011/234-5678", ["+27112345678"]),
        ("(011)/2345678", ["+27112345678"]),
        ("(011) / 234 5678", ["+27112345678"]),
        ("+27 (0)11/234 5678", ["+27112345678"]),
        ("+27 82/1234567", ["+27821234567"]),
        ("0861/123456", ["+27861123456"]),
        ("0800 / 123 456", ["+27800123456"]),
        ("011/234 5678 / 082 123 4567", ["+27112345678", "+27821234567"]),
        ("011/234 5678 082 123 4567", ["+27112345678", "+27821234567"]),
        ("011/234 5678/9", ["+27112345678", "+27112345679"]),
        ("082/1234567, 083/1234567", ["+27821234567", "+27831234567"]),
        ("082 / 083 123 4567", ["+27831234567"]),
        ("082 / 083 1234 567", ["+27831234567"]),
        ("082 / 0831234", []),
        ("082 or 1234567", []),
        ("2012/123456/07", []),
    ],
)
def test_a_sign_behind_the_area_code_does_not_divide_the_number(cell: str, numbers: list[str]) -> None:
    assert numbers_in(cell) == numbers
    assert _parse(cell)["unusable"] is not bool(numbers)


@pytest.mark.parametrize(
    "cell",
    ["0821234567 (2)", "0821234567 (12)", "082 123 4567 after 5", "082 123 4567 after 17h00", "Cell2: 0821234567",
     "2 lines 0821234567", "821234567 x 2 calls"],
)  # fmt: skip
def test_a_count_or_a_time_beside_a_number_is_no_part_of_it(cell: str) -> None:
    assert numbers_in(cell) == ["+27821234567"]


@pytest.mark.parametrize(
    "cell",
    [
        "0.333333333", "-0.333333333", ".333333333", "0,333333333", "12345.6789", "12345,6789", "82123456.7", "82,821234567",
        "-33.9249123", "28.1234567", "(0.333333333)", "33.3333333%", "R 12345.6789", "7.1234567E-5", "8.21234567",
    ],
)  # fmt: skip
def test_the_digits_of_a_decimal_fraction_make_no_number(cell: str) -> None:
    assert numbers_in(cell) == []
    assert _parse(cell) == {"number": None, "kind": None, "others": [], "unusable": True}


@pytest.mark.parametrize("cell", ["082 123 4567, 17:00", "082 123 4567 / R200"])
def test_only_bare_digits_are_the_last_ones_of_a_second_number(cell: str) -> None:
    assert numbers_in(cell) == ["+27821234567"]


@pytest.mark.parametrize(
    "cell",
    [
        "123 456 789 123 456 789",
        "123",
        "08212345678",
        "082123456",
        "0000000000",
        "8.21E+08",
        "phone",
        "082 123 456",
        "+27",
        "\u0660\u0668\u0662\u0661\u0662\u0663\u0664\u0665\u0666\u0667",
    ],
)
def test_what_cannot_be_dialled_is_unusable(cell: str) -> None:
    assert _parse(cell) == {"number": None, "kind": None, "others": _parse(cell)["others"], "unusable": True}
    assert not _parse(cell)["others"]


@pytest.mark.parametrize("cell", [None, "", "  ", "N/A", "-", "none", "0"])
def test_nothing_said_is_no_defect(cell: str | None) -> None:
    assert _parse(cell)["number"] is None
    assert _parse(cell)["unusable"] is False


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("0601234567", "mobile"), ("0711234567", "mobile"), ("0841234567", "mobile"), ("0111234567", "landline"),
        ("0211234567", "landline"), ("0511234567", "landline"), ("0800123456", "toll_free"), ("0860123456", "sharecall"),
        ("0861123456", "sharecall"), ("0870123456", "voip"), ("0901234567", "premium"), ("+442079460958", "foreign"),
        ("0044 20 7946 0958", "foreign"), ("+267 71 234 567", "foreign"), ("26771234567", "foreign"),
    ],
)  # fmt: skip
def test_the_kind_follows_from_the_prefix(cell: str, kind: str) -> None:
    assert _parse(cell)["kind"] == kind


@given(NATIONAL)
@example("870881234")
@example("134921234")
@example("520870123")
@example("500123456")
@example("191234567")
def test_the_pattern_agrees_with_phonenumbers_on_every_south_african_number(national: str) -> None:
    parsed = phonenumbers.parse("0" + national, "ZA")
    valid = phonenumbers.is_valid_number_for_region(parsed, "ZA")
    expected = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) if valid else None
    assert south_african(pa.array(["0" + national])).to_pylist() == [expected]


@given(NATIONAL, st.sampled_from(["0{}", "{}", "27{}", "+27{}", "0027{}", "+27(0){}", "{}.0", " 0{} ", "0{} (w)"]))
def test_a_number_written_in_any_way_gives_the_same_result(national: str, way: str) -> None:
    assert _parse(way.format(national))["number"] == _parse("0" + national)["number"]


@given(st.text(alphabet="0123456789+ ()/-.eExt,;", max_size=40))
@example("0821234567,0")
@example("821234567.5")
@example("82.1234567")
@example("(2)821234567")
def test_the_vectorised_way_and_the_thorough_way_agree(cell: str) -> None:
    fast = south_african(pa.array([cell.strip()])).to_pylist()[0]
    assert fast is None or numbers_in(cell.strip()) == [fast]


@given(st.lists(st.none() | st.text(max_size=30), max_size=8))
def test_any_text_gives_one_row_per_cell_with_valid_numbers_only(cells: list[str | None]) -> None:
    parsed = parse_phones(pa.array(cells, pa.string())).to_pylist()
    assert len(parsed) == len(cells)
    for row in parsed:
        for number in [n for n in (row["number"], *(row["others"] or [])) if n]:
            assert phonenumbers.is_possible_number(phonenumbers.parse(number))
        assert (row["kind"] is None) == (row["number"] is None)


def test_kinds_of_no_number_are_none() -> None:
    assert kinds(pa.array([None], pa.string())).to_pylist() == [None]
