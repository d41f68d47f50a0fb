"""A person who went through every path, forgotten: nothing is found, everything else stays, and it stays so."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pyarrow.compute as pc
import pytest
import sqlalchemy as sa

from leadscout_assets import contracts, facts
from leadscout_assets.batch_overview import facts_of
from leadscout_assets.checks import failing, limits_from
from leadscout_assets.database.models import llm_call_names
from leadscout_assets.database.reviews import Reviews
from leadscout_assets.errors import EdgeFailed
from leadscout_assets.forgetting import erasing
from leadscout_assets.forgetting import forget as forgetting
from leadscout_assets.forgetting.forget import apply_ledger, check_replayed, forget, replay
from leadscout_assets.forgetting.held import held
from leadscout_assets.forgetting.proving import ANSWERS
from leadscout_assets.forgetting.request import request_of
from leadscout_assets.forgetting.restored import settings_of
from leadscout_assets.governance.searching import Needles, search
from leadscout_assets.home import Home
from leadscout_assets.lead_tables import LEAD_TABLES
from leadscout_assets.llm.questions import question_key
from leadscout_assets.llm.setup import caps_of
from leadscout_assets.llm.spend import spend
from leadscout_assets.llm.stub.model import answer
from leadscout_assets.recovery.by_hand import restore_by_hand
from leadscout_assets.scoring import LEAD_SCORES
from leadscout_assets.settings import read_settings
from tests.e2e.canary import CELL, DIRECTOR, EMAIL, FILE_NAME
from tests.forgetting.conftest import NOW, as_workbook, canary_with_others, run

OWN = ("wobblethorpe", "snickerdoodle", "685550173", "068 555 0173", "Xylotrope Quagga Fandango", "Quarshievski Junior")
"""Values that no other row holds; the name and the address are in rows of others, too."""

LATER = NOW + timedelta(days=1)


def hits(home: Home) -> dict[str, int]:
    """Return where one of the canary's own values is found below the home, the backups apart."""
    found = search(home.settings.home, Needles(OWN), apart_from=(home.settings.backups_dir,))
    return {hit.path.relative_to(home.settings.home).as_posix(): hit.count for hit in found}


def rows_of(home: Home, contract: contracts.Contract) -> int:
    batches = [record.batch_id for record in home.records.all()]
    return home.tables.read(contract, batches).num_rows


def test_the_canary_is_everywhere_before(canary):
    found = hits(canary)
    for area in (
        "deliveries/",
        "tables/raw_leads/",
        "tables/leads/",
        "tables/known_leads/",
        "inbox/",
        "logs/",
        "export.csv",
    ):
        assert any(path.startswith(area) for path in found), area
    assert Needles([DIRECTOR]).in_content(canary.settings.home / "export.arrow"), "compressed columns are looked into"


def digests_of(home: Home, names: list[str]) -> list[str]:
    """Return all that the database knows names by: keyed hashes of what was asked and of what was answered."""
    questions = [question_key(name, home.llm_key) for name in names]
    with home.database.read() as connection:
        keys = connection.execute(
            sa.select(llm_call_names.c.answer_key).where(llm_call_names.c.question.in_(questions))
        ).scalars()
        found = [*questions, *keys]
    home.database.close()
    assert len(found) == 2 * len(names)
    return found


def search_bytes(folder: Path, texts: list[str]) -> dict[str, list[str]]:
    """Return which files below a folder, backups apart, hold which of the texts."""
    contents = {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file() and "backups" not in p.parts}
    found = {text: [name for name, content in contents.items() if text.encode() in content] for text in texts}
    return {text: names for text, names in found.items() if names}


def test_what_is_held_tells_to_which_models_the_name_was_sent_and_what_they_answered(canary, person):
    (told,) = held(canary, person, NOW)["language_models"]
    expected = answer(0, DIRECTOR, 0)
    assert (told["provider"], told["model"], told["state"], told["answered"]) == ("stub", "stub-small", "settled", True)
    assert (told["origin"] or "cannot_tell", told["band"]) == (expected["origin"], expected["confidence"])


