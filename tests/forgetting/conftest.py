"""A home through whose every path a canary went: delivered in several ways, run, reported, logged, backed up."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import xlsxwriter

from leadscout_assets import contracts, pipeline
from leadscout_assets.database.models import reviews
from leadscout_assets.forgetting.request import Request, read_request
from leadscout_assets.home import Home
from leadscout_assets.inbox import TAKEN
from leadscout_assets.known_leads import join
from leadscout_assets.llm.stub import StubServer
from leadscout_assets.names.asked import full_names
from leadscout_assets.recovery.backup import take_backup
from leadscout_assets.scoring import LEAD_SCORES
from leadscout_assets.settings import Settings, read_settings
from tests.e2e.canary import BUSINESS, CELL, DIRECTOR, EMAIL, FILE_NAME, canary_list

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)

OTHERS = (
    'MARULA TRADING,PALESA TAU,0850000041,palesa@example.co.za,"5 Aloe Road, Durban, 4001",call back',
    f"KUDU TRANSPORT,{DIRECTOR},0850000042,other@example.co.za,,the same name and another person",
    f"FERN LOGISTICS,ANIL MOODLEY,0850000043,{EMAIL},,shares the address",
)
"""Rows of other people: one with the canary's name, one with its e-mail address."""

PERSON = f"# who asked\nname: {DIRECTOR}\ncell: 068 555 0173\nemail: {EMAIL}\n"


def run(home: Home, batch: str, *, report: bool = True) -> None:
    """What the assets do, without their orchestrator."""
    deliveries, settings = home.deliveries([batch]), home.settings
    raw = home.without_erased(pipeline.read(deliveries, home.store.path, settings).raw)
    leads, rejected, _ = pipeline.validate(raw, home.lead_id_key, home.suppressed)
    frames = pipeline.Frames(raw, leads, rejected, pipeline.classify(leads, settings, {}), pipeline.score(leads))
    files = contracts.LEAD_REPORTS.empty()
    if report:
        files, _ = pipeline.report(deliveries, frames, settings.reports_dir, settings, {}, home.noted)
    for contract, frame in (
        (contracts.RAW_LEADS, raw), (contracts.LEADS, leads), (contracts.REJECTED_LEADS, rejected),
        (contracts.CLASSIFICATIONS, frames.classifications), (LEAD_SCORES, frames.lead_scores), (contracts.LEAD_REPORTS, files),
    ):  # fmt: skip
        home.tables.replace(contract, frame, [batch])


def say_something(home: Home, batch: str, cell: str) -> str:
    """Record what a reviewer said of the lead with a cell, and return its id."""
    leads = home.tables.read(contracts.LEADS, [batch])
    lead = leads.filter(pc.equal(leads["director_cell"], "+27" + cell[1:]))["lead_id"][0].as_py()
    said = {"question_id": "q", "batch_id": batch, "lead_id": lead, "origin": "african", "kind": "reviewer"}
    with home.database.begin() as connection:
        connection.execute(reviews.insert().values(**said, reviewer="tests", at=NOW))
    return str(lead)


def ask_about_names(home: Home, batch: str) -> None:
    """Have the stand-in for a language model answer about every director of a batch."""
    with StubServer() as stub:
        asking = {"llm_providers": "stub/stub-small", "llm_stub_url": stub.openai_url}
        leads = home.tables.read(contracts.LEADS, [batch])
        names = full_names(leads, np.arange(leads.num_rows))
        asked = Home(home.settings.model_copy(update=asking)).llm_stage().ask(dict.fromkeys(names, batch))
    assert set(asked.answers) == set(names)


def canary_with_others(mark: int = 0) -> str:
    """Return the canary's list with rows of other people below it."""
    return canary_list(mark) + "\n".join(OTHERS) + "\n"


def as_workbook(path: Path, text: str) -> Path:
    """Write a CSV's rows as a workbook, a number among the strings and a second sheet with the canary in it."""
    import csv

    with xlsxwriter.Workbook(str(path), {"strings_to_numbers": False}) as workbook:
        page = workbook.add_worksheet("Leads")
        for row, cells in enumerate(csv.reader(text.splitlines())):
            for column, cell in enumerate(cells[:6]):
                page.write_string(row, column, cell)
        page.write_number(9, 5, 17)
        workbook.add_worksheet("Notes").write_string(0, 0, f"{DIRECTOR} of {BUSINESS}")
    return path


@pytest.fixture(scope="session")
def canary_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home that each test gets a copy of."""
    base = tmp_path_factory.mktemp("canary")
    settings = read_settings(home=base / "home")
    home = Home(settings)
    csv_file, xlsx_file = base / FILE_NAME, as_workbook(base / "Leads.xlsx", canary_with_others(1))
    csv_file.write_text(canary_with_others(), newline="\r\n")
    first = home.deliver(csv_file, now=NOW).delivery.batch_id
    second = home.deliver(xlsx_file, now=NOW + timedelta(hours=1)).delivery.batch_id
    run(home, first)
    run(home, first)
    run(home, second)
    join(
        home.tables, home.tables.read(contracts.LEADS, [first, second]), {first: NOW, second: NOW + timedelta(hours=1)}
    )
    say_something(home, first, CELL)
    ask_about_names(home, first)
    taken = settings.inbox_dir / TAKEN / first
    taken.mkdir(parents=True)
    shutil.copy(csv_file, taken / FILE_NAME)
    waiting = settings.inbox_dir / "waiting.csv"
    waiting.write_text(canary_with_others(2))
    # What must not be there, and would be found all the same.
    logs = settings.logs_dir / "production"
    logs.mkdir(parents=True)
    (logs / "operations-2026-03-02.log").write_text(f'{{"event": "kept"}}\n{{"event": "{DIRECTOR} {CELL}"}}\n')
    (settings.home / "export.csv").write_text(canary_with_others(3))
    (settings.home / "export.arrow").touch()
    table = pa.table({"who": [f"{DIRECTOR}, {EMAIL}"]})
    with (
        pa.OSFile(str(settings.home / "export.arrow"), "wb") as sink,
        pa.ipc.new_file(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as file,
    ):
        file.write_table(table)
    take_backup(settings)
    home.database.close()
    return settings.home


@pytest.fixture
def canary(home: Settings, canary_once: Path) -> Iterator[Home]:
    shutil.copytree(canary_once, home.home)
    found = Home(home)
    yield found
    found.database.close()


@pytest.fixture
def person(tmp_path: Path) -> Request:
    path = tmp_path / "person.txt"
    path.write_text(PERSON)
    return read_request(path)
