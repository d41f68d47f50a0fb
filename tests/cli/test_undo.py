"""`leadscout undo`: a batch is taken out and says so; delivered again, it is back."""

from __future__ import annotations

import subprocess

from dagster import DagsterRunStatus
from dagster._core.events import EngineEventData
from dagster._core.storage.tags import PARTITION_NAME_TAG
from dagster._core.test_utils import create_run_for_test

from leadscout_assets.defs.instance import ensure_partitions, runs_under_way
from leadscout_assets.defs.orphans import open_instance
from leadscout_assets.supervisor import prepare_instance


def test_a_batch_is_taken_out_with_its_partition_and_back_in_by_delivering_it_again(leadscout, leads, home):
    batch = leadscout("deliver", leads, "--json").json["batch_id"]
    with open_instance(prepare_instance(home).folder) as instance:
        ensure_partitions(instance, [batch])
        assert not runs_under_way(instance, batch)
    assert leadscout("undo", batch, "--dry-run", "--json").json["reversed"]["leads"] == 0
    done = leadscout("undo", batch, "--reason", "wrong list")
    assert done.code == 0
    assert done.out.startswith(f"{batch} is undone")
    assert "could not: " in done.out
    assert "nothing was left to do" in leadscout("undo", batch).out
    with open_instance(prepare_instance(home).folder) as instance:
        assert batch not in instance.get_dynamic_partitions("lead_batch")
    assert leadscout("batches", "--json").json[0]["state"] == "undone"
    refused = leadscout("backfill", batch)
    assert refused.code == 2
    assert "deliver its file again" in refused.err
    again = leadscout("deliver", leads)
    assert again.out.startswith(f"batch {batch} again: it had been undone")
    assert leadscout("batches", "--json").json[0]["state"] == "waiting"


def test_a_run_whose_process_was_killed_keeps_nobody_from_undoing_its_batch(leadscout, leads, home):
    batch = leadscout("deliver", leads, "--json").json["batch_id"]
    with open_instance(prepare_instance(home).folder) as instance:
        ensure_partitions(instance, [batch])
        run = create_run_for_test(instance, status=DagsterRunStatus.STARTED, tags={PARTITION_NAME_TAG: batch})
        with subprocess.Popen(["sleep", "60"]) as worker:
            instance.report_engine_event("Started", run, EngineEventData.in_process(worker.pid))
            refused = leadscout("undo", batch)
            assert refused.code != 0
            assert "under way" in refused.err
            worker.kill()
        assert leadscout("undo", batch).code == 0
        assert instance.get_run_by_id(run.run_id).status is DagsterRunStatus.CANCELED


def test_what_nobody_delivered_exits_2(leadscout):
    assert leadscout("undo", "2026-01-01_list_00000000").code == 2
