"""One person goes through every path of the platform, and is forgotten: no byte tells of them, in the home, beside it, or restored.

The search is this test's own, not the one that an erasure proves itself by. What stays of others is in test_forget.py.
"""

from __future__ import annotations

import gzip
import io
import logging
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import structlog

from leadscout_assets import contracts, pipeline
from leadscout_assets.cli.application import run_application
from leadscout_assets.database.audit import events
from leadscout_assets.database.reviews import Reviews
from leadscout_assets.defs.execution import evaluate_inbox
from leadscout_assets.kept_steps import FOLDER
from leadscout_assets.recovery.repository import Repository
from leadscout_assets.settings import Settings, read_settings
from tests.defs.ground import BROKEN, Ground, opened
from tests.e2e.canary import BUSINESS, CELL, DIRECTOR, EMAIL, FILE_NAME, TRACES, canary_list, traces_in
from tests.forgetting.conftest import ask_about_names
from tests.purposes import ENVIRONMENT
from tests.reviewed import Reviewer

PERSON = f"name: {DIRECTOR}\nname: {DIRECTOR} Junior\ncell: 068 555 0173\nemail: {EMAIL}\n"

OTHER = 'MARULA TRADING,PALESA TAU,0850000041,palesa@example.co.za,"5 Aloe Road, Durban, 4001",call back\n'

WARNED = f"Quagga Works,{DIRECTOR},068 555 0173,zq at fandangoquagga,,\n"
"""The canary once more: a lead that survives a defect."""

KILLED_IN_A_STEP = """
import os, signal, sys
from leadscout_assets import pipeline
from leadscout_assets.cli.application import run_application
pipeline.report = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
run_application(sys.argv[1:])
"""


def unpacked(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes, and those of whatever is packed in it."""
    content = path.read_bytes()
    yield path.name.encode()
    yield content
    if content.startswith(b"\x1f\x8b"):
        yield gzip.decompress(content)
    elif content.startswith(b"PAR1"):
        yield str(pq.read_table(io.BytesIO(content)).to_pydict()).encode()
    elif content.startswith(b"ARROW1"):
        yield str(pa.ipc.open_file(content).read_all().to_pydict()).encode()
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                yield archive.read(member)


def holding(*folders: Path) -> dict[str, list[str]]:
    """Return which files below the folders hold which traces of the canary."""
    found: dict[str, list[str]] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if not path.is_file():
                continue
            layers = [layer.lower() for layer in unpacked(path)]
            traces = [
                trace
                for trace in TRACES
                if any(trace.encode(as_) in layer for layer in layers for as_ in ("utf-8", "utf-16-le"))
            ]
            if traces:
                found[path.relative_to(folder.parent).as_posix()] = traces
    return found


@pytest.fixture
def ground(home: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    """A home with what may keep something switched on: DEBUG lines in files, a purpose that has names classified."""
    monkeypatch.setattr("leadscout_assets.inbox.SECOND_LOOK_SECONDS", 0.0)
    root, package = logging.getLogger(), logging.getLogger("leadscout_assets")
    before = (list(root.handlers), root.level, package.level)
    for name, value in {**ENVIRONMENT, "LEADSCOUT_LOG_LEVEL": "DEBUG", "LEADSCOUT_LOG_DEBUG": "true"}.items():
        monkeypatch.setenv(name, value)
    with opened(read_settings()) as found:
        yield found
    for handler in [handler for handler in root.handlers if handler not in before[0]]:
        root.removeHandler(handler)
    root.setLevel(before[1])
    package.setLevel(before[2])
    structlog.reset_defaults()


def leadscout(*arguments: object) -> int:
    return run_application([str(argument) for argument in arguments])


def go_every_way(ground: Ground, out: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Push the canary through every path, and return its first batch."""
    home, exports = ground.home, ground.settings.exports_dir
    # Delivered to the inbox; the run's last step fails, quoting what it chokes on; then the run goes through.
    ground.drop(FILE_NAME, canary_list() + WARNED + OTHER)
    ground.drop(FILE_NAME.replace("csv", "xlsx"), BROKEN + DIRECTOR.encode())
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "report", _failing)
        evaluate_inbox(ground.instance)
    for _ in range(2):
        evaluate_inbox(ground.instance)
    batches = [record.batch_id for record in home.records.all()]
    (batch,) = [one for one in batches if ground.rows(contracts.LEADS, one).num_rows]
    ask_about_names(home, batch)
    # Delivered by hand and backed up before it was ever run; waiting in the inbox.
    source = ground.file("Leads March.csv", canary_list(1) + OTHER)
    assert leadscout("deliver", source) == 0
    ground.drop("waiting.csv", canary_list(2) + OTHER)
    # Looked at, written out, reviewed with a word of whoever did, planned, said to be contacted or not.
    assert leadscout("show", batch, "--row", "2") == 0
    for name in ("leads.csv", "leads.xlsx"):
        assert leadscout("export", batch, "--with-origin", "--out", exports / name) == 0
    assert leadscout("person", "--cell", CELL, "--out", exports / "answer") == 0
    assert leadscout("review", "export", batch, "--sample", "100") == 0
    (book,) = exports.glob(f"{batch}*.xlsx")
    Reviewer(lambda _: "african").fill(book)
    assert leadscout("review", "import", book, "--reviewer", "Ann") == 0
    assert leadscout("plan", source) == 0
    assert leadscout("consent", "record", "objection", "--channel", "call", "--cell", CELL, "--source", "a call") == 0
    assert leadscout("suppress", "export", exports / "to-cleanse.txt") == 0
    assert leadscout("classify", source, "--column", "DirectorName", "--out", exports / "origins.csv") == 0
    # Killed in a step, with the finished ones kept beside the report, outside the home.
    killed = [sys.executable, "-c", KILLED_IN_A_STEP, "run", source, "--out", out]
    assert subprocess.run(killed, check=False, capture_output=True).returncode == -signal.SIGKILL
    source.unlink()
    assert leadscout("backup") == 0
    return batch


