"""`leadscout review`: out with a purpose, back by rows that hold, winning from then on, and gone for good when forgotten."""

from __future__ import annotations

import getpass
import re
import shutil
from pathlib import Path

import openpyxl
import pytest

from leadscout_assets.database.audit import events
from leadscout_assets.home import Home
from leadscout_assets.settings import read_settings
from tests.purposes import ENVIRONMENT, IN_TESTS, PURPOSE
from tests.reviewed import PEOPLE, Reviewer, answers_of, classified, lead_list, rerun

EUROPEANS = Reviewer(lambda _: "european")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> tuple[Path, str]:
    """A home with one classified batch, made once: copying it takes a moment, making it half a second."""
    folder = tmp_path_factory.mktemp("prepared")
    home = Home(read_settings(home=folder / "home", **IN_TESTS))
    batch = classified(home, lead_list(folder / "leads.csv"))
    home.database.close()
    return folder / "home", batch


@pytest.fixture
def batch(prepared, home) -> str:
    shutil.copytree(prepared[0], home.home)
    return prepared[1]


@pytest.fixture
def platform(home, batch, monkeypatch) -> Home:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return Home(read_settings())


@pytest.fixture
def paper(leadscout, platform, batch, tmp_path):
    path = tmp_path / "review.xlsx"
    found = leadscout("review", "export", batch, "--out", path)
    assert found.code == 0, found.err
    return path


def bring_back(leadscout, path, *more, reviewer="Ann"):
    return leadscout("review", "import", path, "--reviewer", reviewer, *more)


def test_without_a_purpose_nothing_is_exported(leadscout, batch, home, tmp_path):
    found = leadscout("review", "export", batch, "--out", tmp_path / "review.xlsx")
    assert found.code == 2
    assert "--purpose" in found.err
    assert not (tmp_path / "review.xlsx").exists()
    assert events(Home(home).database, action="review.exported") == []


def test_an_export_holds_all_undecided_and_a_sample_and_is_audited_with_its_purpose(
    leadscout, batch, platform, tmp_path
):
    path = tmp_path / "review.xlsx"
    found = leadscout("review", "export", batch, "--out", path, "--sample", 2, "--purpose", PURPOSE)
    assert found.code == 0, found.err
    names = {
        str(row[1]).upper() for row in openpyxl.load_workbook(path)["Review"].iter_rows(min_row=2, values_only=True)
    }
    assert {name for name, origin in PEOPLE.items() if not origin} <= names
    assert len(names) == 4
    (event,) = events(platform.database, action="review.exported")
    assert (event.action, event.subject, event.reason, event.actor) == (
        "review.exported",
        batch,
        PURPOSE,
        getpass.getuser(),
    )
    assert event.detail == {"row_level": True, "names": 4, "sampled": 2, "seed": 0}


def test_without_a_place_the_workbook_lies_in_the_home(leadscout, batch, platform):
    assert leadscout("review", "export", batch).code == 0
    assert (platform.settings.exports_dir / f"{batch}.review.xlsx").is_file()


def test_a_delivered_list_is_not_written_over(leadscout, batch, platform, tmp_path):
    copy = tmp_path / "leads.csv"
    copy.write_bytes(platform.store.path(platform.records.get(batch).sha256).read_bytes())
    content = copy.read_bytes()
    found = leadscout("review", "export", batch, "--out", copy)
    assert (found.code, "--out is a list that was delivered" in found.err) == (2, True)
    assert copy.read_bytes() == content


def test_what_is_no_batch_or_has_nothing_to_review_exits_2(leadscout, batch, platform, tmp_path):
    assert leadscout("review", "export", "2026-03-02_list_00000000").code == 2
    path = tmp_path / "all.xlsx"
    leadscout("review", "export", batch, "--out", path)
    bring_back(leadscout, EUROPEANS.fill(path))
    found = leadscout("review", "export", batch)
    assert found.code == 2
    assert "no name to review" in found.err


