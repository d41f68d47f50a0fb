"""Number formats that pad with zeros, and those that show dates."""

import pytest

from leadscout_assets.leads.number_formats import shown, shows_date, zero_format


@pytest.mark.parametrize(
    ("code", "number", "as_shown"),
    [
        ("0000000000", "821234567", "0821234567"),
        ("00000", "2", "00002"),
        ("0000", "12345", "12345"),
        ("000 000 0000", "821234567", "082 123 4567"),
        (r"000\-000\-0000", "821234567", "082-123-4567"),
        (r"\(000\)\ 000\-0000", "821234567", "(082) 123-4567"),
        ("0#########", "821234567", "0821234567"),
        ('"0"#########', "821234567", "0821234567"),
        ('"+27"000000000', "821234567", "+27821234567"),
        ("0000000000;-0;@", "821234567", "0821234567"),
        ("[<=9999999]000-0000", "1234567", "123-4567"),
    ],
)
def test_a_number_is_given_as_its_zero_format_shows_it(code: str, number: str, as_shown: str) -> None:
    section = zero_format(code)
    assert section is not None
    assert shown(number, section) == as_shown


@pytest.mark.parametrize(
    "code", ["General", "0", "#", "0.00", "00.00", "#,##0", "0%", "0.00E+00", "@", '"R" 0', "dd/mm/yyyy", "# ?/?", ""]
)
def test_other_formats_leave_numbers_plain(code: str) -> None:
    assert zero_format(code) is None


@pytest.mark.parametrize("number", ["-5", "1.5", "", "n/a"])
def test_what_is_no_whole_number_stays_as_it_is(number: str) -> None:
    assert shown(number, "0000") == number


@pytest.mark.parametrize(("code", "is_date"), [("yyyy-mm-dd", True), ("[$-409]d mmm", True), ("h:mm", True),
                                               ('0 "days"', False), ("0000", False), ("[Red]0", False), (r"\d0", False)])  # fmt: skip
def test_formats_of_dates_are_told_from_text_in_formats(code: str, is_date: bool) -> None:
    assert shows_date(code) is is_date
