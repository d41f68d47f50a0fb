"""Log files: a line in exactly one of them, whole, whoever else writes; past days compressed; nothing kept for ever."""

from __future__ import annotations

import errno
import fcntl
import gzip
import io
import json
import os
import re
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from leadscout_assets.logs import get_logger, operation
from leadscout_assets.logs.calls import api_call
from leadscout_assets.logs.files import FRAME, GRACE, LogFiles, Tidied, log_paths, tidy
from tests.logs.lines import CANARY, in_files, log_to_files

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def a_file(root: Path, kind: str, day: str, content: str = "{}\n") -> Path:
    path = root / f"{kind}-{day}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def unpacked(path: Path) -> bytes:
    return gzip.decompress(path.with_name(f"{path.name}.gz").read_bytes())


# --- which line goes where


def test_each_line_is_in_exactly_one_file_by_its_level_and_event(tmp_path):
    logs, log = log_to_files(tmp_path / "home", log_level="DEBUG"), get_logger("leadscout_assets.x")
    log.info("platform ready", url="u")
    log.warning("process died", process="daemon")
    log.error("delivery.not_taken", reason="r")
    log.info("batch.done", leads=1)
    log.debug("classification.attempts", attempts=[])
    with api_call("a", "b"):
        pass
    log.debug("whatever")
    found = {kind: [line["event"] for line in lines] for kind, lines in in_files(logs).items()}
    assert found == {
        "production/operations": ["platform ready", "process died"],
        "production/errors": ["delivery.not_taken"],
        "production/metrics": ["batch.done"],
        "debug/classification": ["classification.attempts"],
        "debug/api-calls": ["api.call"],
        "debug/performance": ["whatever"],
    }


def test_every_line_begins_with_the_same_frame_and_ids_that_do_not_apply_are_null(tmp_path):
    logs = log_to_files(tmp_path / "home")
    with operation("raw_leads", run_id="r", asset="a"):
        get_logger("leadscout_assets.x").info("batch.started", batch_id="b", rows_delivered=1)
    inside, closing = in_files(logs)["production/operations"]
    for line in (inside, closing):
        assert tuple(line)[: len(FRAME)] == FRAME
        assert (line["run_id"], line["asset"], line["step"], line["request_id"]) == ("r", "a", None, None)
        assert line["process_id"] == os.getpid()
    assert (inside["batch_id"], closing["batch_id"]) == ("b", None)


def test_lines_of_libraries_are_there_from_warning_on_and_are_private(tmp_path):
    import logging

    logs = log_to_files(tmp_path / "home")
    logging.getLogger("some.library").warning("cannot reach %s", "z.quagga@example.co.za")
    try:
        raise ValueError(CANARY)
    except ValueError:
        logging.getLogger("some.library").exception("failed")
    logging.getLogger("some.library").info("chatter")
    found = in_files(logs)
    assert [line["event"] for line in found["production/operations"]] == ["cannot reach [removed]"]
    assert [line["event"] for line in found["production/errors"]] == ["failed"]
    assert CANARY not in str(found)


def test_the_debug_switch_writes_debug_lines_to_the_files_alone(tmp_path):
    stream = io.StringIO()
    logs = log_to_files(tmp_path / "home", stream, log_debug=True)
    get_logger("leadscout_assets.x").debug("detail")
    get_logger("leadscout_assets.x").info("fact")
    assert [line["event"] for line in in_files(logs)["debug/performance"]] == ["detail"]
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["fact"]


def test_without_the_switch_there_is_no_debug_file(tmp_path):
    logs = log_to_files(tmp_path / "home")
    get_logger("leadscout_assets.x").debug("detail")
    get_logger("leadscout_assets.x").info("fact")
    assert not (logs / "debug").exists()


def test_a_folder_of_ones_own_is_used_and_made(tmp_path):
    logs = log_to_files(tmp_path / "home", log_dir=tmp_path / "elsewhere" / "logs")
    get_logger("leadscout_assets.x").info("fact")
    assert logs == tmp_path / "elsewhere" / "logs"
    assert len(in_files(logs)["production/operations"]) == 1
    assert not (tmp_path / "home" / "logs").exists()


