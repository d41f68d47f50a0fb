from typing import Any

import pyarrow as pa
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from leadscout_assets.leads.emails import parse_emails


def _parse(cell: str | None) -> dict[str, Any]:
    row: dict[str, Any] = parse_emails(pa.array([cell], pa.string())).to_pylist()[0]
    return row


@pytest.mark.parametrize(
    ("cell", "address"),
    [
        ("info@example.co.za", "info@example.co.za"),
        ("INFO@EXAMPLE.CO.ZA", "info@example.co.za"),
        ("  info@example.co.za. ", "info@example.co.za"),
        ("mailto:info@example.co.za", "info@example.co.za"),
        ("<info@example.co.za>;", "info@example.co.za"),
        ("E-mail: info@example.co.za", "info@example.co.za"),
        ("Front Desk <info@example.co.za>", "info@example.co.za"),
        ("bad@; info@example.co.za, other@example.com", "info@example.co.za"),
        ("info@example.co.za / other@example.com", "info@example.co.za"),
        ("info@example.co.za of other@example.com", "info@example.co.za"),
        ("A @ example.com", "a@example.com"),
        ("a @example.com; b@example.com", "a@example.com"),
        ("Desk <info @ example.co.za>", "info@example.co.za"),
        ("info@en.example.co .za", "info@en.example.co.za"),
        ("o'neil@example.com", "o'neil@example.com"),
        ("andr\u00e9@example.com", "andr\u00e9@example.com"),
    ],
)
def test_an_address_is_found_however_it_is_written(cell: str, address: str) -> None:
    assert _parse(cell) == {"address": address, "is_free": False, "unusable": False}


@pytest.mark.parametrize(
    ("cell", "address"),
    [
        ("a@b.co .za", "a@b.co.za"),
        ("a@b.co. za", "a@b.co.za"),
        ("a@b.co za", "a@b.co.za"),
        ("a@b.co,za", "a@b.co.za"),
        ("a@b.co\u00a0.za", "a@b.co.za"),
        ("a@b .co.za", "a@b.co.za"),
        ("a@b.org .za", "a@b.org.za"),
        ("a@b.co .uk", "a@b.co.uk"),
        ("john .smith@example.com", "john.smith@example.com"),
        ("john smith @ example.com", None),
        ("a@b.c o.za", None),
        ("a@b.co.z a", None),
        ("a@b.net, ZA", "a@b.net"),
        ("a@b.com .home", "a@b.com"),
        ("a@b.com .c@d.com", "a@b.com"),
        ("info@example.com. call first", "info@example.com"),
    ],
)
def test_an_address_torn_by_a_blank_never_becomes_somebody_elses(cell: str, address: str | None) -> None:
    assert _parse(cell)["address"] == address


@pytest.mark.parametrize(
    "cell",
    ["info at example", "a@b.c", "A@EXAMPLE.Z", "info(at)example.com", "info@example", "@example.com", "info@", "a..b@example.com",
     "a b@", "www.example.com", "a" * 65 + "@example.com", "info@-example.com", "Desk <a@b.c>"],
)  # fmt: skip
def test_what_is_no_address_is_unusable(cell: str) -> None:
    assert _parse(cell) == {"address": None, "is_free": None, "unusable": True}


@pytest.mark.parametrize("cell", [None, "", " ", "N/A", "none", "-"])
def test_nothing_said_is_no_defect(cell: str | None) -> None:
    assert _parse(cell) == {"address": None, "is_free": None, "unusable": False}


@pytest.mark.parametrize("domain", ["gmail.com", "GMAIL.COM", "yahoo.co.za", "mweb.co.za", "telkomsa.net"])
def test_free_mail_is_flagged(domain: str) -> None:
    assert _parse(f"someone@{domain}")["is_free"] is True


def test_a_domain_that_only_ends_like_free_mail_is_not_free() -> None:
    assert _parse("someone@notgmail.com")["is_free"] is False


@given(st.from_regex(r"[a-z0-9._+\-]{1,12}@[a-z0-9.\-]{1,12}\.(?:com|co\.za)", fullmatch=True))
def test_the_pattern_accepts_nothing_that_email_validator_refuses(cell: str) -> None:
    address = _parse(cell)["address"]
    if address is not None:
        try:
            validate_email(str(address), check_deliverability=False)
        except EmailNotValidError as error:
            pytest.fail(f"accepted an address that is refused: {error}")


@given(st.lists(st.none() | st.text(max_size=30), max_size=8))
def test_any_text_gives_one_row_per_cell(cells: list[str | None]) -> None:
    parsed = parse_emails(pa.array(cells, pa.string())).to_pylist()
    assert len(parsed) == len(cells)
    assert not any(row["unusable"] and row["address"] for row in parsed)


@pytest.mark.parametrize("piece", [" .", "@ ", "a .b", "a@b.co ", ". "])
def test_hostile_repetition_does_not_explode(piece: str) -> None:
    assert _parse(piece * 10_000 + "!")["address"] in (None, "a@b.co")