def test_an_answer_that_is_left_is_found_although_no_byte_of_the_name_is(canary, person, monkeypatch):
    monkeypatch.setattr(forgetting, "BY_NAME", {})
    done = forget(canary, person, now=LATER)
    assert done.proof.left == {ANSWERS: 1}
    assert not done.proof.gone


def test_where_nobody_was_ever_asked_no_key_is_made_to_look(home):
    place = Home(home)
    assert (place.answers_about([DIRECTOR]), place.forget_answers([DIRECTOR])) == ([], 0)
    assert not (home.keys_dir / "language-models.key").exists()


@pytest.fixture(scope="module")
def forgotten(canary_once, tmp_path_factory):
    settings = read_settings(home=tmp_path_factory.mktemp("forgotten") / "home")
    shutil.copytree(canary_once, settings.home)
    home = Home(settings)
    yield home, forget(home, request_of([DIRECTOR], [CELL], [EMAIL]), now=LATER)
    home.database.close()


class TestForgotten:
    """One erasure for all: what one test adds, the others do not look at."""

    def test_nothing_of_the_person_is_found_in_any_byte(self, forgotten):
        canary, done = forgotten
        assert done.proof.left == {}
        assert done.proof.gone
        assert hits(canary) == {}

    def test_rows_of_others_stay_and_are_told(self, forgotten):
        canary, done = forgotten
        names = {row for batch, row in _directors(canary) if batch in done.places.rows}
        assert {("Palesa", "Tau"), ("Anil", "Moodley"), ("Zwelibanzi", "Quarshievski")} == names
        assert done.proof.rows_of_others == 4, "in two batches each, one with the name and one with the address"
        assert done.proof.hits_of_others > 0
        assert sum(map(len, done.places.kept_rows.values())) == 2

    def test_every_delivered_row_is_still_accounted_for(self, forgotten):
        canary, done = forgotten
        limits = limits_from(canary.settings)
        for record in canary.records.many(list(done.places.rows)).values():
            (found,) = facts_of(canary, list(facts.NEEDED), [record.batch_id])
            assert [v.sentence for check, v in failing(found, limits) if not check.warns] == []
            assert found.leads + found.rejected == record.rows_counted
            assert found.reasons["erased"] == len(done.places.rows[record.batch_id])

    def test_known_leads_know_the_others_alone_and_nothing_is_said_of_the_person(self, forgotten):
        canary, done = forgotten
        known = canary.tables.read(contracts.KNOWN_LEADS, list(done.places.rows))
        assert sorted(known["entity_name"].to_pylist()) == ["FERN LOGISTICS", "KUDU TRANSPORT", "MARULA TRADING"]
        assert Reviews(canary.database).all() == []

    def test_no_answer_of_a_language_model_is_left_under_any_hash_and_what_was_spent_is(self, forgotten, canary_once):
        canary, done = forgotten
        digests = digests_of(Home(read_settings(home=canary_once)), [DIRECTOR])
        assert set(search_bytes(canary_once, digests)) == set(digests), "they were there before"
        assert search_bytes(canary.settings.home, digests) == {}
        assert canary.answers_about([DIRECTOR, f"{DIRECTOR} Junior"]) == []
        assert ANSWERS not in done.proof.left
        assert [one.answered for one in canary.answers_about(["Palesa Tau"])] == [True]
        assert spend(canary.database, caps_of(canary.settings), LATER).total.usd > 0

    def test_ranks_have_no_gap(self, forgotten):
        canary, _done = forgotten
        for record in canary.records.all():
            ranks = canary.tables.read(LEAD_SCORES, [record.batch_id])["rank"].to_pylist()
            assert ranks == list(range(1, len(ranks) + 1))

    def test_a_batch_run_again_from_its_rewritten_file_is_the_same(self, forgotten):
        canary, done = forgotten
        for batch in done.places.rows:
            before = {c.name: canary.tables.read(c, [batch]) for c in LEAD_TABLES[:3]}
            run(canary, batch, report=False)
            for contract in LEAD_TABLES[:3]:
                assert canary.tables.read(contract, [batch]).equals(before[contract.name]), contract.name

    def test_the_other_rows_of_a_csv_keep_every_byte(self, forgotten, canary_once):
        canary, done = forgotten
        first = canary.records.all()[0]
        old = (canary_once / "deliveries" / first.sha256[:2] / first.sha256).read_bytes().split(b"\r\n")
        new = canary.store.path(first.sha256).read_bytes().split(b"\r\n")
        rows = set(done.places.rows[first.batch_id])
        assert len(old) == len(new)
        for number, (before, after) in enumerate(zip(old, new, strict=True), start=1):
            assert after == (b"(erased),,,,," if number in rows else before)

    def test_the_same_file_is_still_already_delivered(self, forgotten, tmp_path):
        canary, _done = forgotten
        again = tmp_path / FILE_NAME
        again.write_text(canary_with_others(), newline="\r\n")
        delivered = canary.deliver(again, now=LATER)
        assert not delivered.new
        assert delivered.delivery.batch_id == canary.records.all()[0].batch_id
        assert hits(canary) == {}

    def test_a_file_name_with_the_name_in_it_is_not_kept(self, forgotten):
        canary, _done = forgotten
        first = canary.records.all()[0]
        assert canary.deliveries([first.batch_id])[0].file_name == "(file name not kept)"

    def test_a_later_delivery_is_rejected_and_kept_clean(self, forgotten, tmp_path):
        canary, done = forgotten
        for name in ("later.csv", "later.xlsx"):
            source = tmp_path / name
            text = canary_with_others(mark=len(name))
            as_workbook(source, text) if name.endswith("xlsx") else source.write_text(text)
            batch = canary.deliver(source, now=LATER).delivery.batch_id
            run(canary, batch)
            (found,) = facts_of(canary, list(facts.NEEDED), [batch])
            assert found.reasons["erased"] == len(done.places.rows[canary.records.all()[0].batch_id])
            assert found.leads + found.rejected == canary.records.get(batch).rows_counted
        assert hits(canary) == {}

    def test_no_earlier_version_of_a_table_has_the_rows(self, forgotten):
        canary, _done = forgotten
        from deltalake import DeltaTable

        table = DeltaTable(canary.settings.tables_dir / "raw_leads")
        table.load_as_version(1)
        with pytest.raises(Exception, match=r"(?i)no such file|not found|object"):
            table.to_pyarrow_table()

    def test_asked_again_there_is_nothing_more(self, forgotten, person):
        canary, _done = forgotten
        assert forget(canary, person, now=LATER, dry_run=True).places.rows == {}

    def test_the_audit_trail_tells_of_it_without_a_value(self, forgotten):
        canary, done = forgotten
        from leadscout_assets.database.audit import events

        (event,) = events(canary.database, action="person.forgotten")
        assert event.detail["rows"] == sum(map(len, done.places.rows.values()))
        assert event.detail["persons"]