def _failing(*_: object, **__: object) -> None:
    raise ValueError(f"cannot write {BUSINESS} of {DIRECTOR}")


def assert_everywhere(ground: Ground, batch: str, out: Path) -> None:
    """What a path is to leave behind is there: else nothing found afterwards would prove nothing."""
    home = ground.home
    found = holding(ground.settings.home, out)
    for area in ("deliveries", "inbox/taken", "inbox/waiting.csv", "reports", "exports/leads", "exports/answer",
                 "exports/to-cleanse", "exports/origins", f"exports/{batch}",
                 "tables/raw_leads", "tables/leads", "tables/rejected_leads", "tables/known_leads", "backups"):  # fmt: skip
        assert any(path.startswith(f"home/{area}") for path in found), area
    assert any(FOLDER in path for path in found), "kept steps"
    leads = ground.rows(contracts.LEADS, batch)
    mine = leads.filter(pc.equal(leads["director_cell"], "+27" + CELL[1:]))
    assert [bool(codes) for codes in mine["warnings"].to_pylist()] == [False, True]
    lead = mine["lead_id"][0].as_py()
    reasons = {code for row in ground.rows(contracts.REJECTED_LEADS, batch)["reasons"].to_pylist() for code in row}
    assert "duplicate" in reasons
    assert len(reasons) > 1
    assert [one.lead_id for one in Reviews(home.database).all() if one.lead_id == lead]
    assert home.answers_about([DIRECTOR])
    assert [event for event in events(home.database, action="row.viewed") if event.subject == batch]
    assert list(ground.settings.logs_dir.glob("debug/*")), "lines at DEBUG"


def test_a_person_who_went_every_way_is_found_in_no_byte_once_forgotten(ground, tmp_path, monkeypatch, capfd):
    out, person, settings = tmp_path / "out", tmp_path / "person.txt", ground.settings
    person.write_text(PERSON)
    batch = go_every_way(ground, out, monkeypatch)
    assert_everywhere(ground, batch, out)
    capfd.readouterr()

    # A connection that stays open keeps the write-ahead log of the database on the disk.
    with ground.home.database.read():
        pass
    code = leadscout("forget", "--person", person)

    said = capfd.readouterr()
    assert code == 0, said.err
    assert traces_in(said.out + said.err) == []
    left = holding(settings.home, out)
    assert {path: traces for path, traces in left.items() if not path.startswith("home/backups/")} == {}
    assert ground.home.answers_about([DIRECTOR]) == []
    (other,) = ground.rows(contracts.LEADS, batch)["lead_id"].to_pylist()
    assert [one.lead_id for one in Reviews(ground.home.database).all()] == [other], "what was said of others stays"

    restored = tmp_path / "restored"
    assert leadscout("restore", settings.backups_dir, "--to", restored) == 0
    assert holding(restored) == {}
    # Not while the new one lacks a file that the old ones may have.
    kept, stored = Repository(settings.backups_dir).ids(), ground.home.store.path(ground.home.records.get(batch).sha256)
    aside = stored.rename(tmp_path / "aside")
    assert leadscout("forget", "--person", person, "--renew-backups") == 1
    assert set(kept) < set(Repository(settings.backups_dir).ids())
    aside.rename(stored)
    # Whoever does not want to wait until the old backups are pruned.
    assert leadscout("forget", "--person", person, "--renew-backups") == 0
    assert holding(settings.home, out) == {}
