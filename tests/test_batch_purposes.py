"""The purpose of each batch: recorded before anything is inferred, said when it changes, and deleted after its retention."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import openpyxl
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest

from leadscout_assets import contracts, pipeline
from leadscout_assets.batch_overview import details, facts_of, failing_checks
from leadscout_assets.batch_purposes import delete_inferred, grant, overdue, recorded, require_registered, weigh_origins
from leadscout_assets.database.audit import events
from leadscout_assets.database.reviews import Reviews
from leadscout_assets.errors import BadSetting
from leadscout_assets.forgetting.erasing import erase_from_batch
from leadscout_assets.governance.searching import Needles
from leadscout_assets.home import Home
from leadscout_assets.lead_tables import LEAD_TABLES
from leadscout_assets.leads.synthetic import write_delivery
from leadscout_assets.reviewing import export_review
from leadscout_assets.scoring import LEAD_SCORES
from leadscout_assets.settings import Settings
from tests.purposes import IN_TESTS

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ROWS = 40
SCORING = """
[scoring]
purpose = "To call first whom we know how to greet."
ground = "s27(1)(a)"
responsible = "whoever runs the tests"
used_for = ["score"]
covers = ["leads"]
row_level = false
retention_days = 30
valid_until = 2099-12-31
"""


@pytest.fixture
def register(tmp_path):
    path = tmp_path / "purposes.toml"
    text = IN_TESTS["purposes"].read_text()
    path.write_text(text + text.replace("[tests]", "[short]").replace("36500", "30") + SCORING)
    return path


@pytest.fixture
def under(home: Settings, register):
    def under(purpose: str | None, origin_weight: int = 0) -> Home:
        own = {"classification_purpose": purpose, "purposes": register, "origin_weight": origin_weight}
        return Home(home.model_copy(update=own))

    return under


@pytest.fixture
def source(tmp_path):
    write_delivery(tmp_path / "leads.csv", ROWS, seed=5)
    return tmp_path / "leads.csv"


def run(home: Home, batch: str, at: datetime = NOW) -> None:
    """What the assets do, without their orchestrator."""
    deliveries, settings = home.deliveries([batch]), home.settings
    raw = pipeline.read(deliveries, home.store.path, settings).raw
    home.tables.replace(contracts.RAW_LEADS, raw, [batch])
    leads, rejected, _ = pipeline.validate(raw, home.lead_id_key)
    grants = grant(home, deliveries, run_id="a-run-id", actor="tests", now=at)
    classified = pipeline.classify(leads, settings, grants)
    points = weigh_origins(home, recorded(home, [batch]), by={"run_id": "a-run-id"}, actor="tests", now=at)
    scores = pipeline.score(leads, points, classified)
    frames = pipeline.Frames(raw, leads, rejected, classified, scores)
    reports, _ = pipeline.report(deliveries, frames, settings.reports_dir, settings, recorded(home, [batch]))
    made = (raw, leads, rejected, frames.classifications, scores, reports)
    for contract, frame in zip(LEAD_TABLES, made, strict=True):
        home.tables.replace(contract, frame, [batch])


def told(home: Home, action: str) -> list[dict[str, object]]:
    return [event.detail for event in events(home.database, action=action)]


def methods(home: Home, batch: str) -> set[str]:
    return set(home.tables.read(contracts.CLASSIFICATIONS, [batch])["method"].to_pylist())


def verdict(home: Home, batch: str) -> str:
    from leadscout_assets.checks import CHECKS, limits_from

    (check,) = (one for one in CHECKS if one.name == "classification_purpose")
    (facts,) = facts_of(home, ["classifications"], [batch])
    found = check.judge(facts, limits_from(home.settings))
    return f"{found.passed}: {found.sentence}"


def test_the_purpose_is_recorded_with_the_batch_and_in_the_trail(under, source):
    home = under("tests")
    batch = home.deliver(source, now=NOW).delivery.batch_id
    run(home, batch)
    record = home.records.get(batch)
    assert (record.purpose, record.purpose_refusal, record.retention_days) == ("tests", None, 36500)
    (event,) = events(home.database, action="leads.classified")
    assert (event.reason, event.detail["batches"], event.detail["entry"]) == ("tests", [batch], record.purpose_entry)
    assert event.detail["ground"] == "s27-1-d"
    assert details(home, batch).purpose == "tests"
    assert verdict(home, batch) == "True: the purpose is tests"
    page = home.settings.reports_dir / batch / f"{batch}.html"
    assert "Recorded purpose: tests. Tests on invented people. Ground: POPIA s27(1)(d)" in page.read_text()


def test_a_batch_run_again_under_another_purpose_says_so(under, source):
    first = under("tests")
    batch = first.deliver(source, now=NOW).delivery.batch_id
    run(first, batch)
    second = under("short")
    run(second, batch)
    (change,) = told(second, "purpose.changed")
    assert (change["from"], change["to"]) == ("tests", "short")
    assert second.records.get(batch).purpose_before == "tests"
    assert verdict(second, batch) == "True: run again under another purpose: short now, tests before"
    without = under(None)
    run(without, batch)
    assert told(without, "purpose.changed")[-1]["to"] is None
    assert verdict(without, batch) == "True: run again under another purpose: none now, short before"
    assert methods(without, batch) == {"no_purpose"}


def test_a_batch_run_again_after_its_entry_was_edited_says_so(under, source, register):
    home = under("tests")
    batch = home.deliver(source, now=NOW).delivery.batch_id
    run(home, batch)
    before = home.records.get(batch).purpose_entry
    register.write_text(register.read_text().replace("whoever runs the tests", "somebody else"))
    assert "as it stood in the register then" in str(recorded(home, [batch])[batch].stated)
    run(home, batch)
    (change,) = told(home, "purpose.changed")
    assert (change["from"], change["to"], change["from_entry"]) == ("tests", "tests", before)
    run(home, batch)
    assert len(told(home, "purpose.changed")) == 1


def test_one_row_without_the_mark_keeps_a_list_from_the_demonstration_and_the_refusal_is_recorded(
    under, source, tmp_path
):
    home, forged = under("demonstration"), tmp_path / "forged.csv"
    text = source.read_text()
    at = text.index(",1\n", len(text) // 2)
    forged.write_text(text[:at] + "," + text[at + 2 :])
    batches = [home.deliver(path, now=NOW).delivery.batch_id for path in (source, forged)]
    for batch in batches:
        run(home, batch)
    assert methods(home, batches[0]) != {"no_purpose"}
    assert methods(home, batches[1]) == {"no_purpose"}
    (refused,) = events(home.database, action="purpose.refused")
    assert (refused.subject, refused.detail["why"]) == (batches[1], "marker_missing")
    assert verdict(home, batches[1]).startswith(
        "False: the purpose demonstration is refused: it is for generated lists"
    )
    page = (home.settings.reports_dir / batches[1] / f"{batches[1]}.html").read_text()
    assert "The purpose demonstration is refused" in page


S71 = "not the sole basis of a decision about anyone: a human reviews it (POPIA, section 71)"


def points_of(home: Home, batch: str) -> set[int]:
    return set(home.tables.read(LEAD_SCORES, [batch])["name_origin"].to_pylist())


def test_a_known_origin_counts_where_operator_and_purpose_allow_it_with_an_event_and_a_sentence_on_every_report(
    under, source
):
    home = under("scoring", origin_weight=3)
    require_registered(home, "up")
    batch = home.deliver(source, now=NOW).delivery.batch_id
    run(home, batch)
    assert points_of(home, batch) == {0, 300}
    known = home.answers([batch]).filter(pc.is_valid(pc.field("origin")))["lead_id"].to_pylist()
    scores = home.tables.read(LEAD_SCORES, [batch])
    assert sorted(known) == sorted(scores.filter(pc.field("name_origin") > 0)["lead_id"].to_pylist())
    (event,) = events(home.database, action="origin.weighed")
    assert (event.reason, event.actor) == ("scoring", "tests")
    assert event.detail.items() >= {"points": 3, "batches": [batch], "run_id": "a-run-id"}.items()
    folder = home.settings.reports_dir / batch
    page, book = (folder / f"{batch}.{kind}" for kind in ("html", "xlsx"))
    assert page.read_text().count(S71) == 2
    assert "plays no part in the score" not in page.read_text()
    sheets = openpyxl.load_workbook(book)
    for sheet in ("Summary", "About"):
        assert any(S71 in str(cell) for row in sheets[sheet].iter_rows(values_only=True) for cell in row)
    if pdftotext := shutil.which("pdftotext"):
        told = subprocess.run(
            [pdftotext, str(folder / f"{batch}.pdf"), "-"], check=True, capture_output=True, text=True
        )
        assert S71 in " ".join(told.stdout.split())


@pytest.mark.parametrize("purpose", ["tests", None])
def test_a_purpose_that_does_not_allow_it_leaves_the_score_alone_and_the_attempt_is_recorded(under, source, purpose):
    home, plain = under(purpose, origin_weight=3), under(purpose)
    batch = home.deliver(source, now=NOW).delivery.batch_id
    run(home, batch)
    assert points_of(home, batch) == {0}
    (refused,) = events(home.database, action="purpose.refused")
    assert (refused.subject, refused.detail["why"]) == (batch, "not_for_score")
    assert events(home.database, action="origin.weighed") == []
    scores = home.tables.read(LEAD_SCORES, [batch]).sort_by("lead_id")
    assert scores.equals(pipeline.score(home.tables.read(contracts.LEADS, [batch])).sort_by("lead_id"))
    assert S71 not in (home.settings.reports_dir / batch / f"{batch}.html").read_text()
    with pytest.raises(BadSetting, match=r"LEADSCOUT_ORIGIN_WEIGHT: .*only for a purpose with"):
        require_registered(home, "up")
    require_registered(plain, "up")


def test_an_entry_that_has_expired_since_the_names_were_classified_does_not_count_any_more(under, source):
    home = under("scoring", origin_weight=3)
    batch = home.deliver(source, now=NOW).delivery.batch_id
    run(home, batch)
    given = recorded(home, [batch])
    assert weigh_origins(home, given, by={}, actor=None, now=NOW) == {batch: 3}
    assert weigh_origins(home, given, by={}, actor=None, now=NOW.replace(year=2100)) == {batch: 0}


def test_what_a_known_origin_added_to_a_score_goes_with_the_answers_after_the_retention(under, source):
    home = under("scoring", origin_weight=5)
    batch = home.deliver(source, now=NOW).delivery.batch_id
    run(home, batch)
    after = NOW + timedelta(days=31)
    delete_inferred(home, overdue(home, now=after), actor="tests", now=after)
    assert points_of(home, batch) == {0}
    leads = home.tables.read(contracts.LEADS, [batch])
    assert home.tables.read(LEAD_SCORES, [batch])["score"].to_pylist() == sorted(
        pipeline.score(leads)["score"].to_pylist(), reverse=True
    )
    for path in (home.settings.tables_dir / "lead_scores").rglob("*.parquet"):
        assert not any(ds.dataset(path, format="parquet").to_table(columns=["name_origin"])["name_origin"].to_pylist())
    assert failing_checks(home, [batch]) == {}


def test_once_everyone_whose_origin_counted_is_erased_it_counts_for_nobody_as_in_a_run_of_who_is_left(under, source):
    home = under("scoring", origin_weight=5)
    batch = home.deliver(source, now=NOW).delivery.batch_id
    run(home, batch)
    known = home.answers([batch]).filter(pc.is_valid(pc.field("origin")))["lead_id"].combine_chunks()
    leads = home.tables.read(contracts.LEADS, [batch])
    rows = sorted(leads.filter(pc.is_in(leads["lead_id"], known))["source_row"].to_pylist())
    page = home.settings.reports_dir / batch / f"{batch}.html"
    erase_from_batch(home, batch, {*rows[1:]}, Needles(()), set())
    assert points_of(home, batch) == {0, 500}
    assert page.read_text().count(S71) == 2
    erase_from_batch(home, batch, {*rows}, Needles(()), set())
    assert points_of(home, batch) == {0}
    # Nothing is taken off the other features either, so the page is right to say that it plays no part.
    assert S71 not in page.read_text()
    assert "plays no part in the score" in page.read_text()
    left = home.tables.read(LEAD_SCORES, [batch])
    run(home, batch)
    assert left.equals(home.tables.read(LEAD_SCORES, [batch]))


def test_batches_of_one_run_are_judged_each_by_itself(under, source, tmp_path):
    home, real = under("demonstration"), tmp_path / "real.csv"
    real.write_text("EntityName,DirectorName\nMARULA TRADING,PETRUS BOTHA\nALOE TRADING,THANDI NKOSI\n")
    batches = [home.deliver(path, now=NOW).delivery.batch_id for path in (real, source)]
    deliveries = home.deliveries(batches)
    raw = pipeline.read(deliveries, home.store.path, home.settings).raw
    leads, _, _ = pipeline.validate(raw, home.lead_id_key)
    mixed = leads.take(sorted(range(leads.num_rows), key=lambda row: (row * 7) % leads.num_rows))
    found = pipeline.classify(mixed, home.settings, pipeline.ask_purpose(deliveries, raw, home.settings, NOW))
    assert found["lead_id"].to_pylist() == mixed["lead_id"].to_pylist()
    for row in found.to_pylist():
        assert (row["method"] == "no_purpose") == (row["batch_id"] == batches[0])
        if row["batch_id"] == batches[0]:
            assert (row["evidence"], row["origin_set"]) == ("purpose refused: marker_missing", [])


def test_what_is_past_its_retention_is_deleted_for_good_and_the_report_keeps_its_aggregates(under, source):
    home = under("short")
    batch = home.deliver(source, now=NOW).delivery.batch_id
    run(home, batch)
    run(home, batch)
    files = {path.name: path.read_bytes() for path in (home.settings.reports_dir / batch).iterdir()}
    assert overdue(home, now=NOW + timedelta(days=30)) == []
    after = NOW + timedelta(days=31)
    (due,) = overdue(home, now=after)
    assert (due.batch_id, due.purpose, due.leads > 30) == (batch, "short", True)

    delete_inferred(home, [due], actor="tests", now=after)

    assert overdue(home, now=after) == []
    rows = home.tables.read(contracts.CLASSIFICATIONS, [batch])
    assert rows.num_rows == due.leads
    assert rows["p_african"].null_count == rows["origin"].null_count == rows["confidence"].null_count == due.leads
    folder = home.settings.tables_dir / "classifications"
    for path in folder.rglob("*.parquet"):
        assert ds.dataset(path, format="parquet").to_table(columns=["origin"])["origin"].null_count == due.leads
    assert {path.name: path.read_bytes() for path in (home.settings.reports_dir / batch).iterdir()} == files
    assert failing_checks(home, [batch]) == {}
    assert told(home, "inference.deleted")[0]["leads"] == due.leads
    # A backfill does not bring it back.
    run(home, batch, at=after)
    assert methods(home, batch) == {"no_purpose"}
    assert told(home, "purpose.refused")[0]["why"] == "past_retention"


def test_questions_to_reviewers_go_with_the_answers_of_the_model_in_them(under, source):
    home = under("short")
    batch = home.deliver(source, now=NOW).delivery.batch_id
    run(home, batch)
    asked = export_review(home, batch, None, sample=5, seed=0, purpose="short", actor="tests")
    assert asked.path.is_file()
    after = NOW + timedelta(days=31)
    delete_inferred(home, overdue(home, now=after), actor="tests", now=after)
    assert Reviews(home.database).questions() == {}
    assert not asked.path.exists()


def test_a_deletion_that_was_killed_half_way_is_done_when_repeated(under, source, monkeypatch):
    home = under("short")
    batch = home.deliver(source, now=NOW).delivery.batch_id
    run(home, batch)
    after = NOW + timedelta(days=31)

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(type(home.records), "note_inferred_deleted", killed)
        delete_inferred(home, overdue(home, now=after), actor="tests", now=after)
    delete_inferred(home, overdue(home, now=after), actor="tests", now=after)
    assert overdue(home, now=after) == []
    assert methods(home, batch) == {"no_purpose"}


def test_a_retention_that_was_shortened_since_counts_and_one_that_was_lengthened_does_not(under, source, register):
    home = under("short")
    batch = home.deliver(source, now=NOW).delivery.batch_id
    run(home, batch)
    days = "retention_days = 30\n"
    register.write_text(register.read_text().replace(days, "retention_days = 10\n"))
    assert [one.batch_id for one in overdue(home, now=NOW + timedelta(days=11))] == [batch]
    register.write_text(register.read_text().replace("retention_days = 10\n", "retention_days = 300\n"))
    assert [one.batch_id for one in overdue(home, now=NOW + timedelta(days=31))] == [batch]
    register.write_text("")
    assert [one.batch_id for one in overdue(home, now=NOW + timedelta(days=31))] == [batch]


def test_a_setting_that_is_no_entry_is_refused_and_the_attempt_recorded_without_its_text(under):
    home = under("to call Thandiwe Nkosi")
    with pytest.raises(BadSetting):
        require_registered(home, "up")
    (event,) = events(home.database)
    assert (event.action, event.detail) == ("purpose.refused", {"command": "up"})