@pytest.mark.parametrize("there", [True, False], ids=["an empty folder", "no folder"])
def test_logging_makes_no_home(tmp_path, there):
    log_to_files(tmp_path / "other")
    home = tmp_path / "home"
    if there:
        home.mkdir()
    from leadscout_assets.logs import setup_logging
    from leadscout_assets.settings import read_settings

    setup_logging(read_settings(home=home), io.StringIO(), files=True)
    with operation("backup"):
        get_logger("leadscout_assets.x").info("fact")
    assert home.exists() is there
    assert not there or list(home.iterdir()) == []
    (home / "keys").mkdir(parents=True)
    get_logger("leadscout_assets.x").info("fact")
    assert len(in_files(home / "logs")["production/operations"]) == 1


def test_files_are_for_this_user_alone(tmp_path):
    logs = log_to_files(tmp_path / "home")
    get_logger("leadscout_assets.x").info("fact")
    (path,) = log_paths(logs)
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


# --- many writers, one day after another

WRITER = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
import io, time_machine
from leadscout_assets.logs import get_logger, setup_logging
from leadscout_assets.settings import read_settings

number, lines = int(sys.argv[2]), int(sys.argv[3])
with time_machine.travel(datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC), tick=False) as clock:
    setup_logging(read_settings(home=Path(sys.argv[1])), io.StringIO(), files=True)
    log = get_logger("leadscout_assets.writer")
    for line in range(lines):
        if line == lines // 2:
            clock.shift(2.0)
        log.info("line", writer=number, number=line, filling="x" * (line % 70))
