"""Log lines: their shape, where they go, and that nothing of others is touched."""

from __future__ import annotations

import io
import logging
import sys
from datetime import UTC, datetime

import pytest
import structlog

from leadscout_assets.logs import get_logger, setup_logging
from leadscout_assets.settings import read_settings
from tests.logs.lines import BATCH, CANARY, Lines, in_files, log_as


def test_a_json_line_says_when_how_loud_who_and_what(lines):
    get_logger("leadscout_assets.x").info("batch read", rows=5, batch_id=BATCH)
    (line,) = lines.json
    assert datetime.fromisoformat(str(line.pop("timestamp"))).tzinfo == UTC
    assert line == {
        "level": "info",
        "logger": "leadscout_assets.x",
        "event": "batch read",
        "rows": 5,
        "batch_id": BATCH,
    }


def test_a_console_line_holds_the_same_without_colours_where_there_is_no_terminal():
    lines = Lines()
    log_as("INFO", "console", lines.stream)
    get_logger("leadscout_assets.x").info("batch read", rows=5)
    assert "batch read" in lines.text
    assert "rows=5" in lines.text
    assert "\x1b" not in lines.text


def test_the_standard_library_comes_out_the_same_way(lines):
    with structlog.contextvars.bound_contextvars(run_id="r1"):
        logging.getLogger("leadscout_assets.x").info("took %d of %s", 3, "7")
    (line,) = lines.json
    assert (line["event"], line["level"], line["logger"]) == ("took 3 of 7", "info", "leadscout_assets.x")
    assert line["run_id"] == "r1"


def test_other_packages_speak_from_warning_on(lines):
    logging.getLogger("some.package").info("chatter")
    logging.getLogger("some.package").warning("trouble")
    assert [line["event"] for line in lines.json] == ["trouble"]


def test_the_level_holds_back_what_is_below_it():
    lines = Lines()
    log_as("WARNING", "json", lines.stream)
    get_logger("leadscout_assets.x").info("chatter")
    get_logger("leadscout_assets.x").warning("trouble")
    assert [line["event"] for line in lines.json] == ["trouble"]


def test_setting_up_again_replaces_the_first_and_leaves_the_handlers_of_others():
    theirs = logging.NullHandler()
    logging.getLogger().addHandler(theirs)
    first, second = Lines(), Lines()
    log_as("INFO", "json", first.stream)
    log_as("INFO", "json", second.stream)
    get_logger("leadscout_assets.x").info("once")
    assert first.text == ""
    assert len(second.json) == 1
    assert theirs in logging.getLogger().handlers


def test_a_logger_with_a_handler_of_its_own_is_not_written_twice(lines):
    dagster = logging.getLogger("dagster-like")
    own = logging.StreamHandler(io.StringIO())
    dagster.addHandler(own)
    try:
        logging.getLogger("dagster-like.daemon").warning("theirs")
        assert dagster.handlers == [own]
    finally:
        dagster.removeHandler(own)
    assert lines.text == ""


def test_without_a_stream_lines_go_to_the_standard_error_of_the_moment(capsys, monkeypatch):
    log_as("INFO", "json")
    moment = io.StringIO()
    monkeypatch.setattr(sys, "stderr", moment)
    get_logger("leadscout_assets.x").info("here")
    assert "here" in moment.getvalue()
    assert capsys.readouterr().out == ""


def test_a_standard_error_that_was_closed_since_the_last_line_loses_no_line(monkeypatch):
    """A test runner swaps standard error for each test and closes it; flushing the last one ended the program."""
    before, now = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", before)
    log_as("INFO", "json")
    get_logger("leadscout_assets.x").info("first")
    assert "first" in before.getvalue()
    before.close()
    monkeypatch.setattr(sys, "stderr", now)
    get_logger("leadscout_assets.x").info("second")
    assert "second" in now.getvalue()


def test_before_any_set_up_a_line_is_private_and_not_on_standard_output(capsys):
    get_logger("leadscout_assets.x").warning("early", director_name=CANARY)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert CANARY not in captured.err


def test_people_are_not_told_of_each_batch_and_nobody_of_each_lead_on_the_stream():
    for form, told in (("console", ["here"]), ("json", ["batch.done", "here"])):
        lines = Lines()
        log_as("DEBUG", form, lines.stream)
        log = get_logger("leadscout_assets.x")
        log.info("batch.done", leads=1)
        log.debug("classification.attempts", leads=[])
        log.info("here")
        said = [word for word in ("batch.done", "classification.attempts", "here") if word in lines.text]
        assert said == told, form


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_process_without_a_standard_error_writes_its_lines_to_the_files_alone(tmp_path, monkeypatch, form):
    monkeypatch.setattr(sys, "stderr", None)
    home = tmp_path / "home"
    (home / "keys").mkdir(parents=True)
    setup_logging(read_settings(home=home, log_format=form), files=True)
    get_logger("leadscout_assets.x").info("here")
    assert [line["event"] for line in in_files(home / "logs")["production/operations"]] == ["here"]
