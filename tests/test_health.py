"""Health: each check tells what is not well, none is waited for long, and nothing of what is kept private is told."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import cycle
from pathlib import Path
from types import SimpleNamespace

import pytest

from leadscout_assets import health
from leadscout_assets.contracts import LEADS, RAW_LEADS
from leadscout_assets.errors import EdgeFailed
from leadscout_assets.health import CHECKS, FAILING, OK, WARN, Examiner, State
from leadscout_assets.home import Home
from leadscout_assets.recovery.backup import take_backup
from leadscout_assets.settings import Settings, read_settings
from leadscout_assets.supervisor.lock import hold_home
from tests import scenario


def state(settings: Settings, name: str, *, expect_platform: bool = False) -> State:
    return Examiner(settings, {name: CHECKS[name]}).examine(expect_platform=expect_platform).states[name]


@pytest.fixture(autouse=True)
def _time_enough(monkeypatch):
    """A busy machine is no check that hangs; those that do are given less time by their own tests."""
    monkeypatch.setattr(health, "CHECK_SECONDS", 60.0)


@pytest.fixture
def in_use(home, tmp_path) -> Iterator[Settings]:
    opened = Home(home)
    opened.deliver(scenario.scenario_csv(tmp_path / "leads.csv"), now=datetime.now(UTC) - timedelta(hours=1))
    yield home
    opened.database.close()


@contextmanager
def answering(answer: object) -> Iterator[int]:
    """A server in place of the platform's UI that gives one answer to every question."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({"data": answer}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def platform_says(*, loaded: bool = True, beat: float = 0.0, daemons: int = 1) -> dict[str, object]:
    kind = "RepositoryLocation" if loaded else "PythonError"
    entry = {"name": "leadscout", "loadStatus": "LOADED", "locationOrLoadError": {"__typename": kind}}
    one = {"daemonType": "SENSOR", "required": True, "lastHeartbeatTime": time.time() - beat}
    return {
        "workspaceOrError": {"locationEntries": [entry]},
        "instance": {"daemonHealth": {"allDaemonStatuses": [one] * daemons}},
    }


def test_a_home_in_use_is_ready_and_says_that_its_platform_is_not_running(in_use):
    found = Examiner(in_use).examine(expect_platform=False)
    assert found.ready
    assert {name: one.state for name, one in found.states.items()} == {
        "database": OK, "storage": OK, "disk": OK, "webserver": WARN, "code_server": WARN, "daemons": WARN, "recovery": OK,
        "external_services": OK,
    }  # fmt: skip


def test_looking_leaves_nothing_behind(in_use):
    def files() -> list[Path]:
        return [path for path in sorted(in_use.home.rglob("*")) if not path.name.endswith(("-wal", "-shm"))]

    before = files()
    Examiner(in_use).examine(expect_platform=False)
    assert files() == before


def test_a_platform_that_is_expected_and_does_not_answer_is_failing(home):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        settings = home.model_copy(update={"port": unused.getsockname()[1]})
        assert state(settings, "daemons", expect_platform=True).state == FAILING
        assert state(settings, "daemons").state == WARN
        with hold_home(home.home):
            # Its lock is held: somebody started it here.
            assert state(settings, "daemons").state == FAILING


@pytest.mark.parametrize(
    ("says", "failing"),
    [
        # Asked when the test runs: a heartbeat of when the tests were collected would be an old one.
        (platform_says, set()),
        (lambda: platform_says(loaded=False), {"code_server"}),
        (lambda: platform_says(beat=health.HEARTBEAT_SECONDS + 60), {"daemons"}),
        (lambda: platform_says(daemons=0), {"daemons"}),
        (lambda: None, {"webserver", "code_server", "daemons"}),
    ],
    ids=["well", "definitions not loaded", "silent daemon", "no daemon", "another program"],
)
def test_the_parts_of_the_platform_are_told_apart(home, says, failing):
    with answering(says()) as port:
        settings = home.model_copy(update={"port": port})
        parts = {name: CHECKS[name] for name in ("webserver", "code_server", "daemons")}
        found = Examiner(settings, parts).examine(expect_platform=True)
    assert {name for name, one in found.states.items() if one.state == FAILING} == failing
    assert found.ready == (not failing)


def test_a_home_that_is_not_there_or_cannot_be_written_is_failing(home):
    assert state(home, "storage").state == FAILING
    home.home.write_text("a file in its place")
    assert state(home, "storage").state == FAILING


def test_too_little_free_space_is_failing(home, monkeypatch):
    home.home.mkdir()
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 9, home.min_free_bytes - 1))
    assert state(home, "disk").state == FAILING
    assert state(home.model_copy(update={"min_free_bytes": 0}), "disk").state == OK


def test_a_database_that_refuses_is_failing_and_shows_no_password(home, monkeypatch):
    monkeypatch.setenv("LEADSCOUT_DATABASE_URL", "postgresql://scout:s3cret@127.0.0.1:1/leads?connect_timeout=1")
    found = state(read_settings(), "database")
    assert found.state == FAILING
    assert "s3cret" not in found.sentence


def test_no_database_yet_is_well(home):
    assert state(home, "database") == State(OK, "none yet: it is made at the first delivery")


