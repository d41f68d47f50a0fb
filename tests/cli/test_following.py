"""Whatever takes longer than a moment tells its progress, whichever command it is; what is short leaves nothing behind."""

from __future__ import annotations

import json
import os
import time

import pytest

from leadscout_assets.cli import long_work
from leadscout_assets.cli.application import FOLLOW_THEMSELVES, WAITING, _commands, _named
from leadscout_assets.errors import Stopped
from leadscout_assets.home import Home
from leadscout_assets.progress.files import all_files
from tests.progress.schema import faults


@pytest.fixture
def at_once(monkeypatch):
    """Two seconds are over in a hundredth."""
    monkeypatch.setattr(long_work, "LONG_SECONDS", 0.01)


@pytest.fixture
def made(home) -> None:
    home.home.mkdir(parents=True)


def seen(home) -> dict[str, str]:
    found = [json.loads(path.read_text()) for path in all_files(home.progress_dir)]
    assert [faults(one) for one in found] == [[] for _ in found]
    return {one["operation"]: one["state"] for one in found}


def test_every_command_is_followed_but_those_that_follow_themselves_or_wait_for_others():
    commands = {name: one.callback for name, one in _named(_commands()) if one.callback is not None}
    assert set(commands) >= FOLLOW_THEMSELVES | WAITING
    followed = {name for name, callback in commands.items() if callback.__code__.co_filename == long_work.__file__}
    assert followed == set(commands) - FOLLOW_THEMSELVES - WAITING
    assert followed >= {"plan", "export", "review_export", "review_import", "review_report", "perf_report"}


@pytest.mark.parametrize(
    ("arguments", "name", "work"),
    [
        (("plan", "{leads}"), "plan", "leadscout_assets.delivery_plan.plan_delivery"),
        (("export", "b", "--out", "x.csv"), "export", "leadscout_assets.row_export.export_rows"),
        (("review", "report"), "review_report", "leadscout_assets.reviewing.live_accuracy"),
        (("audit", "verify"), "audit_verify", "leadscout_assets.governance.anchors.verify_trail"),
        (("perf",), "perf", "leadscout_assets.performance.histories"),
        (("undo", "b", "--dry-run"), "undo", "leadscout_assets.undoing.what_undo_does"),
    ],
)
def test_a_command_that_takes_long_is_seen_while_it_works_and_when_it_has_ended(
    leadscout, home, made, at_once, leads, monkeypatch, arguments, name, work
):
    monkeypatch.setattr("leadscout_assets.cli.undo.LONG_SECONDS", 0.01)
    while_it_works: list[dict[str, str]] = []

    def wait(*_: object, **__: object) -> None:
        deadline = time.monotonic() + 60
        while not seen(home) and time.monotonic() < deadline:
            time.sleep(0.01)
        while_it_works.append(seen(home))
        raise Stopped

    monkeypatch.setattr(work, wait)
    found = leadscout(*(part.format(leads=leads) for part in arguments))
    assert found.code == 130
    assert while_it_works == [{name: "running"}]
    assert seen(home) == {name: "cancelled"}


def test_a_short_command_leaves_no_file(leadscout, home, made, leads):
    assert leadscout("plan", leads).code == 0
    assert all_files(home.progress_dir) == []


def test_a_home_that_is_not_there_is_not_made_for_it(leadscout, home, at_once, monkeypatch):
    monkeypatch.setattr("leadscout_assets.database.engine.Database.__init__", lambda *_, **__: time.sleep(0.2))
    leadscout("explain", "Johan Botha")
    assert not home.home.exists()


def test_an_export_tells_how_many_leads_it_writes(home, made, leads, tmp_path, monkeypatch):
    from leadscout_assets import row_export
    from leadscout_assets.progress import tracked
    from tests.reviewed import classified

    platform = Home(home)
    batch = classified(platform, leads)
    out = tmp_path / "export.csv"
    with tracked(home, "export", unit=""):
        written = row_export.export_rows(platform, batch, out, with_origin=False, purpose=None, actor="tests")
    told = json.loads((home.progress_dir / f"export-{os.getpid()}.json").read_text())
    assert (told["total"], told["unit"], told["percentage"], told["current_item"]) == (
        written.leads,
        "rows",
        100.0,
        batch,
    )