def _directors(home: Home):
    for record in home.records.all():
        leads = home.tables.read(contracts.LEADS, [record.batch_id])
        for given, surname in zip(
            leads["director_given_names"].to_pylist(), leads["director_surname"].to_pylist(), strict=True
        ):
            yield record.batch_id, (given, surname)


def test_a_dry_run_says_where_and_changes_nothing(canary, person):
    before = {path: path.read_bytes() for path in canary.settings.tables_dir.rglob("*") if path.is_file()}
    found = forget(canary, person, now=LATER, dry_run=True)
    assert found.proof is None
    assert set(found.places.rows) == {record.batch_id for record in canary.records.all()}
    assert found.places.tables["raw_leads"] == sum(map(len, found.places.rows.values()))
    looked = hits(canary)
    for folder in ("deliveries", "inbox", "logs", "reports", "tables"):
        expected = sum(path.startswith(f"{folder}/") for path in looked)
        assert found.places.files[folder] >= expected > 0, folder
    assert found.places.files["home"] == 1, "an export; the other one holds nothing that others have not, too"
    assert len(found.places.backups) == 1
    assert {path: path.read_bytes() for path in canary.settings.tables_dir.rglob("*") if path.is_file()} == before
    assert not canary.has_decisions


def test_a_lead_id_alone_finds_the_same_rows(canary, person):
    batch = canary.records.all()[0].batch_id
    leads = canary.tables.read(contracts.LEADS, [batch])
    lead = leads.filter(pc.equal(leads["director_cell"], "+27" + CELL[1:]))["lead_id"][0].as_py()
    by_id = forget(canary, request_of(leads=[lead]), now=LATER, dry_run=True)
    assert by_id.places == forget(canary, person, now=LATER, dry_run=True).places


