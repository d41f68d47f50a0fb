"""Counts, shares and times as people read them."""

from datetime import UTC, datetime

import pytest

from leadscout_assets.contracts import FIELDS
from leadscout_assets.reports import wording
from leadscout_assets.terms import Method, Origin, PhoneKind, Province


@pytest.mark.parametrize(
    ("share", "written"),
    [(None, "\N{EN DASH}"), (0, "0.0%"), (0.0004, "<0.1%"), (0.5, "50.0%"), (0.99996, ">99.9%"), (1, "100.0%")],
)
def test_a_share_never_reads_as_nothing_or_all_where_it_is_not(share: float | None, written: str) -> None:
    assert wording.share(share) == written


def test_times_are_south_african() -> None:
    assert wording.moment(datetime(2026, 3, 1, 23, 5, tzinfo=UTC)) == "2026-03-02 01:05 SAST"


def test_sizes_are_decimal() -> None:
    assert [wording.size(n) for n in (999, 48_213, 3_100_000)] == ["999 bytes", "48 kB", "3.1 MB"]


def test_every_code_has_a_label() -> None:
    assert set(wording.PROVINCES) == set(Province)
    assert set(wording.ORIGINS) == set(Origin)
    assert set(wording.PHONE_KINDS) == set(PhoneKind)
    assert set(wording.METHODS) == set(Method)


def test_headings_are_those_of_a_lead_list() -> None:
    assert list(wording.HEADINGS) == list(FIELDS)
    assert wording.HEADINGS["registered_address_province"] == "RegisteredAddressProvince"
