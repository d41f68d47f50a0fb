"""A batch taken out of everything: what goes, what comes back, what stays; and that a kill anywhere is made good by repeating."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from leadscout_assets import pipeline, undoing
from leadscout_assets.alerts.occurrences import Occurrence
from leadscout_assets.alerts.store import DatabaseStore
from leadscout_assets.contracts import KNOWN_LEADS, LEAD_REPORTS, LEADS
from leadscout_assets.database.audit import events
from leadscout_assets.database.undos import newest_undo
from leadscout_assets.errors import BadInput, EdgeFailed, UnknownBatch, UnreadableFile
from leadscout_assets.home import Home
from leadscout_assets.known_leads import join
from leadscout_assets.lead_tables import KNOWN_TABLES, LEAD_TABLES
from leadscout_assets.llm.stub import StubServer
from leadscout_assets.settings import read_settings
from leadscout_assets.undoing import undo, what_undo_does

NOW = datetime(2026, 3, 5, 8, tzinfo=UTC)
HEADER = "EntityName,DirectorName,DirectorCell,RegisteredAddressCity\n"
LISTS = (
    HEADER + "Baobab Plumbing,Thandi Nkosi,0850000001,Durban\nKudu Transport,Petrus Botha,0850000002,Paarl\n",
    HEADER
    + "Baobab Plumbng,Thandi Nkosi,0850000001,Upington\nKudu Transport,Petrus Botha,0850000009,Paarl\nIbis,Sipho Dube,,\n",
    HEADER + "Kudu Transport,Petrus Botha,0850000007,Knysna\n",
)


def take_in(home: Home, number: int) -> str:
    """Deliver a list and do what the chain does with it, the drawing of reports apart."""
    path = home.settings.home.parent / f"list {number}.csv"
    path.write_text(LISTS[number])
    delivery = home.deliver(path, now=NOW + timedelta(days=number)).delivery
    batch = [delivery.batch_id]
    raw = pipeline.read([delivery], home.contents([delivery]), home.settings).raw
    leads, rejected, _ = pipeline.validate(raw, home.lead_id_key)
    report = home.settings.reports_dir / delivery.batch_id / "report.html"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text("a report")
    files = {"batch_id": batch, "kind": ["html"], "path": ["r"], "bytes": [8], "sha256": ["0" * 64]}
    made = (raw, leads, rejected, pipeline.classify(leads, home.settings, {}), pipeline.score(leads), pa.table(files))
    for contract, frame in zip(LEAD_TABLES, made, strict=True):
        home.tables.replace(contract, LEAD_REPORTS.fit(frame) if contract is LEAD_REPORTS else frame, batch)
    join(home.tables, leads, {delivery.batch_id: delivery.delivered_at})
    return delivery.batch_id


def take_out(home: Home, batch: str, **other):
    told = {
        "actor": "me",
        "now": lambda: NOW + timedelta(days=9),
        "under_way": lambda _: False,
        "drop_partition": lambda _: None,
    }
    return undo(home, batch, **{**told, **other})


def stored(home: Home) -> dict[str, list[dict[str, object]]]:
    tables = (*LEAD_TABLES, *KNOWN_TABLES)
    return {table.name: sorted(home.tables.select(table, []).to_pylist(), key=str) for table in tables}


@pytest.fixture(scope="module")
def taken_in(tmp_path_factory) -> tuple[Path, list[str]]:
    folder = tmp_path_factory.mktemp("undo") / "home"
    home = Home(read_settings(home=folder))
    batches = [take_in(home, number) for number in range(3)]
    home.database.close()
    return folder, batches


@pytest.fixture
def batches(taken_in, home) -> list[str]:
    shutil.copytree(taken_in[0], home.home)
    return taken_in[1]


@pytest.fixture
def opened(batches, home) -> Home:
    return Home(home)


class TestUndo:
    def test_nothing_of_the_batch_is_left_and_the_others_are_as_they_were(self, opened, batches):
        before = stored(opened)
        would = what_undo_does(opened, batches[1])
        assert stored(opened) == before
        dropped = []
        done = take_out(opened, batches[1], drop_partition=dropped.append, reason="wrong list")
        after = stored(opened)
        for table in LEAD_TABLES:
            assert after[table.name] == [row for row in before[table.name] if row["batch_id"] != batches[1]]
        assert done.reversed == would
        assert (done.reversed["raw_leads"], done.reversed["report_files"]) == (3, 1)
        assert (done.reversed["known_leads_forgotten"], done.reversed["known_leads_restored"]) == (1, 1)
        assert done.kept[0].startswith("1 known lead")
        assert not any("language model" in sentence for sentence in done.kept)
        assert any("backups" in sentence for sentence in done.could_not)
        assert dropped == [batches[1]]
        assert not (opened.settings.reports_dir / batches[1]).exists()
        assert (opened.settings.reports_dir / batches[0]).exists()

    def test_alerts_on_the_batch_are_over_and_those_on_others_are_not(self, opened, batches):
        store = DatabaseStore(opened.database)
        failed = [
            Occurrence("run_failed", f"run:raw_leads:{batch}", "raw_leads", "warning", "x", number, number, NOW)
            for number, batch in enumerate(batches)
        ]
        store.save(store.memory(), now=NOW, occurrences=failed)
        take_out(opened, batches[1])
        assert [one.level for _, one in sorted(store.occurrences(one.key for one in failed).items())] == [
            None if batch == batches[1] else "warning" for batch in sorted(batches)
        ]

    def test_answers_of_a_language_model_are_kept_for_other_batches_and_that_is_told(self, opened, batches):
        with StubServer() as stub:
            asking = {"llm_providers": "stub/stub-small", "llm_stub_url": stub.openai_url}
            stage = Home(opened.settings.model_copy(update=asking)).llm_stage()
            name = "Quzor Vextalum"
            stage.ask({name: batches[1]})
            told = [sentence for sentence in take_out(opened, batches[1]).kept if "language models" in sentence]
            assert stage.ask({name: batches[0]}).figures.cached == 1
        assert len(told) == 1
        assert told == [s for s in take_out(opened, batches[1]).kept if "language models" in s]
        assert opened.answers_about([name])

    def test_known_leads_have_the_values_of_before(self, opened, batches):
        take_out(opened, batches[1])
        known = {row["director_surname"]: row for row in opened.tables.select(KNOWN_LEADS, []).to_pylist()}
        assert set(known) == {"Nkosi", "Botha"}
        assert (known["Nkosi"]["city"], known["Nkosi"]["entity_name"]) == ("Durban", "Baobab Plumbing")
        assert (known["Botha"]["city"], known["Botha"]["director_cell"]) == ("Knysna", "+27850000007")

    def test_it_is_audited_once_with_what_was_there(self, opened, batches):
        take_out(opened, batches[1], reason="wrong list")
        again = take_out(opened, batches[1])
        assert again.repeated
        (event,) = events(opened.database, action="batch.undone")
        assert (event.subject, event.actor, event.reason) == (batches[1], "me", "wrong list")
        assert event.detail["rows"]["raw_leads"] == again.reversed["raw_leads"] == 3

    def test_a_batch_that_a_run_holds_is_left_alone(self, opened, batches):
        before = stored(opened)
        with pytest.raises(BadInput, match="under way"):
            take_out(opened, batches[1], under_way=lambda _: True)
        assert stored(opened) == before
        assert newest_undo(opened.database, batches[1]) is None

    def test_a_batch_that_nobody_delivered_is_said(self, opened):
        with pytest.raises(UnknownBatch):
            take_out(opened, "2026-01-01_list_00000000")

    def test_a_report_that_cannot_be_removed_is_said_and_repeating_finishes(self, opened, batches, monkeypatch):
        def refuse(_path) -> None:
            raise PermissionError(13, "Permission denied")

        with monkeypatch.context() as patch:
            patch.setattr(undoing.shutil, "rmtree", refuse)
            patch.setattr(undoing, "remove", lambda *_: None)
            with pytest.raises(EdgeFailed, match="repeat leadscout undo"):
                take_out(opened, batches[1])
        assert not take_out(opened, batches[1]).repeated
        assert newest_undo(opened.database, batches[1]).finished_at is not None


class TestAfterwards:
    def test_an_undone_batch_is_shown_as_such_and_no_tick_or_reader_takes_it(self, opened, batches):
        from leadscout_assets.batch_overview import details, overview

        take_out(opened, batches[2])
        assert details(opened, batches[2]).state == "undone"
        assert {one.batch_id: one.state for one in overview(opened)}[batches[2]] == "undone"
        assert batches[2] not in {record.batch_id for record in opened.records.unreported()}
        assert opened.records.newest().batch_id == batches[1]
        with pytest.raises(UnreadableFile, match="deliver its file again"):
            opened.contents(opened.deliveries([batches[2]]))(opened.records.get(batches[2]).sha256)

    def test_delivering_its_file_again_takes_it_back_in_and_says_so(self, opened, batches):
        before = stored(opened)
        take_out(opened, batches[1])
        path = opened.settings.home.parent / "again.csv"
        path.write_text(LISTS[1])
        late = opened.deliver(path, now=NOW + timedelta(days=10), arrived=NOW)
        assert not late.again, "a file that lay in the inbox before the undo is no new delivery"
        found = opened.deliver(path, now=NOW + timedelta(days=10), by="who delivers")
        assert (found.again, found.new, found.delivery.batch_id) == (True, False, batches[1])
        assert batches[1] in {record.batch_id for record in opened.records.unreported()}
        (event,) = events(opened.database, action="batch.taken_back")
        assert (event.subject, event.actor) == (batches[1], "who delivers")
        _run_again(opened, batches[1])
        assert stored(opened)["known_leads"] == before["known_leads"]
        assert not take_out(opened, batches[1], now=lambda: NOW + timedelta(days=11)).repeated

    def test_delivered_by_hand_it_is_back_although_the_clock_was_set_back(self, opened, batches):
        take_out(opened, batches[1], now=lambda: NOW + timedelta(days=5))
        path = opened.settings.home.parent / "again.csv"
        path.write_text(LISTS[1])
        assert opened.deliver(path, now=NOW).again


def _run_again(home: Home, batch: str) -> None:
    (delivery,) = home.deliveries([batch])
    leads, _, _ = pipeline.validate(
        pipeline.read([delivery], home.contents([delivery]), home.settings).raw, home.lead_id_key
    )
    home.tables.replace(LEADS, leads, [batch])
    join(home.tables, leads, {batch: delivery.delivered_at})


class Killed(BaseException):
    """The process ends here, as far as the code under test can tell."""


def _interrupted(home: Home, batch: str, seed: int) -> None:
    """Undo, but end before one of its effects, which the seed decides."""
    dice = random.Random(seed)
    left = dice.randrange(0, 12)

    def counted(function):
        def run(*arguments, **named):
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            return function(*arguments, **named)

        return run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(home.tables, "replace", counted(home.tables.replace))
        patch.setattr(home.records, "note_undone", counted(home.records.note_undone))
        patch.setattr(undoing, "_remove_report", counted(undoing._remove_report))
        patch.setattr(undoing, "_finish", counted(undoing._finish))
        try:
            take_out(home, batch, drop_partition=counted(lambda _: None))
        except Killed:
            return


def _interrupt_and_repeat(home: Home, reference: Home, batch: str, seed: int) -> None:
    for attempt in range(3):
        _interrupted(home, batch, seed + 100 * attempt)
    take_out(home, batch)
    assert stored(home) == stored(reference)
    assert newest_undo(home.database, batch).finished_at is not None
    assert len(events(home.database, action="batch.undone")) == 1
    assert not (home.settings.reports_dir / batch).exists()


@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(3, 30))])
def test_an_undo_that_is_killed_anywhere_is_finished_by_repeating_it(taken_in, tmp_path, seed):
    for name in ("torn", "whole"):
        shutil.copytree(taken_in[0], tmp_path / name)
    torn, whole = (Home(read_settings(home=tmp_path / name)) for name in ("torn", "whole"))
    batch = taken_in[1][seed % 3]
    take_out(whole, batch)
    _interrupt_and_repeat(torn, whole, batch, seed)


UNDO_IN_A_PROCESS = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from leadscout_assets.home import Home
from leadscout_assets.settings import read_settings
from leadscout_assets.undoing import undo

home = Home(read_settings(home=Path(sys.argv[1])))
home.database, home.tables
import leadscout_assets.known_leads, deltalake, rapidfuzz
print("ready", flush=True)
undo(home, sys.argv[2], actor="me", now=lambda: datetime(2026, 3, 14, tzinfo=UTC), under_way=lambda _: False,
     drop_partition=lambda _: None)
"""


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20))
def test_a_process_that_is_killed_at_any_moment_leaves_an_undo_that_repeating_finishes(taken_in, tmp_path, seed):
    for name in ("torn", "whole"):
        shutil.copytree(taken_in[0], tmp_path / name)
    torn, whole = (Home(read_settings(home=tmp_path / name)) for name in ("torn", "whole"))
    batch, dice = taken_in[1][seed % 3], random.Random(seed)
    take_out(whole, batch)
    for _ in range(2):
        command = [sys.executable, "-W", "ignore", "-c", UNDO_IN_A_PROCESS, str(tmp_path / "torn"), batch]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(dice.uniform(0.0, 0.6))
            process.kill()
    take_out(torn, batch)
    assert stored(torn) == stored(whole)
    assert len(events(torn.database, action="batch.undone")) == 1
    assert not (torn.settings.reports_dir / batch).exists()
