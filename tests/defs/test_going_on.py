"""A run that failed half-way is gone on with from where it failed: finished steps are not done again."""

from __future__ import annotations

import dagster as dg
import pytest
from dagster._core.definitions.reconstruct import ReconstructableRepository

from leadscout_assets import contracts, pipeline
from leadscout_assets.contracts import LEADS
from leadscout_assets.errors import BadInput
from tests.defs.ground import opened, small_list
from tests.purposes import IN_TESTS


@pytest.fixture
def ground(home):
    with opened(home.model_copy(update=IN_TESTS)) as ground:
        yield ground


def from_failure(ground, run: dg.DagsterRun) -> dg.DagsterRun:
    """Do what the UI's button `Re-execute from failure` does, and return the new run."""
    job = ReconstructableRepository.for_module("leadscout_assets.definitions", "definitions").get_reconstructable_job(
        "lead_chain"
    )
    options = dg.ReexecutionOptions.from_failure(run.run_id, ground.instance)
    with dg.execute_job(job, ground.instance, reexecution_options=options, tags=dict(run.tags)):
        return ground.newest_run()


def test_a_run_gone_on_with_from_its_failure_does_only_what_was_left(ground, monkeypatch):
    batches = [ground.deliver(f"{mark}.csv", small_list(mark)).batch_id for mark in range(2)]

    def failing(*_: object) -> None:
        raise BadInput("not today")

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "score", failing)
        failed = ground.run(batches)
    assert failed.is_failure
    before = ground.rows(LEADS, *batches)

    def again(*_: object, **__: object) -> None:
        pytest.fail("a finished step was done again")

    with monkeypatch.context() as patch:
        for step in ("read", "validate", "classify"):
            patch.setattr(pipeline, step, again)
        run = from_failure(ground, failed)
    assert run.is_success
    assert run.run_id != failed.run_id
    done = {event.step_key for event in ground.events(run, dg.DagsterEventType.STEP_SUCCESS)}
    assert {"lead_scores", "lead_reports"} <= done
    assert done.isdisjoint({"raw_leads", "leads", "classifications"})
    assert ground.rows(LEADS, *batches).equals(before)
    assert ground.rows(contracts.LEAD_REPORTS, *batches).num_rows == 6