"""


def test_four_processes_write_twenty_thousand_lines_over_midnight_and_none_is_torn_or_lost(tmp_path):
    home, each = tmp_path / "home", 5_000
    (home / "keys").mkdir(parents=True)
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(home)]
    writers = [subprocess.Popen([*command, str(number), str(each)]) for number in range(4)]
    assert [writer.wait(120) for writer in writers] == [0] * 4
    seen = []
    for path in log_paths(home / "logs"):
        for raw in path.read_bytes().splitlines():
            line = json.loads(raw)
            assert str(line["timestamp"]).startswith(re.search(r"\d{4}-\d\d-\d\d", path.name)[0])
            seen.append((line["writer"], line["number"], path.name[-14:-4]))
    assert sorted(seen) == sorted(
        (writer, number, "2026-11-22" if number < each // 2 else "2026-11-23")
        for writer in range(4)
        for number in range(each)
    )


@pytest.fixture
def noon() -> Iterator[None]:
    """The day that the lines are of: what is of a day before is compressed at any moment."""
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.mark.usefixtures("noon")
def test_a_line_from_before_midnight_that_comes_late_goes_to_its_own_day(tmp_path):
    files = LogFiles(tmp_path, 30)
    for day, line in (("2026-11-22", b"a\n"), ("2026-11-23", b"b\n"), ("2026-11-22", b"c\n"), ("2026-11-23", b"d\n")):
        files.write("production/operations", day, line)
    files.close()
    assert (tmp_path / "production" / "operations-2026-11-22.log").read_bytes() == b"a\nc\n"
    assert (tmp_path / "production" / "operations-2026-11-23.log").read_bytes() == b"b\nd\n"


@pytest.mark.usefixtures("noon")
def test_a_file_that_is_removed_under_a_writer_is_made_anew_with_the_line(tmp_path):
    files = LogFiles(tmp_path, 30)
    files.write("production/operations", "2026-11-22", b"first\n")
    (path,) = log_paths(tmp_path)
    path.unlink()
    files.write("production/operations", "2026-11-22", b"second\n")
    assert path.read_bytes() == b"second\n"


def test_a_full_disk_is_said_once_and_the_lines_are_on_standard_error(tmp_path, capsys):
    logs = log_to_files(tmp_path / "home", sys.stderr)
    with time_machine.travel(NOON, tick=False):
        (logs / "production").mkdir(parents=True)
        (logs / "production" / "operations-2026-11-22.log").symlink_to("/dev/full")
        for number in range(3):
            get_logger("leadscout_assets.x").info("platform ready", url=str(number))
    said = capsys.readouterr().err
    assert said.count(os.strerror(errno.ENOSPC)) == 1
    assert said.count('"platform ready"') == 3


@pytest.mark.usefixtures("noon")
def test_after_a_line_that_the_disk_cut_short_the_next_one_begins_on_its_own(tmp_path, monkeypatch):
    files, write = LogFiles(tmp_path, 30), os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))
    with pytest.raises(OSError, match="cut short"):
        files.write("production/operations", "2026-11-22", b"first\n")
    monkeypatch.setattr(os, "write", write)
    files.write("production/operations", "2026-11-22", b"second\n")
    (path,) = log_paths(tmp_path)
    assert path.read_bytes() == b"fir\nsecond\n"


# --- past days


def test_past_days_are_compressed_old_ones_removed_and_today_is_left_alone(tmp_path):
    today = a_file(tmp_path, "production/operations", "2026-11-22", "today\n")
    past = a_file(tmp_path, "debug/performance", "2026-11-21", "yesterday\n")
    oldest = a_file(tmp_path, "production/errors", "2026-11-15")
    too_old = a_file(tmp_path, "production/errors", "2026-11-14")
    a_file(tmp_path, "production/metrics", "2026-11-01").rename(tmp_path / "production/metrics-2026-11-01.log.gz")
    stranger = tmp_path / "production" / "notes.txt"
    stranger.write_text("mine")
    assert tidy(tmp_path, NOON, keep_days=7) == Tidied(compressed=2, removed=2)
    assert unpacked(past) == b"yesterday\n"
    assert [path.name for path in log_paths(tmp_path)] == [f"{oldest.name}.gz", f"{past.name}.gz", today.name]
    assert not too_old.exists()
    assert stranger.exists()
    assert tidy(tmp_path, NOON, keep_days=7) == Tidied()


def test_a_day_is_left_alone_for_a_while_after_its_end(tmp_path):
    a_file(tmp_path, "production/operations", "2026-11-21")
    midnight = NOON.replace(hour=0)
    assert tidy(tmp_path, midnight + GRACE - timedelta(seconds=1), keep_days=7) == Tidied()
    assert tidy(tmp_path, midnight + GRACE, keep_days=7) == Tidied(compressed=1)


def test_a_stragglers_lines_are_added_to_what_is_compressed_already(tmp_path):
    path = a_file(tmp_path, "production/operations", "2026-11-21", "one\n")
    tidy(tmp_path, NOON, keep_days=7)
    path.write_text("two\n")
    tidy(tmp_path, NOON, keep_days=7)
    assert unpacked(path) == b"one\ntwo\n"


def test_an_interrupted_compression_leaves_the_lines_and_the_next_one_clears_up(tmp_path):
    path = a_file(tmp_path, "production/operations", "2026-11-21", "one\n")
    half = path.with_name(f".{path.name}.gz.tmp")
    half.write_bytes(b"\x1f\x8b half")
    assert tidy(tmp_path, NOON, keep_days=7) == Tidied(compressed=1)
    assert not half.exists()
    assert unpacked(path) == b"one\n"


def test_only_one_process_tidies_at_a_time(tmp_path):
    a_file(tmp_path, "production/operations", "2026-11-21")
    with (tmp_path / ".tidying").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert tidy(tmp_path, NOON, keep_days=7) == Tidied()
    assert tidy(tmp_path, NOON, keep_days=7) == Tidied(compressed=1)


def test_whoever_writes_the_first_line_tidies_and_again_after_each_midnight(tmp_path):
    first = a_file(tmp_path, "production/operations", "2026-11-21", "one\n")
    files = LogFiles(tmp_path, 30)
    with time_machine.travel(NOON, tick=False) as clock:
        files.write("production/operations", "2026-11-22", b"two\n")
        _wait_for_tidying()
        assert not first.exists()
        clock.move_to(NOON + timedelta(hours=12))
        files.write("production/operations", "2026-11-23", b"three\n")
        _wait_for_tidying()
        assert (tmp_path / "production/operations-2026-11-22.log").exists()
        clock.shift(GRACE)
        files.write("production/operations", "2026-11-23", b"four\n")
        _wait_for_tidying()
    names = [path.name for path in log_paths(tmp_path)]
    assert names == [f"operations-2026-11-{day}.log{gz}" for day, gz in ((21, ".gz"), (22, ".gz"), (23, ""))]


def _wait_for_tidying() -> None:
    for thread in [thread for thread in threading.enumerate() if thread.name == "log files"]:
        thread.join(30)