def test_answers_win_at_the_next_run_and_in_every_later_batch(leadscout, platform, batch, paper, tmp_path):
    assert bring_back(leadscout, EUROPEANS.fill(paper)).code == 0
    rerun(platform, batch)
    first = answers_of(platform, batch)
    assert {(row["origin"], row["method"], row["confidence"]) for row in first.values()} == {
        ("european", "verified", 0.95)
    }
    later = classified(platform, lead_list(tmp_path / "later.csv", people=(*PEOPLE, "ANNA NKOSI")))
    second = answers_of(platform, later)
    assert {name: row["method"] for name, row in second.items()} == {
        **dict.fromkeys(PEOPLE, "verified"),
        "ANNA NKOSI": "lexicon",
    }


def test_a_name_that_two_leads_confirm_is_known_in_other_businesses_too(leadscout, platform, tmp_path):
    alike = ("SIPHO DLAMINI", "DLAMINI, SIPHO")
    first = classified(platform, lead_list(tmp_path / "one.csv", people=alike))
    path = tmp_path / "review.xlsx"
    leadscout("review", "export", first, "--out", path)
    assert bring_back(leadscout, EUROPEANS.fill(path)).code == 0
    second = classified(platform, lead_list(tmp_path / "two.csv", mark="TWO", people=("Sipho Dlamini", "S Dlamini")))
    rows = answers_of(platform, second)
    assert (rows["SIPHO DLAMINI"]["origin"], rows["SIPHO DLAMINI"]["method"]) == ("european", "memory")
    assert (rows["S DLAMINI"]["origin"], rows["S DLAMINI"]["method"]) == ("african", "lexicon")
    assert rows["SIPHO DLAMINI"]["confidence"] < 0.95
    names = tmp_path / "names.csv"
    names.write_text("id,name\n1,Sipho Dlamini\n")
    leadscout("classify", names, "--column", "name", "--out", tmp_path / "out.csv")
    assert "memory" in (tmp_path / "out.csv").read_text()


def test_a_single_run_takes_them_too(leadscout, platform, batch, paper, tmp_path):
    bring_back(leadscout, EUROPEANS.fill(paper))
    found = leadscout("run", lead_list(tmp_path / "again.csv"), "--out", tmp_path / "out", "--json").json
    assert (found["answered"], found["narrowed"]) == (7, 0)


def test_importing_twice_stores_once_and_a_changed_mind_once_more(leadscout, batch, paper):
    EUROPEANS.fill(paper)
    first, second = (bring_back(leadscout, paper, "--json").json for _ in range(2))
    assert (first["new"], first["unchanged"], second["new"], second["unchanged"]) == (7, 0, 0, 7)
    Reviewer(lambda name: "indian" if "NAIDOO" in name else "european").fill(paper)
    assert bring_back(leadscout, paper, "--json").json["new"] == 1


def test_a_row_at_fault_is_named_and_nothing_is_stored_unless_partial(leadscout, platform, batch, paper):
    EUROPEANS.fill(paper)
    book = openpyxl.load_workbook(paper)
    book["Review"]["C4"], book["Review"]["B5"] = "martian", "Thandi Nkosi"
    book.save(paper)
    found = bring_back(leadscout, paper)
    assert found.code == 2
    assert "row 4: Origin holds none of the choices" in found.out
    assert "row 5: the name is not the one" in found.out
    assert not {"martian", "Nkosi"} & set((found.out + found.err).replace(":", "").split())
    assert "review.imported" not in [event.action for event in events(platform.database)]
    partial = bring_back(leadscout, paper, "--partial", "--json")
    assert (partial.code, partial.json["new"], [fault["row"] for fault in partial.json["faults"]]) == (1, 5, [4, 5])
    assert events(platform.database)[-1].detail == {
        "kind": "reviewer",
        "answers": 5,
        "refused_rows": 2,
        "batches": [batch],
    }


