"""`leadscout status`, `stop`, `down` and `--background`: what they print, what they leave, and their exit codes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from rich.console import Console

from leadscout_assets import background
from leadscout_assets.background import Job
from leadscout_assets.cli import background as shell
from leadscout_assets.errors import EdgeFailed
from leadscout_assets.processes import identity
from leadscout_assets.progress import tracked
from leadscout_assets.progress.tracking import Progress
from leadscout_assets.resumable import note
from leadscout_assets.supervisor.instance import MARK
from leadscout_assets.supervisor.lock import PID_FILE
from tests.progress.schema import SCHEMA


@pytest.fixture
def ended(home):
    """One operation that has ended, and one that was left by a killed process."""
    with tracked(home, "run", total=500) as progress:
        progress.stage("raw_leads", 0.5)
        progress.item("2026-03-02_list_01234567")
    told = Progress("backfill", total=10).to_json() | {"pid": 2**22 + 1, "host": os.uname().nodename, "process": "x:1"}
    (home.progress_dir / "backfill-4194305.json").write_text(json.dumps(told))


def test_with_nothing_there_it_says_so(leadscout):
    found = leadscout("status")
    assert (found.code, found.out.strip()) == (0, "nothing runs, and nothing has run lately")


def test_status_shows_what_ended_and_whose_process_is_gone(leadscout, ended):
    found = leadscout("status").out
    assert f"run-{os.getpid()}" in found
    assert "500 of 500 rows" in found
    assert "its process is gone: it was killed" in found


def test_status_as_json_holds_the_files_with_the_readers_judgement(leadscout, ended):
    found = leadscout("status", "--json").json
    assert [one["operation"] for one in found["ended"]] == ["run"]
    (stalled,) = found["stalled"]
    assert (stalled["state"], stalled["name"]) == ("stalled", "backfill-4194305")
    assert set(SCHEMA["required"]) <= set(stalled)
    assert (found["platform"], found["running"], found["resumable"]) == (None, [], [])


def test_status_names_what_can_be_gone_on_with(leadscout, home, monkeypatch):
    note(home, "backfill", "backfill", ["backfill", "--resume"], batches=["a"])
    monkeypatch.setattr("leadscout_assets.resumable.is_alive", lambda *_: False)
    assert "can be gone on with: leadscout backfill --resume" in leadscout("status").out


def test_watching_tells_each_change_in_a_line_and_ends_with_the_work(leadscout, home, monkeypatch):
    with tracked(home, "run", total=100) as progress:
        pauses = []

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            progress.stage("leads", 1.0)
            progress.advance(40)
            for writer in list(_writers()):
                writer.write()
                if len(pauses) == 3:
                    writer.finish("succeeded")

        monkeypatch.setattr(shell.time, "sleep", pause)
        lines = list(shell._lines(home))
    assert lines[0].endswith("running, starting, 0 %")
    assert lines[-1].endswith("succeeded, leads, 100 %")
    assert len(lines) == 4


def test_bars_are_drawn_where_there_is_a_terminal(home, monkeypatch):
    drawn = io.StringIO()
    monkeypatch.setattr("rich.console.Console", lambda **_: Console(file=drawn, force_terminal=True, width=150))
    with tracked(home, "run", total=100) as progress:
        progress.advance(40)
        for writer in list(_writers()):
            writer.write()
        monkeypatch.setattr(shell.time, "sleep", lambda _: [writer.finish("succeeded") for writer in list(_writers())])
        shell._watch(home)
    assert "40 of 100 rows" in drawn.getvalue()


def _writers():
    from leadscout_assets.progress import tracking

    return tracking._open


@pytest.mark.parametrize(
    ("seconds", "shown"), [(None, "-"), (0.4, "0:00"), (61, "1:01"), (3600, "1:00:00"), (100_000, "27:46:40")]
)
def test_times_are_shown_as_clocks_show_them(seconds, shown):
    assert shell._clock(seconds) == shown


def test_a_command_is_shown_once_it_has_ended_although_all_of_its_steps_began_later(leadscout, home):
    with tracked(home, "backfill"):
        time.sleep(0.002)  # its start is told to the millisecond
        for step in range(shell.LATELY + 1):
            with tracked(home, "leads", run_id=f"r{step}"):
                pass
    shown = [line.split()[0] for line in leadscout("status").out.splitlines()[1:]]
    assert shown[-1] == f"backfill-{os.getpid()}"
    assert len(shown) == shell.LATELY


def test_of_two_that_ended_in_the_same_millisecond_the_one_that_held_the_other_is_the_later(leadscout, home):
    moment = "2026-03-02T08:00:05.000+00:00"
    for name, began in (("backfill", "2026-03-02T08:00:00.000+00:00"), ("leads", "2026-03-02T08:00:04.000+00:00")):
        with tracked(home, name):
            pass
        file = home.progress_dir / f"{name}-{os.getpid()}.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"started_at": began, "timestamp": moment}))
    shown = [line.split()[0] for line in leadscout("status").out.splitlines()[1:]]
    assert shown == [f"leads-{os.getpid()}", f"backfill-{os.getpid()}"]


def test_a_map_that_means_nothing_starts_nothing_in_the_background(leadscout, home, tmp_path):
    (tmp_path / "a.csv").write_text("EntityName,DirectorName\n")
    found = leadscout("run", str(tmp_path / "a.csv"), "--out", str(tmp_path / "out"), "--map", "Firma", "--background")
    assert (found.code, found.out) == (2, "")
    assert "--map takes" in found.err
    assert not home.background_dir.exists()


def test_stopping_what_does_not_run_is_bad_input_and_names_what_does(leadscout):
    found = leadscout("stop", "backfill")
    assert found.code == 2
    assert "nothing runs under this name" in found.err


def test_down_without_a_platform_is_no_error(leadscout):
    found = leadscout("down")
    assert (found.code, found.out) == (0, "the platform is not running\n")
    assert leadscout("stop", "up").code == 0


@pytest.mark.processes
def test_down_ends_the_holder_of_the_home(leadscout, home):
    code = (
        "import time, sys\n"
        "from leadscout_assets.supervisor.lock import hold_home\n"
        "from leadscout_assets.settings import current_settings\n"
        "with hold_home(current_settings().home):\n"
        "    print('here', flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"here\n"
        found = leadscout("down")
        assert (found.code, found.out) == (0, "the platform is down\n")
        assert holder.wait(10) == -15


@pytest.mark.processes
def test_down_ends_what_a_killed_platform_left(leadscout, home):
    # Its UI and its daemon went on, and `down` said that nothing was running.
    home.home.mkdir(parents=True)
    (home.home / PID_FILE).write_text("4194303\n")
    environment = os.environ | {MARK: str(home.home.resolve())}
    left = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(600)"]
    with subprocess.Popen(left, stdout=subprocess.PIPE, env=environment, start_new_session=True) as orphan:
        assert orphan.stdout is not None
        assert orphan.stdout.readline() == b"here\n"
        found = leadscout("down")
        assert (found.code, found.out) == (0, "the platform was killed; what it left is ended now\n")
        assert identity(orphan.pid) is None
    assert leadscout("down").out == "the platform is not running\n"


def test_a_run_of_the_platform_is_ended_through_its_ui(leadscout, home, monkeypatch):
    asked = []
    with tracked(home, "leads", run_id="abc", total=10):
        pass
    monkeypatch.setattr("leadscout_assets.supervisor.running_pid", lambda _: 1)
    monkeypatch.setattr(
        "leadscout_assets.defs.ui.terminate_on_platform", lambda url, run_id: asked.append((url, run_id))
    )
    found = leadscout("stop", "abc")
    assert (found.code, found.out) == (0, "run abc ends\n")
    assert asked == [("http://127.0.0.1:3000", "abc")]


@pytest.fixture
def started(monkeypatch, home):
    """What would be started in the background; nothing is."""
    found: list[tuple[str, list[str]]] = []

    def start(settings, operation, arguments):
        found.append((operation, list(arguments)))
        return Job(operation, 2**22 + 1, "gone", home.home / "some.log")

    monkeypatch.setattr(background, "start", start)
    return found


@pytest.mark.parametrize(
    "command",
    [
        ("demo",),
        ("demo", "--once"),
        ("generate", "--rows", "5", "--out", "x.csv"),
        ("backup",),
        ("restore", ".", "--to", "elsewhere"),
        ("classify", "x.csv", "--column", "name", "--out", "y.csv", "--purpose", "evaluation"),
        ("prune", "--apply"),
        ("forget", "--lead", "3f1c0a9be2d4578c"),
    ],
)
def test_every_long_command_starts_itself_without_the_option(leadscout, started, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = leadscout(*command, "--background")
    assert found.code == 0
    assert started == [(command[0], list(command))]
    assert f"leadscout stop {command[0]}-4194305" in found.out


def test_what_is_about_a_batch_looks_for_it_before_it_goes_to_the_background(leadscout, started, leads, tmp_path):
    assert leadscout("deliver", tmp_path / "none.csv", "--background").code == 2
    assert leadscout("undo", "no-such-batch", "--background").code == 2
    assert leadscout("export", "no-such-batch", "--out", "x.csv", "--background").code == 2
    assert started == []
    batch = leadscout("deliver", leads, "--json").json["batch_id"]
    for command in (
        ("deliver", str(leads)),
        ("undo", batch),
        ("export", batch, "--out", "x.csv"),
        ("keys", "rotate", "audit"),
    ):
        assert leadscout(*command, "--background").code == 0
        assert started.pop() == ("rotate" if command[0] == "keys" else command[0], list(command))


def test_a_run_of_a_file_that_is_not_there_is_said_at_once(leadscout, started, leads, tmp_path):
    assert leadscout("run", tmp_path / "none.csv", "--out", tmp_path, "--background").code == 2
    assert started == []
    assert leadscout("run", leads, "--out", tmp_path, "--background").code == 0
    assert [operation for operation, _ in started] == ["run"]


def test_a_home_is_not_restored_to_itself_in_the_background(leadscout, started, home, tmp_path):
    found = leadscout("restore", tmp_path, "--to", home.home, "--background")
    assert (found.code, started) == (2, [])


def test_a_run_that_is_gone_on_with_has_its_day_already(leadscout, leads, tmp_path):
    assert leadscout("run", leads, "--out", tmp_path, "--resume", "--delivered", "2026-03-02").code == 2


def test_a_backfill_to_go_on_with_must_have_been_interrupted(leadscout):
    found = leadscout("backfill", "--resume")
    assert found.code == 2
    assert "no backfill was interrupted" in found.err


class TestUp:
    def test_it_returns_once_the_platform_serves(self, leadscout, started, home, monkeypatch):
        def pause(_: float) -> None:
            told = Progress("up", unit="").to_json() | {"pid": 2**22 + 1, "host": "elsewhere", "stage": "serving"}
            home.progress_dir.mkdir(parents=True, exist_ok=True)
            (home.progress_dir / "up-4194305.json").write_text(json.dumps(told))

        monkeypatch.setattr(shell.time, "sleep", pause)
        monkeypatch.setattr(Job, "runs", property(lambda _: True))
        found = leadscout("up", "--background")
        assert found.code == 0
        assert "LeadScout is up: http://127.0.0.1:3000  (leadscout down stops it)" in found.out

    def test_one_that_does_not_come_up_shows_the_end_of_its_log(self, leadscout, started, home):
        home.home.mkdir(parents=True)
        (home.home / "some.log").write_text("the port is taken\n")
        found = leadscout("up", "--background")
        assert found.code == EdgeFailed.exit_code
        assert "the port is taken" in found.err

    def test_a_second_one_is_refused_at_once(self, leadscout, started, monkeypatch):
        monkeypatch.setattr("leadscout_assets.supervisor.running_pid", lambda _: 77)
        found = leadscout("up", "--background")
        assert (found.code, started) == (3, [])
        assert "process 77" in found.err


@pytest.mark.processes
def test_a_generated_list_comes_out_of_the_background(leadscout, home, tmp_path):
    out = tmp_path / "leads.csv"
    assert leadscout("generate", "--rows", "20", "--out", out, "--background").code == 0
    deadline = time.monotonic() + 60
    while not out.exists():
        assert time.monotonic() < deadline, [p.read_text() for p in home.logs_dir.rglob("*.log")]
        time.sleep(0.1)
    assert len(out.read_text().splitlines()) == 21


@pytest.mark.processes
def test_a_command_that_refuses_at_once_says_why_with_its_exit_code_and_leaves_no_entry(
    leadscout, home, tmp_path, monkeypatch
):
    monkeypatch.setattr(shell, "BEGINS_SECONDS", 60)
    (tmp_path / "file").touch()
    found = leadscout("generate", "--rows", "20", "--out", tmp_path / "file" / "x.csv", "--background")
    assert (found.code, found.out) == (2, "")
    assert "--out cannot be written" in found.err
    assert leadscout("status").out.strip() == "nothing runs, and nothing has run lately"


def test_a_job_is_named_by_its_operation_and_process():
    assert replace(Job("run", 5, None, None), pid=6).name == "run-6"
