"""A delivery's identity: batch keys that sort by day, match their pattern, and show no word of a name."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscout_assets.contracts import BATCH_ID
from leadscout_assets.leads.delivery import MAX_SLUG_LENGTH, NEUTRAL_SLUG, Delivery, batch_key, shown_name, slug_of
from leadscout_assets.terms import TIME_ZONE

SHA256 = "0123abcd" * 8
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

first, last = datetime(1970, 1, 2), datetime(2200, 1, 1)  # noqa: DTZ001 - the strategy adds the zones
moments = st.datetimes(first, last, timezones=st.timezones())


def test_a_batch_key_is_day_slug_and_beginning_of_the_hash():
    assert batch_key(NOON, "leads.xlsx", SHA256) == "2026-03-02_leads_0123abcd"


def test_the_day_is_that_of_johannesburg():
    evening = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)
    assert batch_key(evening, "leads.xlsx", SHA256).startswith("2026-03-03_")
    west = datetime(2026, 3, 3, 0, 30, tzinfo=timezone(timedelta(hours=5)))
    assert batch_key(west, "leads.xlsx", SHA256).startswith("2026-03-02_")


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        batch_key(NOON.replace(tzinfo=None), "leads.xlsx", SHA256)


def test_the_slug_can_be_switched_off():
    assert batch_key(NOON, "leads.xlsx", SHA256, slug=False) == "2026-03-02_list_0123abcd"


@pytest.mark.parametrize(
    ("file_name", "slug"),
    [
        ("leads.xlsx", "leads"),
        ("Leads_2026.csv", "leads-2026"),
        ("LEADS 20260302.XLSX", "leads-20260302"),
        ("leads", "leads"),
        ("leads (1).xlsx", "leads-1"),
    ],
)
def test_words_that_say_nothing_of_anyone_are_shown(file_name, slug):
    assert slug_of(file_name) == slug


@pytest.mark.parametrize(
    "file_name",
    [
        "Thandi Mokoena.xlsx", "leads Mokoena.xlsx", "MokoenaLeads.xlsx", "leads_from_thandi@example.org.csv", "8001015009087.csv",
        "leads 0821234567.xlsx", "leads 08212345678.xlsx", "Kliënte.xlsx", "leads ٤٥٦.csv", "", "   ", "!!!.csv", "...", "名单.xlsx",
    ],
)  # fmt: skip
def test_any_other_name_becomes_list(file_name):
    assert slug_of(file_name) == NEUTRAL_SLUG


def test_a_slug_that_would_be_too_long_becomes_list():
    assert slug_of("-".join(["leads"] * 20) + ".csv") == NEUTRAL_SLUG
    assert len(slug_of("-".join(["leads"] * 6) + ".csv")) <= MAX_SLUG_LENGTH


@given(delivered_at=moments, file_name=st.text(), slug=st.booleans())
def test_every_key_is_a_well_formed_batch_id(delivered_at, file_name, slug):
    key = batch_key(delivered_at, file_name, SHA256, slug=slug)
    assert re.fullmatch(BATCH_ID, key)
    assert key.startswith(delivered_at.astimezone(TIME_ZONE).date().isoformat())


@given(
    delivered_at=moments,
    file_name=st.text(),
    size=st.integers(0, 10**12),
    rows=st.none() | st.integers(0, 10**7),
)
def test_a_manifest_reads_back_as_the_delivery_it_was(delivered_at, file_name, size, rows):
    delivery = Delivery("2026-03-02_list_0123abcd", SHA256, file_name, size, delivered_at, rows)
    again = Delivery.from_json(delivery.to_json())
    # Python holds times of two zones in a repeated hour for unequal, hence in UTC.
    assert again.delivered_at.astimezone(UTC) == delivered_at.astimezone(UTC)
    assert replace(again, delivered_at=delivered_at) == delivery
    assert again.delivered_at.utcoffset() == delivered_at.utcoffset()


def test_a_name_with_bytes_of_another_encoding_is_shown_with_marks_in_their_place():
    assert shown_name(os.fsdecode("Kliënte.csv".encode("cp1252"))) == "Kli\ufffdnte.csv"
    assert shown_name("Kliënte 名单.csv") == "Kliënte 名单.csv"


def test_a_manifest_is_json_that_a_person_can_read():
    delivery = Delivery("2026-03-02_list_0123abcd", SHA256, "Kliënte.csv", 5, NOON, None)
    assert "Kliënte.csv" in delivery.to_json()
    assert json.loads(delivery.to_json())["delivered_at"] == "2026-03-02T12:00:00+00:00"
