"""`leadscout export`: recorded first, origins only by flag and purpose, nothing that a spreadsheet program would execute."""

from __future__ import annotations

import csv

import openpyxl
import pytest

from leadscout_assets.database.audit import events
from leadscout_assets.home import Home
from leadscout_assets.settings import read_settings
from tests.purposes import ENVIRONMENT, IN_TESTS, PURPOSE
from tests.reviewed import PEOPLE, classified, lead_list


@pytest.fixture(scope="module")
def platform(tmp_path_factory) -> Home:
    folder = tmp_path_factory.mktemp("exported")
    return Home(read_settings(home=folder / "home", **IN_TESTS))


@pytest.fixture(scope="module")
def batch(platform, tmp_path_factory) -> str:
    path = lead_list(tmp_path_factory.mktemp("lists") / "leads.csv")
    # As a line of business, so that it is no part of a name.
    lines = path.read_text().splitlines()
    cells = ['"=cmd|1"', '"\uff1d1+1"', '"@x"', *["PLUMBERS"] * (len(lines) - 4)]
    path.write_text("\n".join(f"{line},{cell}" for line, cell in zip(lines, ["Keyword", *cells], strict=True)) + "\n")
    return classified(platform, path)


@pytest.fixture
def export(leadscout, platform, monkeypatch):
    monkeypatch.setenv("LEADSCOUT_HOME", str(platform.settings.home))
    monkeypatch.setenv("LEADSCOUT_PURPOSES", str(IN_TESTS["purposes"]))

    def run(batch: str, out, *more):
        return leadscout("export", batch, "--out", out, *more)

    return run


def newest(platform):
    return events(platform.database, action="leads.exported", limit=1)


def in_csv(path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_leads_are_written_by_rank_without_origins_unless_asked_for_and_that_is_recorded(
    export, platform, batch, tmp_path
):
    out = tmp_path / "deep" / "leads.csv"
    found = export(batch, out)
    assert (found.code, found.out) == (0, f"7 leads written: {out}\n")
    rows = in_csv(out)
    assert [row["Rank"] for row in rows] == [str(rank) for rank in range(1, 8)]
    assert "Name origin" not in rows[0]
    (event,) = newest(platform)
    assert (event.subject, event.reason, event.detail["row_level"], event.detail["leads"]) == (batch, None, False, 7)
    assert out.stat().st_mode & 0o077 == 0


def test_origins_need_the_flag_and_a_purpose(export, platform, batch, tmp_path):
    before = newest(platform)
    found = export(batch, tmp_path / "leads.csv", "--with-origin")
    assert found.code == 2
    assert "--purpose" in found.err
    assert not (tmp_path / "leads.csv").exists()
    assert newest(platform) == before
    for purpose, why in (
        ("a study", "in no register"),
        ("evaluation", "cover lead"),
        ("demonstration", "generated lists"),
    ):
        found = export(batch, tmp_path / "leads.csv", "--with-origin", "--purpose", purpose)
        assert (found.code, why in found.err) == (2, True)
        assert not (tmp_path / "leads.csv").exists()
    refused = events(platform.database, action="purpose.refused")
    assert [event.detail["why"] for event in refused] == [
        "not_named",
        "unknown",
        "not_for_leads",
        "marker_missing",
    ]
    assert export(batch, tmp_path / "leads.csv", "--with-origin", "--purpose", PURPOSE).code == 0
    rows = {row["Director's surname"]: row["Name origin"] for row in in_csv(tmp_path / "leads.csv")}
    assert (rows["Naidoo"], rows["Johnson"]) == ("Indian", "European or Coloured")
    (event,) = newest(platform)
    assert (event.reason, event.detail) == (
        PURPOSE,
        {"row_level": True, "leads": 7, "suppressed": 0, "format": "csv", "reveal_religion": False},
    )


def test_a_workbook_with_origins_says_first_what_must_be_known(export, batch, monkeypatch, tmp_path):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    assert export(batch, tmp_path / "leads.XLSX", "--with-origin").code == 0
    book = openpyxl.load_workbook(tmp_path / "leads.XLSX")
    assert book.sheetnames == ["Read first", "Leads"]
    assert PURPOSE in [row[1] for row in book["Read first"].values]
    assert book["Leads"].max_row == len(PEOPLE) + 1
    assert export(batch, tmp_path / "plain.xlsx").code == 0
    assert openpyxl.load_workbook(tmp_path / "plain.xlsx").sheetnames == ["Leads"]


def test_nothing_in_either_file_is_a_formula(export, batch, tmp_path):
    for name in ("leads.csv", "leads.xlsx"):
        assert export(batch, tmp_path / name).code == 0
    keywords = {row["Keyword"] for row in in_csv(tmp_path / "leads.csv")}
    assert keywords == {"'=cmd|1", "'\uff1d1+1", "'@x", "PLUMBERS"}
    assert (tmp_path / "leads.csv").read_text(encoding="utf-8-sig").splitlines()[1].startswith('"1"')
    page = openpyxl.load_workbook(tmp_path / "leads.xlsx")["Leads"]
    assert {cell.data_type for row in page.iter_rows() for cell in row} <= {"s", "n"}
    assert "=cmd|1" in {cell.value for row in page.iter_rows() for cell in row}


def test_what_cannot_be_written_exits_2_and_is_not_recorded(export, platform, batch, tmp_path):
    before = newest(platform)
    (tmp_path / "folder.csv").mkdir()
    for out, unknown in (("leads.pdf", batch), ("leads.csv", "2026-03-02_list_00000000"), ("folder.csv", batch)):
        assert export(unknown, tmp_path / out).code == 2
    assert newest(platform) == before


@pytest.mark.parametrize("more", [[], ["--background"]])
def test_a_delivered_list_is_not_written_over(export, platform, batch, tmp_path, more):
    before, copy = newest(platform), tmp_path / "leads.csv"
    copy.write_bytes(platform.store.path(platform.records.get(batch).sha256).read_bytes())
    content = copy.read_bytes()
    found = export(batch, copy, *more)
    assert (found.code, "--out is a list that was delivered" in found.err) == (2, True)
    assert copy.read_bytes() == content
    assert newest(platform) == before


def test_a_batch_without_leads_says_where_to_look(export, platform, tmp_path):
    from tests.reviewed import NOON

    path = tmp_path / "later.csv"
    path.write_text("EntityName,DirectorName\nACACIA,ANN NEL\n")
    waiting = platform.deliver(path, now=NOON).delivery.batch_id
    found = export(waiting, tmp_path / "leads.csv")
    assert found.code == 2
    assert f"leadscout show {waiting}" in found.err
