"""The gate, attacked: a purpose that is unknown, expired, for something else, or for generated lists alone."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest

from leadscout_assets.errors import BadInput, BadSetting
from leadscout_assets.governance.gate import Refused, allow_names, check_setting, decide
from leadscout_assets.leads.marker import MARKER, MARKER_COLUMN
from leadscout_assets.settings import Settings
from tests.purposes import IN_TESTS

ONE, TWO = "2026-03-02_list_0123abcd", "2026-03-02_list_4567abcd"
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)
MARKED = json.dumps({MARKER_COLUMN: MARKER})
OWN = """
[outreach]
purpose = "Statistics on our outreach."
ground = "s27(1)(d)"
responsible = "the information officer"
used_for = ["statistics"]
covers = ["leads"]
row_level = false
retention_days = 30
valid_until = 2026-03-02

[names]
purpose = "Looking at names."
ground = "s27(1)(a)"
responsible = "the information officer"
used_for = ["statistics"]
covers = ["names"]
row_level = false
retention_days = 30
valid_until = 2026-03-02
"""


@pytest.fixture
def with_purpose(home: Settings, tmp_path):
    path = tmp_path / "purposes.toml"
    path.write_text(OWN)

    def settings(purpose: str | None) -> Settings:
        return home.model_copy(update={"classification_purpose": purpose, "purposes": path})

    return settings


def rows(*marks: tuple[str, bool]):
    table = pa.table(
        {
            "batch_id": [batch for batch, _ in marks],
            "extra": pa.array([MARKED if m else None for _, m in marks], pa.string()),
        }
    )
    return lambda batches: table


def never(batches):
    raise AssertionError("rows are asked for only where the purpose is for generated lists")


def test_without_a_purpose_nothing_is_granted_and_nothing_refused(with_purpose):
    for blank in (None, "", "  "):
        (given,) = decide(with_purpose(blank), {ONE: NOW}, never, now=NOW).values()
        assert (given.entry, given.refusal, given.sentence) == (None, None, None)


def test_a_purpose_for_leads_holds_on_its_last_day_and_not_on_the_next(with_purpose):
    settings = with_purpose("outreach")
    assert decide(settings, {ONE: NOW}, never, now=NOW)[ONE].entry is not None
    # Johannesburg is two hours ahead: its day ends at ten in the evening, UTC.
    late = NOW.replace(hour=21, minute=59)
    assert decide(settings, {ONE: NOW}, never, now=late)[ONE].entry is not None
    given = decide(settings, {ONE: NOW}, never, now=late + timedelta(minutes=1))[ONE]
    assert (given.entry, given.refusal) == (None, Refused.EXPIRED)


@pytest.mark.parametrize(
    ("purpose", "refusal"),
    [("nonesuch", Refused.UNKNOWN), ("To call Thandiwe Nkosi", Refused.UNKNOWN), ("names", Refused.NOT_FOR_LEADS),
     ("evaluation", Refused.NOT_FOR_LEADS)],
)  # fmt: skip
def test_what_is_registered_for_nothing_or_for_something_else_is_refused(with_purpose, purpose, refusal):
    given = decide(with_purpose(purpose), {ONE: NOW}, never, now=NOW)[ONE]
    assert (given.entry, given.refusal, given.stated) == (None, refusal, None)
    assert "Nkosi" not in f"{given.sentence} {given.asked} {given.code}"


def test_the_demonstration_holds_for_a_list_that_was_generated_whole(with_purpose):
    given = decide(with_purpose("demonstration"), {ONE: NOW}, rows((ONE, True), (ONE, True)), now=NOW)[ONE]
    assert given.entry is not None
    assert given.entry.id == "demonstration"


def test_one_row_that_was_not_generated_refuses_its_batch_and_no_other(with_purpose):
    listed = rows((ONE, True), (TWO, True), (TWO, False), (ONE, True))
    given = decide(with_purpose("demonstration"), {ONE: NOW, TWO: NOW}, listed, now=NOW)
    assert given[ONE].entry is not None
    assert (given[TWO].entry, given[TWO].refusal) == (None, Refused.MARKER_MISSING)


def test_a_batch_of_which_no_row_is_there_is_not_proven_to_be_generated(with_purpose):
    given = decide(with_purpose("demonstration"), {ONE: NOW, TWO: NOW}, rows((ONE, True)), now=NOW)
    assert given[ONE].entry is not None
    assert given[TWO].refusal is Refused.MARKER_MISSING


def test_a_batch_past_the_retention_is_not_inferred_about_again(with_purpose):
    delivered = {ONE: NOW - timedelta(days=30), TWO: NOW - timedelta(days=31)}
    given = decide(with_purpose("outreach"), delivered, never, now=NOW)
    assert given[ONE].entry is not None
    assert given[TWO].refusal is Refused.PAST_RETENTION


def test_a_register_that_is_changed_counts_from_the_next_question_on(with_purpose):
    settings = with_purpose("outreach")
    before = decide(settings, {ONE: NOW}, never, now=NOW)[ONE].entry
    settings.purposes.write_text(OWN.replace("retention_days = 30", "retention_days = 3"))
    after = decide(settings, {ONE: NOW}, never, now=NOW)[ONE].entry
    assert before is not None
    assert after is not None
    assert before.digest != after.digest
    settings.purposes.write_text("")
    assert decide(settings, {ONE: NOW}, never, now=NOW)[ONE].refusal is Refused.UNKNOWN
    settings.purposes.write_text(OWN.replace("retention_days", "retention"))
    with pytest.raises(BadSetting, match="purpose outreach: retention_days"):
        decide(settings, {ONE: NOW}, never, now=NOW)


def test_a_file_of_names_needs_a_purpose_that_covers_names_row_by_row(with_purpose, home):
    assert allow_names(with_purpose(None), "evaluation", today=TODAY).id == "evaluation"
    assert allow_names(home.model_copy(update=IN_TESTS), None, today=TODAY).id == "tests"
    with pytest.raises(BadInput, match="--purpose"):
        allow_names(with_purpose(None), "  ", today=TODAY)
    for purpose, why in (
        ("outreach", "does not cover files of names"),
        ("demonstration", "does not cover files of names"),
        ("names", "row by row"),
        ("why not", "a free text is no registered purpose"),
    ):
        with pytest.raises(BadSetting, match=why):
            allow_names(with_purpose(None), purpose, today=TODAY)
    with pytest.raises(BadSetting, match="last day"):
        allow_names(with_purpose(None), "names", today=TODAY + timedelta(days=1))


def test_a_setting_that_names_no_entry_is_refused_before_anything_starts(with_purpose, home):
    check_setting(home)
    check_setting(with_purpose("outreach"))
    with pytest.raises(BadSetting, match="Register yours"):
        check_setting(with_purpose("market research 2026"))
    with pytest.raises(BadSetting, match="cannot be read"):
        check_setting(home.model_copy(update={"purposes": home.home / "missing.toml"}))