STEPS = ("erase_from_file", "_frames", "write_report", "clean_others", "compact_databases", "prove")


@pytest.mark.parametrize(
    "step", [pytest.param(step, marks=[] if step == "_frames" else pytest.mark.soak) for step in STEPS]
)
def test_killed_anywhere_it_finishes_when_repeated(canary, person, monkeypatch, step):
    class Killed(BaseException):
        pass

    owner = erasing if hasattr(erasing, step) else forgetting
    real, calls = getattr(owner, step), []

    def kill(*given, **named):
        calls.append(step)
        if len(calls) == 2 or (len(calls) == 1 and owner is forgetting):
            raise Killed
        return real(*given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(owner, step, kill)
        with pytest.raises(Killed):
            forget(canary, person, now=LATER)
    with pytest.raises(EdgeFailed, match="not done in this home"):
        check_replayed(canary)
    assert forget(canary, person, now=LATER).proof.gone
    assert hits(canary) == {}
    assert Reviews(canary.database).all() == []
    assert canary.answers_about([DIRECTOR]) == []
    check_replayed(canary)


class TestRestored:
    def test_an_old_backup_with_todays_ledger_does_not_bring_the_person_back(self, canary, person, tmp_path):
        backups = canary.settings.backups_dir
        old = backups / "manifests"
        (backup_id,) = [path.stem for path in old.glob("*.json")]
        forget(canary, person, now=LATER)
        target = tmp_path / "restored"
        restored: list[Home] = []

        def hold(folder):
            home = Home(settings_of(canary.settings, folder))
            assert apply_ledger(home), "the ledger is newer than the backup"
            with pytest.raises(EdgeFailed, match="leadscout forget --replay"):
                check_replayed(home)
            assert replay(home, now=LATER) == 1
            restored.append(home)
            home.database.close()

        restore_by_hand(canary.settings, backups, target, backup_id, hold)
        home = Home(settings_of(canary.settings, target))
        check_replayed(home)
        assert hits(home) == {}
        assert rows_of(home, contracts.LEADS) == rows_of(canary, contracts.LEADS)
        home.database.close()

    @pytest.mark.soak
    def test_a_copied_home_without_its_ledger_is_held_to_the_one_beside_the_backups(self, canary, person, canary_once):
        forget(canary, person, now=LATER)
        canary.database.close()
        ledger = canary.settings.backups_dir / "decisions.jsonl"
        kept = ledger.read_bytes()
        shutil.rmtree(canary.settings.home)
        shutil.copytree(canary_once, canary.settings.home)
        ledger.write_bytes(kept)
        again = Home(canary.settings)
        with pytest.raises(EdgeFailed, match="1 erasures are not done"):
            check_replayed(again)
        replay(again, now=LATER)
        assert hits(again) == {}
        again.database.close()


def test_what_identifies_nobody_is_refused(canary, tmp_path):
    from leadscout_assets.errors import BadInput
    from leadscout_assets.forgetting.request import read_request

    for request in (request_of([DIRECTOR]), request_of(cells=[CELL])):
        with pytest.raises(BadInput, match="several people"):
            forget(canary, request, now=LATER)
    with pytest.raises(BadInput, match="no batch has a lead"):
        forget(canary, request_of(leads=["0" * 16]), now=LATER)
    with pytest.raises(BadInput, match="no such file"):
        read_request(tmp_path / "nobody.txt")
    for text in ("who: x", "cell: nobody", "email: at", "lead: 12", "name: 123"):
        path = tmp_path / "person.txt"
        path.write_text(text)
        with pytest.raises(BadInput) as raised:
            read_request(path)
        assert text.partition(": ")[2] not in str(raised.value).split()
