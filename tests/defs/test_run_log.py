"""What a run logs: each event once in the run's own log, once in the files, once on standard error, with its ids."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg
import pytest
import structlog

from leadscout_assets.defs.run_log import in_its_log
from leadscout_assets.logs import get_logger, showing
from leadscout_assets.logs.events import EVENTS
from leadscout_assets.logs.files import FRAME
from leadscout_assets.settings import read_settings
from tests.defs.ground import BROKEN, Ground, opened, small_list
from tests.logs.lines import in_files
from tests.purposes import IN_TESTS


def shown(ground: Ground, run: dg.DagsterRun) -> list[dg.EventLogEntry]:
    """Return the entries of a run's own log that are no events of Dagster."""
    return [entry for entry in ground.instance.all_logs(run.run_id) if entry.dagster_event is None]


def written(ground: Ground) -> list[dict]:
    return [line for lines in in_files(ground.settings.logs_dir).values() for line in lines]


@dataclass(frozen=True)
class Logged:
    """A run over a good and a broken delivery: the lines it left in the files and on standard error."""

    ground: Ground
    good: str
    broken: str
    run: dg.DagsterRun
    lines: list[dict]
    said: list[dict]


@pytest.fixture(scope="module")
def logged(opened_once, tmp_path_factory) -> Iterator[Logged]:
    folder = tmp_path_factory.mktemp("logged")
    chosen = {"log_format": "json", "log_debug": True, **IN_TESTS}
    shutil.copytree(opened_once, folder / "home")
    with opened(read_settings(home=folder / "home", **chosen)) as ground, pytest.MonkeyPatch.context() as patch:
        good, broken = ground.deliver("good.csv", small_list(1)), ground.deliver("broken.xlsx", BROKEN)
        patch.setattr(sys, "stderr", said := io.StringIO())
        run = ground.run([good.batch_id, broken.batch_id])
        lines = [json.loads(line) for line in said.getvalue().splitlines() if line.startswith("{")]
        yield Logged(ground, good.batch_id, broken.batch_id, run, written(ground), lines)


def test_each_event_for_the_ui_is_once_in_the_runs_log_once_in_the_files_and_once_on_standard_error(logged):
    of_run = [line for line in logged.lines if line["run_id"] == logged.run.run_id]
    expected = Counter(
        line["event"] for line in of_run if EVENTS[line["event"]].in_ui and line["level"] in ("info", "error")
    )
    assert expected.keys() >= {
        "raw_leads", "leads", "classifications", "lead_scores", "lead_reports", "batch.started", "batch.done",
        "batch.refused", "stage.attempted",
    }  # fmt: skip
    assert expected["raw_leads"] == expected["batch.done"] == expected["batch.refused"] == 1
    assert expected["batch.started"] == 2
    assert Counter(entry.user_message.split(" ")[0] for entry in shown(logged.ground, logged.run)) == expected
    assert Counter(line["event"] for line in logged.said if line["event"] in expected) == expected


def test_every_line_of_a_run_bears_its_ids(logged):
    lines = logged.lines
    assert {line["run_id"] for line in lines} == {logged.run.run_id}
    assert all(line["asset"] and line["step"] for line in lines)
    batches = {line["batch_id"] for line in lines if line["event"].startswith("batch.")}
    assert batches == {logged.good, logged.broken}
    steps = {entry.step_key for entry in shown(logged.ground, logged.run)}
    assert steps == {"raw_leads", "leads", "classifications", "lead_scores", "lead_reports", "known_leads"}


def test_lines_hold_what_the_registry_says(logged):
    for line in logged.lines:
        event = EVENTS[line["event"]]
        held = set(line) - set(FRAME)
        if "phase" in line:
            assert held <= set(event.may), line["event"]
        else:
            assert set(event.keys) <= held <= {*event.keys, *event.may}, line["event"]


def test_a_batch_that_is_done_is_told_in_figures(logged):
    (done,) = [line for line in logged.lines if line["event"] == "batch.done"]
    assert (done["batch_id"], done["total_processed"], done["success_rate"]) == (logged.good, 3, 1.0)
    assert (done["leads"], done["rejected"]) == (3, 0)
    assert done["leads_per_second"] == pytest.approx(3 / done["seconds"], rel=0.1)


def test_the_run_id_is_off_again_after_the_run(logged):
    assert "run_id" not in structlog.contextvars.get_contextvars()


def test_of_a_run_over_many_batches_the_ui_is_not_told_of_each(ground, monkeypatch):
    monkeypatch.setattr(showing, "MOST_BATCHES", 1)
    batches = [ground.deliver(f"{mark}.csv", small_list(mark)).batch_id for mark in (1, 2)]
    run = ground.run(batches)
    assert not [entry for entry in shown(ground, run) if entry.user_message.startswith(("batch.done", "batch.started"))]
    assert [line["batch_id"] for line in written(ground) if line["event"] == "batch.done"] == sorted(batches)


def test_storage_that_takes_no_entry_does_not_stop_the_work(capsys):
    class Context:
        """As much of a step's context as is asked for."""

        class run:  # noqa: N801
            run_id, job_name = "r", "j"

        class op_execution_context:  # noqa: N801
            op_handle = "leads"

        class instance:  # noqa: N801
            @staticmethod
            def handle_new_event(_entry: object) -> None:
                raise OSError("Thandi")

    with in_its_log(Context(), "leads"):
        get_logger("leadscout_assets.x").error("batch.refused", code="c", reason="r")
    assert "was not shown in the run's log: OSError" in capsys.readouterr().err


def test_a_tick_that_finds_nothing_is_told_with_debug_alone_and_has_an_id_of_its_own(ground, monkeypatch):
    from leadscout_assets.defs.execution import evaluate_inbox

    monkeypatch.setattr("leadscout_assets.settings._in_use", ground.settings.model_copy(update={"log_debug": True}))
    for _ in range(2):
        evaluate_inbox(ground.instance)
    ticks = [line for line in written(ground) if line["event"] == "inbox_tick" and "phase" not in line]
    assert [(tick["level"], tick["requests"], tick["success"]) for tick in ticks] == [("debug", 0, True)] * 2
    assert len({tick["request_id"] for tick in ticks}) == 2
