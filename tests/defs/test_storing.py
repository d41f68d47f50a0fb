"""A step that fails outside of its work, in reading or storing a table, is told of like any other failed step."""

from __future__ import annotations

import pytest

from leadscout_assets.contracts import LEADS
from leadscout_assets.defs.alert_sources import sources
from leadscout_assets.defs.run_performance import catch_up
from leadscout_assets.errors import EdgeFailed
from leadscout_assets.performance import histories
from leadscout_assets.progress import read_all
from leadscout_assets.tables import Tables
from leadscout_assets.terms import Outcome
from tests.defs.ground import opened, small_list
from tests.logs.lines import in_files
from tests.purposes import IN_TESTS

FULL = "table lead_scores was not written"
AWAY = "table leads cannot be read"


@pytest.fixture
def ground(home):
    with opened(home.model_copy(update={"retry_seconds": 0.01, "retries": "*=0", **IN_TESTS})) as ground:
        yield ground


def failures(ground) -> list[dict]:
    lines = in_files(ground.settings.logs_dir).get("production/errors", [])
    return [line for line in lines if line.get("success") is False]


def refusing(method: str, table: str, sentence: str):
    works = getattr(Tables, method)

    def call(self, contract, *rest, **named):
        if contract.name == table:
            raise EdgeFailed(sentence)
        return works(self, contract, *rest, **named)

    return call


def test_a_result_that_cannot_be_stored_is_a_failed_step_wherever_people_look(ground, monkeypatch):
    batch = ground.deliver("a.csv", small_list(1)).batch_id
    monkeypatch.setattr(Tables, "replace", refusing("replace", "lead_scores", FULL))
    run = ground.run([batch])
    assert run.is_failure

    (line,) = failures(ground)
    assert (line["event"], line["error"], line["reason"]) == ("lead_scores", "EdgeFailed", FULL)
    assert (line["run_id"], line["batch_id"], line["step"]) == (run.run_id, batch, "lead_scores")

    states = {seen.told["operation"]: seen.state for seen in read_all(ground.settings.progress_dir)}
    assert (states["classifications"], states["lead_scores"]) == ("succeeded", "failed")

    catch_up(ground.instance, ground.home)
    (judgement,) = histories(ground.home, ["lead_scores"])[0].judgements
    record = judgement.entry.record
    assert (record.outcome, record.rows_in, record.rows_out) == (Outcome.FAILED, 3, 0)
    assert record.seconds > 0, "the work itself was done, and measured"

    failed = sources(ground.instance).streams["failed_runs"]
    (signal,) = failed.signals(failed.fetch(-1, None, 10))
    assert signal.sentence == f"run {run.run_id} of lead_chain failed for {batch}: lead_scores: {FULL}"


def test_an_input_that_cannot_be_read_is_one_too(ground, monkeypatch):
    batch = ground.deliver("a.csv", small_list(1)).batch_id
    monkeypatch.setattr(Tables, "read", refusing("read", LEADS.name, AWAY))
    assert ground.run([batch]).is_failure
    told = {(line["event"], line["reason"]) for line in failures(ground)}
    assert told >= {("classifications", AWAY), ("known_leads", AWAY)}
    catch_up(ground.instance, ground.home)
    (judgement,) = histories(ground.home, ["classifications"])[0].judgements
    assert judgement.entry.record.outcome is Outcome.FAILED


def test_a_run_above_the_row_limit_says_so_in_the_log_and_in_its_record(home):
    with opened(home.model_copy(update={"max_rows_per_run": 1, **IN_TESTS})) as ground:
        run = ground.run([ground.deliver("a.csv", small_list(1)).batch_id])
        assert run.is_failure
        (line,) = failures(ground)
        assert (line["event"], line["error"], line["run_id"]) == ("raw_leads", "TooManyRows", run.run_id)
        assert "LEADSCOUT_MAX_ROWS_PER_RUN" in line["reason"]
        catch_up(ground.instance, ground.home)
        assert histories(ground.home, ["raw_leads"])[0].judgements[0].entry.record.outcome is Outcome.FAILED


def test_what_cannot_be_told_does_not_hide_why_the_step_failed(ground, monkeypatch):
    batch = ground.deliver("a.csv", small_list(1)).batch_id
    monkeypatch.setattr(Tables, "replace", refusing("replace", "lead_scores", FULL))
    monkeypatch.setattr("leadscout_assets.defs.storing.amend", lambda *_: {}["gone"])
    ground.run([batch])
    failed = sources(ground.instance).streams["failed_runs"]
    (signal,) = failed.signals(failed.fetch(-1, None, 10))
    assert FULL in signal.sentence
    lines = in_files(ground.settings.logs_dir)["production/operations"]
    assert [line["level"] for line in lines if line["event"] == "record.lost"] == ["warning"]
