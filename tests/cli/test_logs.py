"""`leadscout logs`: what other commands left, found again."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from leadscout_assets.leads.synthetic import write_delivery
from tests.purposes import ENVIRONMENT


@pytest.fixture
def logged(leadscout, leads, tmp_path, monkeypatch):
    """The home's log files after a run, and what the run answered."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LEADSCOUT_LOG_DEBUG", "true")
    return leadscout("run", leads, "--out", tmp_path / "out", "--json")


def lines(found) -> list[dict]:
    return [json.loads(line) for line in found.out.splitlines()]


def test_a_run_is_found_by_its_batch_and_by_its_id_and_every_line_bears_both(leadscout, logged):
    batch = logged.json["batch_id"]
    of_batch = lines(leadscout("logs", "--batch", batch, "--json"))
    assert {line["event"] for line in of_batch} >= {
        "batch.started", "raw_leads", "leads", "classifications", "stage.attempted", "classification.attempts",
        "lead_scores", "lead_reports", "checks", "batch.done",
    }  # fmt: skip
    (run_id,) = {line["run_id"] for line in of_batch}
    of_run = lines(leadscout("logs", "--run", run_id, "--json"))
    assert [line for line in of_run if line in of_batch] == of_batch
    (request_id,) = {line["request_id"] for line in of_run}
    (command,) = [line for line in lines(leadscout("logs", "--level", "info", "--json")) if line["event"] == "command"]
    assert (command["command"], command["request_id"]) == ("run", request_id)
    assert command["exit_code"] == logged.code
    done = of_batch[-1]
    assert (done["event"], done["total_processed"], done["leads"]) == (
        "batch.done", logged.json["rows"], logged.json["leads"],
    )  # fmt: skip


def test_lines_for_people_say_when_how_loud_and_what(leadscout, logged):
    said = leadscout("logs", "--level", "info").out.splitlines()
    assert any(" info     batch.done " in line and "success_rate=" in line for line in said)
    assert not any(" debug " in line for line in said)
    assert leadscout("logs", "--since", "1h", "--level", "info").out.splitlines()[: len(said)] == said
    assert leadscout("logs", "--since", "2100-01-01").out == ""


def test_figures_tell_operations_and_levels(leadscout, logged):
    told = leadscout("logs", "--stats", "--json").json
    operations = {row["operation"]: row for row in told["operations"]}
    assert operations["lead_reports"]["times"] == 1
    assert operations["lead_reports"]["failed"] == 0
    assert told["levels"]["info"] > 5
    shown = leadscout("logs", "--stats").out
    assert "lead_reports" in shown
    assert "levels" in shown


def test_neither_the_answer_nor_the_report_is_among_the_logs_and_the_other_way_round(logged, home, tmp_path):
    assert set(logged.json) > {"batch_id", "rows"}
    assert {path.suffix for path in (tmp_path / "out").rglob("*") if path.is_file()} == {".xlsx", ".html", ".pdf"}
    kinds = {path.name[:-15] for path in home.logs_dir.glob("*/*-????-??-??.log")}
    assert kinds == {"operations", "metrics", "classification", "performance"}


def test_nobody_is_named_in_any_file(logged, home):
    said = "".join(path.read_text() for path in home.logs_dir.rglob("*.log")).casefold()
    assert said
    for name in ("nkosi", "mokoena", "baobab", "leads.csv", "@", "tests on invented"):
        assert name not in said


def test_torn_lines_are_counted_on_standard_error(leadscout, logged, home):
    (path,) = home.logs_dir.glob("production/operations-*.log")
    path.write_bytes(path.read_bytes()[:-40] + b"\nTraceback\n")
    found = leadscout("logs", "--json")
    assert "2 lines are torn" in found.err
    assert lines(found)


def test_a_wrong_since_exits_2(leadscout):
    found = leadscout("logs", "--since", "yesterday")
    assert (found.code, found.out) == (2, "")
    assert "--since" in found.err


def test_without_logs_it_says_nothing_and_makes_no_home(leadscout, home):
    assert (leadscout("logs").out, leadscout("logs", "--json").out) == ("", "")
    assert leadscout("logs", "--stats", "--json").json["lines"] == 0
    assert not home.home.exists()


def test_a_command_that_fails_is_in_the_errors_without_its_arguments(leadscout, logged, tmp_path):
    assert leadscout("run", tmp_path / "Thandi Mokoena.csv", "--out", tmp_path / "out").code == 2
    failed = lines(leadscout("logs", "--level", "error", "--json"))
    assert [line["event"] for line in failed] == ["command"]
    assert failed[-1]["error"] == "BadInput"
    assert "Mokoena" not in str(failed)


@pytest.mark.processes
def test_a_reader_that_has_seen_enough_ends_it_without_a_word(home, tmp_path):
    folder = home.logs_dir / "production"
    folder.mkdir(parents=True)
    stamp = '{"timestamp":"2026-11-22T00:00:00Z","level":"info","event":"e","filling":"%s"}\n' % ("x" * 400)
    (folder / "operations-2026-11-22.log.gz").write_bytes(gzip.compress((stamp * 5000).encode()))
    process = subprocess.Popen(
        [Path(sys.executable).with_name("leadscout"), "logs"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == 0
    process.stderr.close()


def test_a_run_of_its_own_writes_nowhere_but_to_its_folder_and_the_home(leadscout, tmp_path, home):
    (tmp_path / "in").mkdir()
    write_delivery(tmp_path / "in" / "leads.csv", 20, seed=1)
    leadscout("run", tmp_path / "in" / "leads.csv", "--out", tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out", "home"}
    assert {path.name for path in home.home.iterdir()} == {"background", "database", "keys", "logs"}
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["leads.csv"]


@pytest.mark.parametrize("asked", [("--run", "nobody"), ("--batch", "nobody", "--json"), ("--level", "critical")])
def test_that_no_line_fits_is_said(leadscout, logged, asked):
    found = leadscout("logs", *asked)
    assert (found.code, found.out) == (0, "")
    assert "no line fits" in found.err
