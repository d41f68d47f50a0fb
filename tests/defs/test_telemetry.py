"""What Dagster executes is followed, too: the run, its steps and what they fail with, sent before its process can be ended."""

from __future__ import annotations

from tests.defs.ground import in_use, small_list
from tests.receiver import attributes, receiving, to


def test_a_run_and_its_steps_arrive_as_one_trace_and_its_errors_without_values(ground, monkeypatch):
    batch = ground.deliver("leads.csv", small_list(1)).batch_id

    def fail(*_: object) -> None:
        raise ValueError("PETRUS BOTHA")

    monkeypatch.setattr("leadscout_assets.pipeline.score", fail)
    with receiving() as receiver:
        with in_use(to(receiver, ground.settings, retries="*=0")):
            run = ground.run([batch])
        # Nobody has asked for it: the run's end has sent it.
        sent = receiver.everything
        steps, errors = {span.name: span for span in receiver.spans()}, receiver.errors()
    assert run.is_failure
    assert run.run_id.replace("-", "") in {span.trace_id.hex() for span in steps.values()}
    assert "BOTHA" not in sent
    assert "MARULA" not in sent
    assert {"run", "raw_leads", "leads", "classifications", "lead_scores"} <= set(steps)
    assert len({span.trace_id for span in steps.values()}) == 1
    assert attributes(steps["leads"]).items() >= {"leadscout.rows_in": 3, "leadscout.rows_out": 3}.items()
    assert steps["lead_scores"].status.message == "ValueError"
    assert (steps["run"].status.code, steps["run"].status.message) == (2, "lead_scores")
    (error,) = errors
    assert error["tags"]["operation"] == "lead_scores"
    assert error["tags"]["run_id"] == run.run_id
