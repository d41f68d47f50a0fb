"""Suppression lists, registries and consents: who is on one stays out of leads, reports and ranks, and is counted all the same."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from leadscout_assets import contracts, facts, pipeline
from leadscout_assets.batch_overview import facts_of
from leadscout_assets.cli.application import run_application
from leadscout_assets.errors import BadInput
from leadscout_assets.forgetting.deciding import decide
from leadscout_assets.forgetting.forget import apply_ledger
from leadscout_assets.forgetting.request import request_of
from leadscout_assets.governance import consents, lists
from leadscout_assets.home import Home
from leadscout_assets.recovery.backup import take_backup
from leadscout_assets.scoring import FEATURES, LEAD_SCORES
from tests.forgetting.conftest import NOW, run, say_something
from tests.purposes import IN_TESTS

LIST = """EntityName,DirectorName,DirectorCell,EmailAddress
MARULA TRADING,PALESA TAU,0850000041,palesa@marula.co.za
KUDU TRANSPORT,THANDI NKOSI,085 000 0042,thandi@example.co.za
FERN LOGISTICS,ANIL MOODLEY,+27850000043,anil@fern.co.za
IBIS CATERING CC,PETRUS BOTHA,0850000044,
OLIVE FARMING,Thandi Nkosi,0850000045,
"""


@pytest.fixture
def platform(home, tmp_path):
    found = Home(home)
    source = tmp_path / "leads.csv"
    source.write_text(LIST)
    found.deliver(source, now=NOW)
    yield found
    found.database.close()


def only_batch(home: Home) -> str:
    (record,) = home.records.all()
    return record.batch_id


def leads_left(home: Home) -> list[str]:
    run(home, only_batch(home), report=False)
    return home.tables.read(contracts.LEADS, [only_batch(home)])["entity_name"].to_pylist()


def add(home: Home, kind: str, *values: str) -> None:
    decision = lists.suppression(kind, values, home.hasher, on="own", actor="tests", reason=None, now=NOW)
    decide(home, decision)


@pytest.mark.parametrize(
    ("kind", "value", "gone"),
    [
        ("email", "ANIL@fern.co.za", {"FERN LOGISTICS"}),
        ("domain", "@example.co.za", {"KUDU TRANSPORT"}),
        ("number", "(085) 000-0041", {"MARULA TRADING"}),
        ("business", "ibis catering", {"IBIS CATERING"}),
    ],
)
def test_what_is_on_a_list_becomes_no_lead(platform, kind, value, gone):
    before = set(leads_left(platform))
    add(platform, kind, value)
    assert before - set(leads_left(platform)) == gone


def test_a_person_on_a_list_is_known_in_any_spelling_and_a_namesake_is_not(platform):
    traits = request_of(["Nkosi, Thandi"], ["0850000042"]).traits
    decision = lists.suppression_of_person(traits, platform.hasher, on="own", actor="tests", reason=None, now=NOW)
    decide(platform, decision, traits)
    left = leads_left(platform)
    assert "KUDU TRANSPORT" not in left
    assert "OLIVE FARMING" in left


def test_they_are_rejected_counted_and_shown_without_a_value(platform):
    add(platform, "number", "0850000041")
    leads_left(platform)
    batch = only_batch(platform)
    (found,) = facts_of(platform, [a for a in facts.NEEDED if a != "lead_reports"], [batch])
    assert found.reasons == {"suppressed": 1}
    assert found.leads + found.rejected == 5
    rejected = platform.tables.read(contracts.REJECTED_LEADS, [batch])
    assert rejected["row"].to_pylist() == ["{}"]
    assert platform.tables.read(LEAD_SCORES, [batch])["rank"].to_pylist() == [1, 2, 3, 4]


def test_what_is_lifted_becomes_a_lead_again(platform, capsys, monkeypatch):
    monkeypatch.setattr("leadscout_assets.settings._in_use", platform.settings)
    assert run_application(["suppress", "add", "number", "0850000041", "--reason", "asked"]) == 0
    assert "MARULA TRADING" not in leads_left(platform)
    assert run_application(["suppress", "lift", "number", "085 000 0041", "--reason", "asked again"]) == 0
    assert "MARULA TRADING" in leads_left(platform)
    said = capsys.readouterr().out
    assert "1 hashes" in said
    assert "taken off: own" in said


def test_an_export_leaves_out_who_came_on_a_list_after_the_batch_was_run(platform, tmp_path, monkeypatch, capsys):
    from leadscout_assets.database.audit import events

    monkeypatch.setattr("leadscout_assets.settings._in_use", platform.settings)
    batch, out = only_batch(platform), tmp_path / "exported.csv"
    assert "MARULA TRADING" in leads_left(platform)
    add(platform, "number", "0850000041")
    assert run_application(["export", batch, "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("4 leads written")
    assert f"1 left out, on a suppression list by now; out of the report, too: leadscout backfill {batch}" in said.err
    text = out.read_text(encoding="utf-8-sig")
    assert "MARULA" not in text
    assert len(text.splitlines()) == 1 + 4
    (event,) = events(platform.database, action="leads.exported")
    assert (event.detail["leads"], event.detail["suppressed"]) == (4, 1)


def test_reviewers_are_not_asked_about_whoever_is_on_a_list(platform, tmp_path):
    from openpyxl import load_workbook

    from leadscout_assets.reviewing import export_review

    named = Home(platform.settings.model_copy(update=IN_TESTS))
    batch, book = only_batch(named), tmp_path / "names.xlsx"
    leads_left(named)
    (delivery,) = named.deliveries([batch])
    leads = named.tables.read(contracts.LEADS, [batch])
    raw = named.tables.read(contracts.RAW_LEADS, [batch])
    granted = pipeline.ask_purpose([delivery], raw, named.settings, NOW)
    named.tables.replace(contracts.CLASSIFICATIONS, pipeline.classify(leads, named.settings, granted), [batch])
    add(named, "number", "0850000041")
    export_review(named, batch, book, sample=100, seed=0, purpose="tests", actor="tests")
    names = {row[1].value for row in load_workbook(book)["Review"].iter_rows(min_row=2)}
    assert names == {"Thandi Nkosi", "Anil Moodley", "Petrus Botha"}


def test_no_value_is_kept_anywhere(platform):
    add(platform, "number", "0111234567")
    kept = [platform.ledger.path, *platform.settings.home.glob("database/*")]
    assert not [path for path in kept if b"111234567" in path.read_bytes()]


def test_a_list_survives_a_database_that_knows_less(platform):
    from leadscout_assets.database.models import suppressions

    add(platform, "number", "0850000041")
    with platform.database.begin() as connection:
        connection.execute(suppressions.delete())
    assert "MARULA TRADING" in leads_left(platform)
    assert apply_ledger(platform) == []
    assert "MARULA TRADING" not in leads_left(platform)


@pytest.mark.parametrize("hashed", [True, False])
def test_a_registry_is_sent_what_is_held_and_its_answer_taken_over(platform, tmp_path, monkeypatch, capsys, hashed):
    monkeypatch.setattr("leadscout_assets.settings._in_use", platform.settings)
    out, answer = tmp_path / "sent.txt", tmp_path / "answer.txt"
    assert run_application(["suppress", "export", str(out), *(["--hashes"] if hashed else [])]) == 0
    sent = out.read_text().split()
    wanted = hashlib.sha256(b"0850000044").hexdigest() if hashed else "0850000044"
    assert wanted in sent
    assert len(sent) == 8
    answer.write_text(f"{wanted}\n{hashlib.sha256(b'0110000000').hexdigest()}\n")
    assert run_application(["suppress", "import", str(answer)]) == 0
    assert "IBIS CATERING" not in leads_left(platform)
    assert set(platform.last_cleansed()) == {"opt-out"}
    assert run_application(["suppress", "list"]) == 0
    assert "opt-out" in capsys.readouterr().out


def test_what_is_none_of_its_kind_is_refused_by_its_line_and_not_quoted(platform):
    for kind, value in (("number", "nobody"), ("email", "a at b"), ("domain", "x"), ("business", "N/A"), ("name", "x")):
        with pytest.raises(BadInput) as raised:
            add(platform, kind, value)
        assert value not in str(raised.value).split()
    with pytest.raises(BadInput, match="line 2"):
        lists.answered(["0850000041", "somebody"], [])
    with pytest.raises(BadInput, match="name of a list"):
        lists.check_name("erased")


class TestConsent:
    def said(self, home: Home, *words: tuple[str, str], cell: str = "0850000041"):
        traits = request_of(cells=[cell]).traits
        for number, (what, channel) in enumerate(words):
            at = NOW + timedelta(days=number)
            decision = consents.recorded(
                traits, home.hasher, channel=channel, what=what, wording="form 4", source="call", actor="tests", at=at
            )
            decide(home, decision, traits)
        from leadscout_assets.forgetting.held import consents_of

        return consents_of(home, traits)

    @pytest.mark.parametrize(
        ("words", "call", "mail"),
        [
            ((), "may be asked once", "may be asked once"),
            ((("approach", "call"),), "asked once", "may be asked once"),
            ((("approach", "call"), ("consent", "call")), "allowed", "may be asked once"),
            ((("consent", "all"), ("objection", "call")), "refused", "allowed"),
            ((("objection", "all"), ("approach", "call")), "refused", "refused"),
        ],
    )
    def test_the_newest_word_holds_on_its_channel(self, platform, words, call, mail):
        standing = consents.standings(self.said(platform, *words))
        assert (standing["call"], standing["email"]) == (call, mail)

    def test_it_is_shown_on_the_lead_in_the_report(self, platform):
        from openpyxl import load_workbook

        self.said(platform, ("objection", "call"), cell="0850000042")
        batch = only_batch(platform)
        run(platform, batch)
        book = load_workbook(platform.settings.reports_dir / batch / f"{batch}.xlsx")
        heading, *rows = list(book["Leads"].iter_rows(values_only=True))
        at, name = heading.index("May be contacted"), heading.index("Business")
        noted = {row[name]: row[at] for row in rows}
        assert noted.pop("KUDU TRANSPORT").startswith("call refused, sms may be asked once")
        assert not any(noted.values())

    def test_it_says_who_when_what_and_from_where(self, platform):
        (one,) = self.said(platform, ("consent", "sms"))
        assert (one.what, one.channel, one.wording, one.source, one.actor) == (
            "consent",
            "sms",
            "form 4",
            "call",
            "tests",
        )
        assert one.at == NOW

    def test_what_was_typed_goes_with_whoever_is_forgotten_and_that_they_objected_stays(self, platform):
        from leadscout_assets.forgetting.forget import forget

        traits = request_of(cells=["0850000042"]).traits
        typed = {
            "wording": "no more, says Thandi Nkosi",
            "source": "her letter of 2 March",
            "actor": "tests",
            "at": NOW,
        }
        decide(platform, consents.recorded(traits, platform.hasher, channel="call", what="objection", **typed), traits)
        reason = "Thandi Nkosi asked by phone"
        on = {"on": "own", "actor": "tests", "reason": reason, "now": NOW}
        decide(platform, lists.suppression("number", ["0850000042", "0850000077"], platform.hasher, **on))
        lifted = lists.on_lists(platform.decisions.entries(), traits, platform.hasher)
        decide(platform, lists.lifting(lifted, actor="tests", reason=reason, now=NOW))
        take_backup(platform.settings)
        decide(platform, consents.recorded(traits, platform.hasher, channel="sms", what="objection", **typed), traits)
        leads_left(platform)

        done = forget(platform, request_of(["Thandi Nkosi"], ["0850000042"]), now=NOW)

        # Her name stands in another's row as well, so that no proof by values would ask for it.
        assert done.changed["what was typed of decisions"] == 4
        files = [platform.ledger.path, *platform.settings.backups_dir.glob("*.jsonl")]
        files += platform.settings.home.glob("database/*")
        assert [
            path.name for path in files if b"Thandi" in path.read_bytes() or b"her letter" in path.read_bytes()
        ] == []
        assert {one.wording for one in self.said(platform, cell="0850000042")} == {None}
        assert consents.standings(self.said(platform, cell="0850000042"))["call"] == "refused"

    def test_what_cannot_be_recorded_is_refused(self, platform):
        for options in ({"channel": "post", "what": "consent"}, {"channel": "sms", "what": "maybe"}):
            with pytest.raises(BadInput, match="is one of"):
                consents.recorded(
                    request_of(cells=["0850000041"]).traits, platform.hasher,
                    wording=None, source=None, actor="tests", at=NOW, **options,
                )  # fmt: skip
        with pytest.raises(BadInput, match="--cell or --email"):
            consents.recorded(
                request_of(["Palesa Tau"]).traits, platform.hasher,
                channel="sms", what="consent", wording=None, source=None, actor="tests", at=NOW,
            )  # fmt: skip


class TestAccess:
    def test_everything_held_is_gathered_and_shown(self, platform, tmp_path, monkeypatch, capsys):
        import json

        monkeypatch.setattr("leadscout_assets.settings._in_use", platform.settings)
        run(platform, only_batch(platform))
        out = tmp_path / "answer"
        for arguments in (
            ["consent", "record", "objection", "--channel", "call", "--cell", "0850000042", "--source", "a <letter>"],
            ["suppress", "add", "domain", "example.co.za"],
            ["person", "--cell", "0850000042", "--out", str(out)],
        ):
            assert run_application(arguments) == 0
        held = json.loads((out / "person.json").read_text())
        (lead,) = held["leads"]
        assert lead["lead"]["entity_name"] == "KUDU TRANSPORT"
        assert lead["classifications"]["method"] == "no_purpose"
        assert lead["lead_scores"]["rank"]
        parts = [lead["lead_scores"][one.name] for one in FEATURES]
        assert sum(parts) == pytest.approx(lead["lead_scores"]["score"]), "in points"
        (why,) = held["purposes"]
        assert (why["purpose"], why["kept_until"]) == (None, None)
        assert "nothing was inferred" in why["why_and_on_which_ground"]
        assert held["deliveries"][0]["reports"]
        assert held["may_be_contacted"]["call"] == "refused"
        told = [event for event in held["audit"] if event["action"].startswith("person.")]
        assert [(event["action"], event["detail"].get("what")) for event in told] == [
            ("person.decided", "objection"),
            ("person.shown", None),
        ]
        page = (out / "person.html").read_text()
        assert "KUDU TRANSPORT" in page
        assert "a &lt;letter&gt;" in page
        assert "<script" not in page
        assert (out / "person.html").stat().st_mode & 0o077 == 0
        assert "KUDU" not in capsys.readouterr().out

    def test_why_the_name_was_classified_on_which_ground_and_until_when_it_is_kept_is_told(self, platform):
        from leadscout_assets import batch_purposes
        from leadscout_assets.forgetting.held import held
        from leadscout_assets.forgetting.page import page_of

        batch = only_batch(platform)
        under = platform.settings.model_copy(update=IN_TESTS)
        run(Home(under), batch, report=False)
        batch_purposes.grant(Home(under), platform.deliveries([batch]), run_id="r", actor="tests", now=NOW)
        # Without the setting, as the officer asks who is not the operator.
        asked = Home(under.model_copy(update={"classification_purpose": None}))
        told = held(asked, request_of(cells=["0850000042"]), NOW)
        (why,) = told["purposes"]
        assert (why["batch_id"], why["purpose"]) == (batch, "tests")
        assert "Ground: POPIA s27(1)(d)" in why["why_and_on_which_ground"]
        assert why["kept_until"] == (NOW + timedelta(days=36500)).date().isoformat()
        assert "s27-1-d" in str(told["audit"]), "and the trail tells it, whatever becomes of the register"
        assert "Responsible: whoever runs the tests" in page_of(told)

    def test_a_name_alone_is_not_enough(self, platform, monkeypatch):
        monkeypatch.setattr("leadscout_assets.settings._in_use", platform.settings)
        assert run_application(["person", "--name", "Thandi Nkosi"]) == 2


class TestKeys:
    @pytest.fixture
    def reported(self, platform):
        run(platform, only_batch(platform), report=False)
        return platform

    def test_new_lead_ids_everywhere_and_the_same_leads(self, reported):
        from leadscout_assets.database.reviews import Reviews
        from leadscout_assets.forgetting.rekeying import rotate
        from leadscout_assets.known_leads import join

        batch = only_batch(reported)
        before = self.scored(reported, batch)
        join(reported.tables, reported.tables.read(contracts.LEADS, [batch]), {batch: NOW})
        say_something(reported, batch, "0850000042")
        done = rotate(reported, "lead-id", now=NOW)
        assert (done.generation, done.batches) == (2, 1)
        after = self.scored(Home(reported.settings), batch)
        assert {lead[1:] for lead in after} == {lead[1:] for lead in before}
        assert not {lead[0] for lead in after} & {lead[0] for lead in before}
        fresh = Home(reported.settings)
        ids = {lead[0] for lead in after}
        assert {review.lead_id for review in Reviews(fresh.database).all()} <= ids
        links = fresh.tables.read(contracts.KNOWN_LEAD_LINKS, [batch])
        assert set(links["lead_id"].to_pylist()) == ids
        run(fresh, batch, report=False)
        assert self.scored(fresh, batch) == after, "a run gives the same ids"
        fresh.database.close()

    @staticmethod
    def scored(home: Home, batch: str) -> set[tuple[object, ...]]:
        leads = home.tables.read(contracts.LEADS, [batch])
        scores, classified = (home.tables.read(c, [batch]) for c in (LEAD_SCORES, contracts.CLASSIFICATIONS))
        joined = leads.select(["lead_id", "entity_name"]).join(scores.select(["lead_id", "rank"]), "lead_id")
        joined = joined.join(classified.select(["lead_id", "method"]), "lead_id")
        return {tuple(row.values()) for row in joined.to_pylist()}

    def test_lists_and_consents_hold_under_a_new_key_and_the_old_hashes_are_gone(self, platform):
        from leadscout_assets.forgetting.held import consents_of
        from leadscout_assets.forgetting.rekeying import rotate

        add(platform, "number", "0850000041")
        TestConsent().said(platform, ("consent", "sms"))
        old = {h for d in platform.ledger.read() for found in d.about.get("hashes", {}).values() for h in found}
        add(platform, "number", "0850000043")
        lifted = lists.on_lists(platform.decisions.entries(), request_of(cells=["0850000043"]).traits, platform.hasher)
        decide(platform, lists.lifting(lifted, actor="tests", reason="asked", now=NOW))
        for generation in (2, 3):
            assert rotate(platform, "suppression", now=NOW).generation == generation
        fresh = Home(platform.settings)
        left = leads_left(fresh)
        assert "MARULA TRADING" not in left
        assert "FERN LOGISTICS" in left, "what was lifted stays lifted"
        assert len(consents_of(fresh, request_of(cells=["0850000041"]).traits)) == 1
        add(fresh, "number", "0850000044")
        assert "IBIS CATERING" not in leads_left(fresh)
        text = fresh.ledger.path.read_text() + str(fresh.decisions.entries())
        assert not [known for known in old if known in text]
        fresh.database.close()

    def test_an_interrupted_rotation_is_finished_by_the_next(self, reported, monkeypatch):
        from leadscout_assets.forgetting import rekeying

        class Killed(BaseException):
            pass

        def kill(*_):
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(rekeying, "_rename_leads", kill)
            with pytest.raises(Killed):
                rekeying.rotate(reported, "lead-id", now=NOW)
        assert rekeying.rotate(Home(reported.settings), "lead-id", now=NOW).generation == 2
        with pytest.raises(BadInput, match="the keys are"):
            rekeying.rotate(reported, "master", now=NOW)

    def test_audit_events_are_found_under_every_key(self, platform):
        from leadscout_assets.forgetting.held import held
        from leadscout_assets.forgetting.rekeying import rotate

        TestConsent().said(platform, ("objection", "call"))
        rotate(platform, "audit", now=NOW)
        TestConsent().said(platform, ("consent", "call"))
        found = held(platform, request_of(cells=["0850000041"]), datetime.now(UTC))
        told = [event["detail"]["what"] for event in found["audit"] if event["action"] == "person.decided"]
        assert told == ["objection", "consent"]
