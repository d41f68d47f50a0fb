"""The purpose of each batch: recorded before anything is inferred, said when it changes, and deleted after its retention."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow.dataset as ds
import pytest

from leadscout_assets import contracts, pipeline
from leadscout_assets.batch_overview import details, facts_of, failing_checks
from leadscout_assets.batch_purposes import delete_inferred, grant, overdue, recorded, require_registered
from leadscout_assets.database.audit import events
from leadscout_assets.database.reviews import Reviews
from leadscout_assets.errors import BadSetting
from leadscout_assets.home import Home
from leadscout_assets.lead_tables import LEAD_TABLES
from leadscout_assets.leads.synthetic import write_delivery
from leadscout_assets.reviewing import export_review
from leadscout_assets.settings import Settings
from tests.purposes import IN_TESTS

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ROWS = 40


@pytest.fixture
def register(tmp_path):
    path = tmp_path / "purposes.toml"
    text = IN_TESTS["purposes"].read_text()
    path.write_text(text + text.replace("[tests]", "[short]").replace("36500", "30"))
    return path


@pytest.fixture
def under(home: Settings, register):
    def under(purpose: str | None) -> Home:
        return Home(home.model_copy(update={"classification_purpose": purpose, "purposes": register}))

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
    scores = pipeline.score(leads)
    frames = pipeline.Frames(raw, leads, rejected, pipeline.classify(leads, settings, grants), scores)
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
