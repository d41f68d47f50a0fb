"""Batches as Dagster partitions, and how a run names the ones it holds."""

from collections.abc import Sequence

import dagster as dg
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

LEAD_BATCH = dg.DynamicPartitionsDefinition(name="lead_batch")
"""One partition per batch, in the order of delivery. Ranges are slices of the live list, so that
keys are deleted by an undo alone, while no run holds them."""

BATCHES_PER_UI_RUN = 50
"""A backfill from the UI becomes runs of at most this many batches; the command line cuts by rows instead."""

BACKFILL_POLICY = dg.BackfillPolicy.multi_run(max_partitions_per_run=BATCHES_PER_UI_RUN)


def partition_tags(batches: Sequence[str]) -> dict[str, str]:
    """Return the run tags that ask for a stretch of adjacent batches; one batch is asked for by its key."""
    if len(batches) == 1:
        return {PARTITION_NAME_TAG: batches[0]}
    return {ASSET_PARTITION_RANGE_START_TAG: batches[0], ASSET_PARTITION_RANGE_END_TAG: batches[-1]}
