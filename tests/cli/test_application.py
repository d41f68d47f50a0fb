"""Exit codes and streams: results to stdout, everything else to stderr, and no message of a defect to anyone."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys

import pytest
from sqlalchemy.exc import OperationalError
from xlsxwriter.exceptions import FileCreateError

from leadscout_assets.errors import AlreadyRunning, BadInput, EdgeFailed, UnreadableFile
from leadscout_assets.leads.synthetic import write_delivery


def fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("leadscout_assets.diagnosis.diagnose", fail)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadInput("put it right"), 2), (UnreadableFile("empty", "put it right"), 2), (EdgeFailed("put it right"), 3),
        (AlreadyRunning("put it right"), 3), (KeyboardInterrupt(), 130),
    ],
)  # fmt: skip
def test_each_kind_of_error_has_its_exit_code_and_its_sentence_on_stderr(leadscout, monkeypatch, error, code):
    fail_with(monkeypatch, error)
    found = leadscout("doctor")
    assert found.code == code
    assert found.out == ""
    assert ("put it right" in found.err) is not isinstance(error, KeyboardInterrupt)
    assert "Traceback" not in found.err


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
@pytest.mark.parametrize("fmt", ["json", "console"])
def test_an_unexpected_error_exits_3_without_its_message(leadscout, monkeypatch, level, fmt):
    monkeypatch.setenv("LEADSCOUT_LOG_LEVEL", level)
    monkeypatch.setenv("LEADSCOUT_LOG_FORMAT", fmt)
    error = ValueError("cannot parse Mokoena")
    error.__cause__ = KeyError("Thandi")
    fail_with(monkeypatch, error)
    found = leadscout("doctor")
    assert found.code == 3
    assert "ValueError" in found.err
    assert "Mokoena" not in found.out + found.err
    assert "Thandi" not in found.out + found.err


def wrapped(inner: BaseException) -> BaseException:
    outer = RuntimeError("wrapped")
    outer.__cause__ = inner
    return outer


def sqlite_fault(name: str) -> sqlite3.Error:
    fault = sqlite3.OperationalError("Mokoena")
    fault.sqlite_errorname = name
    return fault


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        wrapped(OSError(errno.EFBIG, "File too large")),
        FileCreateError(OSError(errno.ENOSPC, "No space left on device")),
        OperationalError("UPDATE", {}, sqlite_fault("SQLITE_FULL")),
        wrapped(sqlite_fault("SQLITE_IOERR_WRITE")),
    ],
)
def test_a_full_disk_is_no_defect_however_libraries_wrap_it(leadscout, monkeypatch, error):
    fail_with(monkeypatch, error)
    found = leadscout("doctor")
    assert found.code == 3
    assert "the disk is full" in found.err
    assert "defect" not in found.err
    assert "Mokoena" not in found.err


def test_another_fault_of_a_file_is_told_as_what_it_is(leadscout, monkeypatch):
    fail_with(monkeypatch, wrapped(OSError(errno.EACCES, "Permission denied")))
    assert "an unexpected RuntimeError" in leadscout("doctor").err


class PanicException(BaseException):
    """What a panic in a library written in Rust becomes."""


def test_a_panic_of_a_library_exits_3_without_its_message(leadscout, monkeypatch):
    fail_with(monkeypatch, PanicException("cannot parse Mokoena"))
    found = leadscout("doctor")
    assert found.code == 3
    assert "PanicException" in found.err
    assert "Mokoena" not in found.out + found.err


def test_a_run_that_is_interrupted_exits_like_an_interrupted_command(leadscout, monkeypatch):
    from dagster._core.errors import DagsterExecutionInterruptedError

    fail_with(monkeypatch, DagsterExecutionInterruptedError())
    found = leadscout("doctor")
    assert (found.code, found.out) == (130, "")
    assert "defect" not in found.err


def test_an_exit_asked_for_is_passed_on(leadscout, monkeypatch):
    fail_with(monkeypatch, SystemExit(7))
    with pytest.raises(SystemExit, match="7"):
        leadscout("doctor")


@pytest.mark.parametrize(
    "arguments",
    [
        ("fly",), ("run",), ("run", "file.csv"), ("generate", "--rows", "0", "--out", "x.csv"), ("generate", "--rows", "many", "--out", "x"),
        ("batches", "--yaml"), ("show",), ("backfill", "--since", "yesterday"), ("run", "x", "--out", "y", "--delivered", "2026-13-01"),
    ],
)  # fmt: skip
def test_misuse_exits_2_and_says_so_on_stderr(leadscout, arguments):
    found = leadscout(*arguments)
    assert found.code == 2
    assert found.out == ""
    assert found.err


def test_a_bad_setting_exits_2_and_is_named(leadscout, monkeypatch):
    monkeypatch.setenv("LEADSCOUT_PORT", "s3cret")
    found = leadscout("batches")
    assert found.code == 2
    assert "LEADSCOUT_PORT" in found.err
    assert "s3cret" not in found.err


@pytest.mark.parametrize(
    "command", ["run", "deliver", "generate", "classify", "batches", "show", "backfill", "up", "demo", "doctor"]
)
def test_every_command_explains_itself(leadscout, command):
    found = leadscout(command, "--help")
    assert found.code == 0
    assert len(found.out) > 100


def test_help_and_no_command_list_the_commands(leadscout):
    assert "backfill" in leadscout("--help").out
    found = leadscout()
    assert found.code == 2
    assert "backfill" in found.out + found.err


@pytest.mark.parametrize("command", ["batches", "doctor"])
def test_json_on_stdout_stays_json_while_logs_go_to_stderr(leadscout, monkeypatch, command):
    monkeypatch.setenv("LEADSCOUT_LOG_LEVEL", "DEBUG")
    assert isinstance(leadscout(command, "--json").json, list)


@pytest.mark.processes
@pytest.mark.parametrize(
    "module", ["leadscout_assets.pipeline", "leadscout_assets.cli.application", "leadscout_assets.single_run"]
)
def test_a_command_imports_nothing_that_takes_long(module):
    slow = ["alembic", "dagster", "pandas", "pandera", "phonenumbers", "sklearn", "sqlalchemy", "typst"]
    code = f"import sys, {module}; print(*(name for name in {slow} if name in sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


CHAIN = (
    "from datetime import UTC, datetime; from pathlib import Path; from leadscout_assets.settings import read_settings; "
    "from leadscout_assets.single_run import run_file; run_file(Path({source!r}), Path({out!r}), read_settings(), "
    "lead_id_key=b'k' * 32, delivered_at=datetime.now(UTC)); code = 0; "
)
COMMAND = (
    "from leadscout_assets.cli.application import run_application; "
    "code = run_application(['run', {source!r}, '--out', {out!r}]); "
)


@pytest.mark.processes
@pytest.mark.parametrize(
    # The command writes to the audit trail before it reads a row; the chain below it knows no database.
    ("work", "imported"),
    [(CHAIN, "slow:"), (COMMAND, "slow: alembic sqlalchemy")],
    ids=["chain", "command"],
)
def test_the_whole_chain_needs_neither_dagster_nor_pandera_and_a_database_only_for_the_audit_trail(
    tmp_path, work, imported
):
    write_delivery(tmp_path / "leads.xlsx", 30, seed=1)
    # pyarrow itself imports pandas, where it is installed, with the first array it makes.
    slow = ["alembic", "dagster", "pandera", "sqlalchemy"]
    code = (
        f"import sys; {work.format(source=str(tmp_path / 'leads.xlsx'), out=str(tmp_path / 'out'))}"
        f"print('slow:', *(name for name in {slow} if name in sys.modules)); sys.exit(code)"
    )
    environment = {"LEADSCOUT_HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert found.returncode in (0, 1), found.stderr
    assert found.stdout.splitlines()[-1] == imported


def test_an_address_for_errors_that_cannot_be_used_ends_any_command_before_it_begins(leadscout, monkeypatch):
    monkeypatch.setenv("LEADSCOUT_SENTRY_DSN", "hunter2")
    found = leadscout("batches")
    assert found.code == 2
    assert "LEADSCOUT_SENTRY_DSN is no DSN" in found.err
    assert "hunter2" not in found.err


def test_a_command_whose_streams_are_closed_does_its_work_and_no_file_takes_their_place(tmp_path):
    """The numbers 0 to 2 went to whatever was opened next, and without standard error the command ended as a defect."""
    code = (
        "import os, sys; from leadscout_assets.cli import _open_closed_streams; _open_closed_streams(); "
        "assert all(os.path.samestat(os.fstat(n), os.stat(os.devnull)) and os.get_inheritable(n) for n in range(3)); "
        "assert [sys.stdin.fileno(), sys.stdout.fileno(), sys.stderr.fileno()] == [0, 1, 2]; "
        "from leadscout_assets.cli.application import run_application; sys.exit(run_application(sys.argv[1:]))"
    )
    made = tmp_path / "made.csv"
    program = [sys.executable, "-c", code, "generate", "--rows", "20", "--out", str(made)]
    closed = ["bash", "-c", 'exec "$@" <&- >&- 2>&-', "closed", *program]
    assert subprocess.run(closed, env={**os.environ, "LEADSCOUT_HOME": str(tmp_path / "home")}).returncode == 0
    assert made.stat().st_size
