"""A reason that nobody can take out of the trail again names no person of a delivered list."""

from __future__ import annotations

import pytest

from leadscout_assets.cli.application import run_application
from leadscout_assets.database.audit import events
from leadscout_assets.errors import BadInput, EdgeFailed
from leadscout_assets.forgetting.reasons import kept_reason
from leadscout_assets.home import Home
from leadscout_assets.tables import Tables
from tests.forgetting.conftest import NOW, run
from tests.forgetting.test_lists import LIST


@pytest.fixture
def platform(home, tmp_path):
    found = Home(home)
    source = tmp_path / "leads.csv"
    source.write_text(LIST)
    run(found, found.deliver(source, now=NOW).delivery.batch_id, report=False)
    yield found
    found.database.close()


@pytest.mark.parametrize(
    "reason", ["the wrong list", "Botha sent it twice", "Thandi's and Palesa's columns were swapped", "x"]
)
def test_what_names_nobody_is_kept_as_typed(platform, reason):
    assert kept_reason(platform, reason) == reason


@pytest.mark.parametrize(
    "reason",
    ["asked by Thandi Nkosi", "NKOSI (thandi) wrote", "call 085 000 0042 first", "see thandi@example.co.za", "palesa of the Tau family"],
)  # fmt: skip
def test_what_names_somebody_is_refused_and_not_quoted(platform, reason):
    with pytest.raises(BadInput, match="kept for good") as raised:
        kept_reason(platform, reason)
    assert not [word for word in ("thandi", "nkosi", "palesa", "0042") if word in str(raised.value).lower()]


def test_every_command_whose_reason_is_an_event_looks_at_it_first(platform, monkeypatch):
    monkeypatch.setattr("leadscout_assets.settings._in_use", platform.settings)
    (record,) = platform.records.all()
    before = len(events(platform.database))
    for command in (
        ["undo", record.batch_id],
        ["alerts", "silence", "disk_low", "--hours", "1"],
        ["perf", "accept", "--asset", "leads"],
    ):
        assert run_application([*command, "--reason", "Thandi Nkosi asked for it"]) == 2, command
    assert len(events(platform.database)) == before


def test_in_a_home_without_a_list_any_words_are_kept(home):
    assert kept_reason(Home(home), "asked by Thandi Nkosi") == "asked by Thandi Nkosi"


def test_where_the_tables_are_away_an_alert_can_still_be_silenced(platform, monkeypatch):
    def away(*_: object, **__: object) -> None:
        raise EdgeFailed("the table cannot be read")

    monkeypatch.setattr(Tables, "read", away)
    assert kept_reason(platform, "the disk of Thandi Nkosi") == "the disk of Thandi Nkosi"
