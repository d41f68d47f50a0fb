"""`leadscout classify`: only with a purpose, which is recorded before anything is inferred."""

from __future__ import annotations

import csv
import getpass
from pathlib import Path

import pytest

from leadscout_assets.database.audit import events
from leadscout_assets.home import Home
from tests.purposes import ENVIRONMENT

PURPOSE = "evaluation"


@pytest.fixture
def names(tmp_path: Path) -> Path:
    path = tmp_path / "names.csv"
    path.write_text("id,name\n1,Thandiwe Nkosi\n2,\n3,Rajesh Naidoo\n")
    return path


@pytest.mark.parametrize("blank", [None, "", "   "])
def test_without_a_purpose_it_exits_2_and_infers_nothing(leadscout, home, names, tmp_path, blank):
    purpose = [] if blank is None else ["--purpose", blank]
    found = leadscout("classify", names, "--column", "name", "--out", tmp_path / "out.csv", *purpose)
    assert found.code == 2
    assert "--purpose" in found.err
    assert not (tmp_path / "out.csv").exists()
    (event,) = events(Home(home).database)
    assert event.action == "purpose.refused"


def test_with_a_purpose_each_row_is_answered_in_order_and_the_request_is_recorded(leadscout, home, names, tmp_path):
    out = tmp_path / "deep" / "out.csv"
    found = leadscout("classify", names, "--column", "name", "--out", out, "--purpose", PURPOSE)
    assert found.code == 0, found.err
    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["Thandiwe Nkosi", "", "Rajesh Naidoo"]
    assert [row["origin"] for row in rows] == ["african", "", "indian"]
    (event,) = events(Home(home).database)
    assert (event.action, event.reason, event.actor) == ("names.classified", PURPOSE, getpass.getuser())
    assert (event.detail["row_level"], event.detail["reveal_religion"]) == (True, False)
    assert "delete this file within 30 days" in found.out


def test_the_environments_purpose_counts_and_the_options_goes_before_it(leadscout, home, monkeypatch, names, tmp_path):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for purpose in ([], ["--purpose", PURPOSE]):
        assert leadscout("classify", names, "--column", "name", "--out", tmp_path / "out.csv", *purpose).code == 0
    assert [event.reason for event in events(Home(home).database)] == ["tests", PURPOSE]


@pytest.mark.parametrize(
    ("purpose", "why"),
    [("to call Thandiwe Nkosi", "Register yours"), ("demonstration", "does not cover files of names")],
)
def test_a_purpose_that_is_not_registered_or_covers_something_else_exits_2(
    leadscout, home, names, tmp_path, purpose, why
):
    found = leadscout("classify", names, "--column", "name", "--out", tmp_path / "out.csv", "--purpose", purpose)
    assert (found.code, why in found.err, "Nkosi" in found.err) == (2, True, False)
    assert not (tmp_path / "out.csv").exists()
    (event,) = events(Home(home).database)
    assert (event.action, event.reason) == ("purpose.refused", None)


def test_a_column_that_is_not_there_exits_2_and_no_classification_is_recorded(leadscout, home, names, tmp_path):
    found = leadscout("classify", names, "--column", "surname", "--out", tmp_path / "out.csv", "--purpose", PURPOSE)
    assert found.code == 2
    assert "--column" in found.err
    assert "Nkosi" not in found.err
    # The trail said that names were classified, of a file that could not be read.
    assert events(Home(home).database) == []


def test_an_answer_that_cannot_be_written_exits_2_and_is_recorded_for_it_was_inferred(leadscout, home, names, tmp_path):
    found = leadscout("classify", names, "--column", "name", "--out", tmp_path, "--purpose", PURPOSE)
    assert found.code == 2
    assert "--out" in found.err
    assert [event.action for event in events(Home(home).database)] == ["names.classified"]


@pytest.mark.parametrize("more", [[], ["--background"]])
def test_the_list_itself_as_the_answers_place_exits_2_and_stays_as_it_is(leadscout, home, names, tmp_path, more):
    before = names.read_bytes()
    (tmp_path / "link.csv").symlink_to(names)
    for out in (names, tmp_path / "link.csv"):
        found = leadscout("classify", names, "--column", "name", "--out", out, "--purpose", PURPOSE, *more)
        assert (found.code, "--out is the CSV with the names itself" in found.err) == (2, True)
    assert names.read_bytes() == before
    assert events(Home(home).database) == []


def test_stdout_and_stderr_name_nobody(leadscout, names, tmp_path):
    found = leadscout("classify", names, "--column", "name", "--out", tmp_path / "out.csv", "--purpose", PURPOSE)
    assert "Nkosi" not in found.out + found.err


def test_a_user_without_a_name_is_recorded_by_number(leadscout, home, monkeypatch, names, tmp_path):
    """As in a container whose user has no entry in its password file."""

    def nobody() -> str:
        raise OSError("No username set in the environment")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert leadscout("classify", names, "--column", "name", "--out", tmp_path / "o.csv", "--purpose", PURPOSE).code == 0
    (event,) = events(Home(home).database)
    assert event.actor.startswith("uid ")