def test_a_person_s_own_word_goes_before_a_reviewer_s(leadscout, platform, batch, paper):
    EUROPEANS.fill(paper)
    bring_back(leadscout, Reviewer(lambda _: "coloured").fill(paper), "--kind", "self_declared", reviewer="desk")
    bring_back(leadscout, EUROPEANS.fill(paper))
    rerun(platform, batch)
    rows = answers_of(platform, batch).values()
    assert {(row["origin"], row["confidence"]) for row in rows} == {("coloured", 0.99)}


def test_a_person_who_does_not_wish_to_say_is_not_classified_any_more(leadscout, platform, batch, paper):
    only = Reviewer(lambda name: "cannot tell" if "NAIDOO" in name else "")
    found = bring_back(leadscout, only.fill(paper), "--kind", "self_declared", "--json", reviewer="desk")
    assert (found.json["new"], found.json["not_answered"]) == (1, 6)
    rerun(platform, batch)
    row = answers_of(platform, batch)["RAJESH NAIDOO"]
    assert (row["origin"], row["origin_set"], row["method"]) == (None, [], "verified")


def test_somebody_must_have_reviewed(leadscout, paper):
    for reviewer in ("", "  ", "x" * 65, "Ann\x07"):
        found = bring_back(leadscout, paper, reviewer=reviewer)
        assert found.code == 2
        assert "--reviewer" in found.err


def test_forgetting_deletes_every_trace_and_what_it_decided_in_any_batch(leadscout, platform, batch, paper, tmp_path):
    bring_back(leadscout, EUROPEANS.fill(paper))
    later = classified(platform, lead_list(tmp_path / "later.csv", people=(*PEOPLE, "ANNA NKOSI")))
    before = answers_of(platform, later)
    lead = str(before["RAJESH NAIDOO"]["lead_id"])
    found = leadscout("review", "forget", "--lead", lead)
    assert found.code == 0, found.err
    assert f"leadscout backfill {later}\n" in found.out
    (event,) = events(platform.database, action="review.forgotten")
    assert (event.subject, event.detail) == (lead, {"reviews": 1, "questions": 1, "batches": [later]})
    after = answers_of(platform, later)
    assert (after["RAJESH NAIDOO"]["origin"], after["RAJESH NAIDOO"]["method"]) == (None, "abstained")
    assert {name: row for name, row in after.items() if name != "RAJESH NAIDOO"} == {
        name: row for name, row in before.items() if name != "RAJESH NAIDOO"
    }
    rerun(platform, later)
    assert answers_of(platform, later)["RAJESH NAIDOO"]["method"] == "lexicon"
    again = leadscout("review", "forget", "--lead", lead)
    assert (again.code, "backfill" in again.out) == (0, False)


def test_what_is_no_lead_id_is_not_forgotten_or_repeated(leadscout, platform):
    found = leadscout("review", "forget", "--lead", "Sipho Dlamini")
    assert found.code == 2
    assert "Dlamini" not in found.err


def test_the_report_compares_the_model_with_people(leadscout, batch, paper):
    assert leadscout("review", "report").code == 0
    bring_back(leadscout, Reviewer(lambda name: PEOPLE[name] if PEOPLE.get(name) else "coloured").fill(paper))
    found = leadscout("review", "report", "--json").json
    assert (found["asked"], found["reviewed"]) == (7, 7)
    assert (found["answered"]["reviewed"], found["answered"]["agreed"]) == (5, 5)
    assert (found["sets"]["reviewed"], found["sets"]["agreed"]) == (2, 1)
    text = leadscout("review", "report").out
    assert re.search(r"answered +5 +5 +100\.0% +56\.5% +100\.0%", text)


def test_nothing_that_commands_print_or_record_holds_a_name(leadscout, platform, batch, paper, tmp_path):
    out = [bring_back(leadscout, EUROPEANS.fill(paper)), leadscout("review", "report"), leadscout("audit")]
    shown = "".join(one.out + one.err for one in out).upper()
    assert not [word for name in PEOPLE for word in name.split() if len(word) > 3 and word in shown]
    database = b"".join(path.read_bytes() for path in platform.settings.home.joinpath("database").iterdir()).upper()
    assert not [word for name in PEOPLE for word in name.split() if len(word) > 4 and word.encode() in database]
