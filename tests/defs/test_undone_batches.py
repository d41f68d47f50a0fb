"""Undone batches and Dagster: no run takes them, a run under way protects them, and delivered again they get a run of their own."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg
from dagster._core.test_utils import create_run_for_test

from leadscout_assets.defs.inbox_sensor import tick
from leadscout_assets.defs.instance import drop_partition, report_materialized, runs_under_way
from leadscout_assets.defs.partitions import partition_tags
from tests.defs.ground import MORNING, small_list

LATER = MORNING + timedelta(minutes=5)


def test_a_run_holds_its_batch_and_those_between_the_ends_of_its_range(ground):
    batches = [ground.deliver(f"leads {mark}.csv", small_list(mark)).batch_id for mark in range(4)]
    create_run_for_test(
        ground.instance, job_name="lead_chain", status=dg.DagsterRunStatus.STARTED, tags=partition_tags(batches[:3])
    )
    create_run_for_test(
        ground.instance, job_name="lead_chain", status=dg.DagsterRunStatus.SUCCESS, tags=partition_tags(batches[3:])
    )
    assert [bool(runs_under_way(ground.instance, batch)) for batch in batches] == [True, True, True, False]


def test_an_undone_batch_that_is_delivered_again_is_asked_for_under_a_key_of_its_own(ground):
    ground.drop("leads.csv", small_list(1))
    (first,) = tick(ground.instance, ground.home, now=MORNING)
    (batch,) = first.batches
    create_run_for_test(
        ground.instance,
        job_name="lead_chain",
        status=dg.DagsterRunStatus.SUCCESS,
        tags={"dagster/run_key": first.key, **partition_tags([batch])},
    )
    report_materialized(ground.instance, "lead_reports", batch, {})
    assert tick(ground.instance, ground.home, now=MORNING) == ()
    ground.home.records.note_undone(batch, LATER)
    drop_partition(ground.instance, batch)
    assert tick(ground.instance, ground.home, now=LATER) == ()
    assert batch not in ground.instance.get_dynamic_partitions("lead_batch")
    ground.drop("leads again.csv", small_list(1))
    (second,) = tick(ground.instance, ground.home, now=LATER + timedelta(days=3000))
    assert second.batches == (batch,)
    assert second.key != first.key
    assert batch in ground.instance.get_dynamic_partitions("lead_batch")


def test_a_run_refuses_an_undone_batch_and_makes_no_row_of_it(ground):
    delivery = ground.deliver("leads.csv", small_list(1))
    ground.home.records.note_undone(delivery.batch_id, LATER)
    from leadscout_assets import pipeline

    reading = pipeline.read([delivery], ground.home.contents([delivery]), ground.settings)
    assert [refusal.code for refusal in reading.refusals] == ["undone"]
    assert reading.raw.num_rows == 0
