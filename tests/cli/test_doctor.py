"""`leadscout doctor`: its exit code, and each finding with its cure."""

from __future__ import annotations

import shutil

import pytest

from leadscout_assets.diagnosis import LOOKS

FINDINGS = len(LOOKS) + 2
"""One for each look; of language models one where none is switched on; and at last one of the platform."""


def test_doctor_exits_1_where_something_needs_mending_and_0_where_nothing_does(leadscout, home):
    found = leadscout("doctor")
    assert found.code == 1
    assert "MEND  inbox" in found.out
    home.inbox_dir.mkdir(parents=True)
    assert leadscout("doctor").code == 0


def test_what_needs_mending_is_followed_by_its_cure(leadscout):
    lines = leadscout("doctor").out.splitlines()
    (at,) = [number for number, line in enumerate(lines) if line.startswith("MEND")]
    assert "LEADSCOUT_INBOX" in lines[at + 1]
    assert [line[:4] for line in lines if not line.startswith("      ")].count("ok  ") == FINDINGS - 1


def test_json_holds_every_finding_and_the_exit_code_is_the_same(leadscout):
    found = leadscout("doctor", "--json")
    assert found.code == 1
    assert len(found.json) == FINDINGS
    assert [finding["what"] for finding in found.json if not finding["ok"]] == ["inbox"]


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_it_says_nothing_of_the_people_and_files_it_passes(leadscout, home, leads, arguments):
    home.inbox_dir.mkdir(parents=True)
    leadscout("deliver", leads.rename(leads.with_name("Zwelibanzi Qwabe.csv")))
    shutil.copy(next(home.deliveries_dir.glob("??/*")), home.inbox_dir / "Zwelibanzi Qwabe.csv")
    found = leadscout("doctor", *arguments)
    assert found.code == 0
    assert "zwelibanzi" not in (found.out + found.err).lower()