@pytest.mark.parametrize("emptied", [False, True])
def test_a_database_that_is_gone_from_a_home_with_tables_is_failing_and_not_none_yet(in_use, emptied):
    Home(in_use).tables.replace(RAW_LEADS, RAW_LEADS.empty(), ["2026-01-01_list_00000001"])
    assert state(in_use, "database") == State(OK, "answers")
    shutil.rmtree(in_use.home / "database")
    if emptied:
        (in_use.home / "database").mkdir()
        (in_use.home / "database" / "leadscout.sqlite").touch()
    found = state(in_use, "database")
    assert found.state == FAILING
    assert "the application database is missing or empty" in found.sentence
    assert "restore" in found.sentence
    assert str(in_use.home) not in found.sentence


def test_a_key_that_is_gone_from_a_home_with_leads_is_failing(in_use):
    Home(in_use).tables.replace(LEADS, LEADS.empty(), ["2026-01-01_list_00000001"])
    found = state(in_use, "database")
    assert (found.state, "keys/lead-id.key" in found.sentence) == (FAILING, True)


def test_a_check_that_hangs_is_failing_in_time_and_is_not_started_again(home, monkeypatch):
    """A database that takes connections and never answers: each question must not cost a thread more."""
    release, calls = threading.Event(), []

    def hangs(*_) -> State:
        calls.append(1)
        release.wait(120)
        return State(OK, "late")

    # Of the minute that both have, the one that is well takes what it needs; then nearly all of it is over.
    clock = cycle([0.0, 0.0, 59.9])
    monkeypatch.setattr(health, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    examiner = Examiner(home, {"well": lambda *_: State(OK, "well"), "hangs": hangs})
    try:
        for _ in range(3):
            found = examiner.examine(expect_platform=False, seconds=60.0)
            assert {name: one.state for name, one in found.states.items()} == {"hangs": FAILING, "well": OK}
            assert "no answer" in found.states["hangs"].sentence
        assert len(calls) == 1
    finally:
        release.set()


@pytest.mark.parametrize("error", [ValueError("THANDI NKOSI"), EdgeFailed("the disk is gone")], ids=["defect", "ours"])
def test_a_check_that_raises_is_failing_and_quotes_no_library(home, error):
    def raises(*_) -> State:
        raise error

    found = Examiner(home, {"raises": raises}).examine(expect_platform=False).states["raises"]
    assert found.state == FAILING
    assert "THANDI" not in found.sentence


def test_old_backups_warn_but_keep_nobody_from_working(in_use):
    assert state(in_use, "recovery").state == OK  # the first day has not passed
    strict = in_use.model_copy(update={"max_backup_age_hours": 0.0})
    found = Examiner(strict, {"recovery": CHECKS["recovery"]}).examine(expect_platform=False)
    assert (found.states["recovery"].state, found.ready) == (WARN, True)
    assert found.to_json()["backup_age_hours"] is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("proofs.json", "[" * 200_000),
        ("proofs.json", '[{"backup_id": "x", "at": "2026-03-02T08:00:00", "ok": true, "sentence": "s", "seconds": 1}]'),
        ("manifests/9999-99-99T99-99-99.999999Z.json", "{}"),
    ],
    ids=["deep", "without a time zone", "no date"],
)
def test_recovery_only_ever_warns_whatever_lies_among_the_backups(in_use, name, text):
    take_backup(in_use)
    (in_use.backups_dir / name).write_text(text)
    assert state(in_use, "recovery").state == OK  # the first day of the proof has not passed


def test_what_only_warns_warns_too_where_it_hangs(home):
    ended = threading.Event()
    hanging = {"recovery": lambda *_: State(OK, "late") if ended.wait() else State(OK, "never")}
    found = Examiner(home, hanging).examine(expect_platform=False, seconds=0.1)
    ended.set()
    assert (found.states["recovery"].state, found.ready) == (WARN, True)


def test_backups_that_cannot_be_looked_at_warn(in_use, monkeypatch):
    def fails(*_):
        raise EdgeFailed("the disk is gone")

    monkeypatch.setattr("leadscout_assets.recovery.ages.ages", fails)
    assert state(in_use, "recovery") == State(WARN, "the disk is gone")


def test_a_backup_dated_ahead_of_the_clock_warns_and_has_no_age(in_use):
    take_backup(in_use, now=datetime.now(UTC) + timedelta(days=3))
    found = Examiner(in_use, {"recovery": CHECKS["recovery"]}).examine(expect_platform=False)
    assert (found.states["recovery"].state, found.ready) == (WARN, True)
    assert "ahead of the clock" in found.states["recovery"].sentence
    assert found.to_json()["backup_age_hours"] is None


def test_the_two_ages_stand_at_the_top_of_the_answer(in_use):
    take_backup(in_use, now=datetime.now(UTC) - timedelta(hours=3))
    found = Examiner(in_use).examine(expect_platform=False).to_json()
    assert found["backup_age_hours"] == pytest.approx(3.0, abs=0.1)
    assert found["proven_restore_age_hours"] is None
    assert set(found["checks"]) == set(CHECKS)
