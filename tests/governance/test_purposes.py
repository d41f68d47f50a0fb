"""The register of purposes: what it takes, and that it says which entry and which field is at fault."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from leadscout_assets.errors import BadSetting
from leadscout_assets.governance.purposes import REFUSED_USES, Covers, Purpose, read_register, registered, shipped

ENTRY = {
    "purpose": '"Statistics on our outreach."',
    "ground": '"s27(1)(d)"',
    "responsible": '"the information officer"',
    "used_for": '["statistics"]',
    "covers": '["leads"]',
    "row_level": "false",
    "retention_days": "90",
    "valid_until": "2026-12-31",
}


@pytest.fixture
def register(tmp_path: Path):
    def write(name: str = "outreach", /, **changed: str | None) -> Path:
        fields = {name: value for name, value in (ENTRY | changed).items() if value is not None}
        path = tmp_path / "purposes.toml"
        path.write_text("\n".join([f"[{name}]", *(f"{field} = {value}" for field, value in fields.items())]))
        return path

    return write


def test_two_purposes_come_with_leadscout_one_for_generated_lists_and_one_for_names():
    found = shipped()
    assert {name: entry.covers for name, entry in found.items()} == {
        "demonstration": (Covers.GENERATED_LEADS,),
        "evaluation": (Covers.NAMES,),
    }


def test_a_register_adds_to_them(register):
    found = read_register(register())
    assert set(found) == {"demonstration", "evaluation", "outreach"}
    entry = found["outreach"]
    assert (entry.retention_days, entry.valid_until, entry.row_level) == (90, date(2026, 12, 31), False)
    assert entry.kept_until(date(2026, 1, 1)) == date(2026, 4, 1)
    assert not entry.expired(date(2026, 12, 31))
    assert entry.expired(date(2027, 1, 1))


@pytest.mark.parametrize("field", sorted(ENTRY))
def test_every_field_must_be_there(register, field):
    with pytest.raises(BadSetting, match=rf"LEADSCOUT_PURPOSES, purpose outreach: {field}: "):
        read_register(register(**{field: None}))


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"ground": '"legitimate interest"'}, "ground: name the section of POPIA"),
        ({"ground": '"s27"'}, "ground: "),
        ({"ground": '"generated"'}, "ground: `generated` is the ground of generated_leads"),
        ({"covers": '["generated_leads"]'}, "ground: `generated` is the ground of generated_leads"),
        ({"covers": "[]"}, "covers: "),
        ({"covers": '["everything"]'}, r"covers\.0: "),
        ({"retention_days": "0"}, "retention_days: "),
        ({"retention_days": '"90"'}, "retention_days: "),
        ({"retention_days": "90000"}, "retention_days: "),
        ({"row_level": '"yes"'}, "row_level: "),
        ({"valid_until": '"soon"'}, "valid_until: "),
        ({"purpose": '"  "'}, "purpose: "),
        ({"retention": "90"}, "retention: "),
        ({"used_for": '["marketing"]'}, r"used_for\.0: there is no use marketing"),
        ({"scoring": '["african"]'}, "scoring: "),
        ({"used_for": '["score"]'}, "used_for: `score` needs one of the grounds"),
        ({"id": '"other"'}, "id: it stands in the brackets"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named_by_entry_and_field(register, changed, named):
    with pytest.raises(BadSetting, match=f"purpose outreach: {named}"):
        read_register(register(**changed))


@pytest.mark.parametrize("use", sorted(REFUSED_USES))
def test_uses_that_decide_about_people_are_refused_whatever_the_register_says(register, use):
    with pytest.raises(
        BadSetting, match=rf"purpose outreach: used_for\.0: LeadScout is not used for {REFUSED_USES[use]}"
    ):
        read_register(register(used_for=f'["statistics", "{use}"]'.replace('"statistics", ', "")))


@pytest.mark.parametrize("name", ["demonstration", "evaluation"])
def test_the_purposes_that_come_with_leadscout_cannot_be_replaced(register, name):
    with pytest.raises(BadSetting, match=f"purpose {name}: id: this one comes with LeadScout"):
        read_register(register(name))


@pytest.mark.parametrize(
    ("content", "named"), [(b"[outreach", "no TOML"), (b"retention_days = 3", "stands outside"), (b"\xff\xfe", "read")]
)
def test_a_file_that_is_no_register_is_refused(tmp_path, content, named):
    (tmp_path / "purposes.toml").write_bytes(content)
    with pytest.raises(BadSetting, match=named):
        read_register(tmp_path / "purposes.toml")


def test_a_register_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadSetting, match="LEADSCOUT_PURPOSES: the register cannot be read"):
        read_register(tmp_path / "missing.toml")


def test_an_id_is_a_short_code(register):
    with pytest.raises(BadSetting, match=r"id: "):
        read_register(register('"Our outreach 2026"'))


def test_a_free_text_is_no_purpose_and_is_not_repeated():
    with pytest.raises(BadSetting, match="a free text is no registered purpose") as refused:
        registered(shipped(), "to call Thandiwe Nkosi")
    assert "Nkosi" not in str(refused.value)
    assert "LEADSCOUT_PURPOSES" in str(refused.value)
    with pytest.raises(BadSetting, match="outreach is no registered purpose"):
        registered(shipped(), "outreach")


def test_an_entry_is_told_from_itself_after_any_change(register):
    before = read_register(register())["outreach"]
    assert read_register(register())["outreach"].digest == before.digest
    for changed in ({"retention_days": "91"}, {"responsible": '"somebody else"'}, {"row_level": "true"}):
        assert read_register(register(**changed))["outreach"].digest != before.digest


def test_a_report_says_purpose_ground_person_and_retention(register):
    entry: Purpose = read_register(register())["outreach"]
    for words in ("outreach", "Statistics on our outreach.", "POPIA s27(1)(d)", "the information officer", "90 days"):
        assert words in entry.sentence
