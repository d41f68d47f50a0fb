"""Questions that the sensors and the command line ask a Dagster instance. Starts nothing."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

import dagster as dg
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    AUTO_RETRY_RUN_ID_TAG,
    PARTITION_NAME_TAG,
    RUN_KEY_TAG,
    WILL_RETRY_TAG,
)

from leadscout_assets.arrivals import RequestedRun, RunState
from leadscout_assets.defs.partitions import LEAD_BATCH

UNDER_WAY = frozenset(
    {
        dg.DagsterRunStatus.QUEUED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
        dg.DagsterRunStatus.CANCELING,
        dg.DagsterRunStatus.MANAGED,
    }
)


def ensure_partitions(instance: dg.DagsterInstance, batches: Sequence[str]) -> list[str]:
    """Add the batches that are no partitions yet, in one request, and return all partitions in insertion order."""
    name = str(LEAD_BATCH.name)
    partitions = instance.get_dynamic_partitions(name)
    known = set(partitions)
    new = [batch for batch in batches if batch not in known]
    if not new:
        return list(partitions)
    instance.add_dynamic_partitions(name, new)
    return list(instance.get_dynamic_partitions(name))


def newest_runs(instance: dg.DagsterInstance, run_keys: Collection[str]) -> dict[str, RequestedRun]:
    """Return the newest run of each run key that has one; Dagster's retries carry the key of the run they retry.

    A run that was made but never submitted is none: asked for under the same key again, Dagster submits it.
    """
    if not run_keys:
        return {}
    found: dict[str, RequestedRun] = {}
    for record in instance.get_run_records(dg.RunsFilter(tags={RUN_KEY_TAG: sorted(run_keys)})):
        key = record.dagster_run.tags[RUN_KEY_TAG]
        if record.dagster_run.status is dg.DagsterRunStatus.NOT_STARTED:
            continue
        # Newest first.
        found.setdefault(key, RequestedRun(_state(record.dagster_run), record.create_timestamp.astimezone(UTC)))
    return found


def materialized(instance: dg.DagsterInstance, asset: str, batches: Collection[str]) -> set[str]:
    """Return those of `batches` that the asset was ever materialized for."""
    return set(newest_ids(instance, asset, batches))


def reported(
    instance: dg.DagsterInstance, batches: Collection[str], since: Mapping[str, datetime | None] = MappingProxyType({})
) -> set[str]:
    """Return those of `batches` whose newest report was made by a run that succeeded, checks included.

    `since` gives the moment from which a batch's report counts, where not any does.
    """
    found = newest_materializations(instance, "lead_reports", batches)
    made = {batch: record for batch, record in found.items() if _counts(record, since.get(batch))}
    if not made:
        return set()
    run_ids = {record.run_id for record in made.values()}
    succeeded = {run.run_id for run in instance.get_runs(dg.RunsFilter(run_ids=sorted(run_ids))) if run.is_success}
    return {batch for batch, record in made.items() if record.run_id in succeeded}


def _counts(record: dg.EventLogRecord, since: datetime | None) -> bool:
    return since is None or datetime.fromtimestamp(record.timestamp, UTC) > since


def runs_under_way(instance: dg.DagsterInstance, batch: str) -> list[dg.DagsterRun]:
    """Return the runs that hold this batch and are queued or being executed, also those of a range of batches."""
    order = instance.get_dynamic_partitions(str(LEAD_BATCH.name))
    under_way = instance.get_runs(dg.RunsFilter(statuses=sorted(UNDER_WAY, key=str)))
    return [run for run in under_way if batch in _held(run, order)]


def batches_of(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """Return the batches that a run is over; none where there is no such run, or it is over none."""
    run = instance.get_run_by_id(run_id)
    return [] if run is None else _held(run, instance.get_dynamic_partitions(str(LEAD_BATCH.name)))


def _held(run: dg.DagsterRun, order: Sequence[str]) -> list[str]:
    first, last = (run.tags.get(tag) for tag in (ASSET_PARTITION_RANGE_START_TAG, ASSET_PARTITION_RANGE_END_TAG))
    if first in order and last in order:
        return list(order[order.index(first) : order.index(last) + 1])
    return [batch] if (batch := run.tags.get(PARTITION_NAME_TAG)) is not None else []


def drop_partition(instance: dg.DagsterInstance, batch: str) -> None:
    """Take a batch from the partitions. Only while no run holds it: a range whose end is gone fails its run."""
    instance.delete_dynamic_partition(str(LEAD_BATCH.name), batch)


def newest_materializations(
    instance: dg.DagsterInstance, asset: str, batches: Collection[str]
) -> dict[str, dg.EventLogRecord]:
    """Return the newest materialization of the asset for each of `batches` that has one, in two queries."""
    newest = newest_ids(instance, asset, batches)
    return {str(record.partition_key): record for record in materializations(instance, asset, list(newest.values()))}


def newest_ids(instance: dg.DagsterInstance, asset: str, batches: Collection[str]) -> dict[str, int]:
    """Return the storage id of the asset's newest materialization for each of `batches` that has one."""
    if not batches:
        return {}
    kind = dg.DagsterEventType.ASSET_MATERIALIZATION
    return dict(instance.get_latest_storage_id_by_partition(dg.AssetKey(asset), kind, set(batches)))


def materializations(
    instance: dg.DagsterInstance, asset: str, storage_ids: Sequence[int]
) -> Sequence[dg.EventLogRecord]:
    """Return the asset's materializations of these storage ids, in one query; a year of batches takes it half a second."""
    if not storage_ids:
        return []
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), storage_ids=list(storage_ids))
    return instance.fetch_materializations(wanted, limit=len(storage_ids)).records


def materialized_at(instance: dg.DagsterInstance, asset: str, batch: str) -> datetime | None:
    """Return when the asset was first materialized for a batch, in UTC; a later re-run does not change it."""
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), asset_partitions=[batch])
    records = instance.fetch_materializations(wanted, limit=1, ascending=True).records
    return datetime.fromtimestamp(records[0].timestamp, UTC) if records else None


def report_materialized(
    instance: dg.DagsterInstance, asset: str, batch: str, metadata: Mapping[str, str | int | float | bool]
) -> None:
    """Report that an asset was materialized for a batch, outside of any run."""
    instance.report_runless_asset_event(dg.AssetMaterialization(asset, partition=batch, metadata=dict(metadata)))


def newest_materialization(instance: dg.DagsterInstance, asset: str) -> int | None:
    """Return the id of the asset's newest materialization, of whatever batch; None before the first."""
    records = instance.fetch_materializations(dg.AssetKey(asset), limit=1).records
    return records[0].storage_id if records else None


def _state(run: dg.DagsterRun) -> RunState:
    if run.status is dg.DagsterRunStatus.SUCCESS:
        return RunState.SUCCEEDED
    if run.status in UNDER_WAY:
        return RunState.UNDER_WAY
    if run.status is dg.DagsterRunStatus.CANCELED:
        return RunState.STOPPED
    return RunState.UNDER_WAY if _about_to_be_retried(run.tags) else RunState.FAILED


def _about_to_be_retried(tags: Mapping[str, str]) -> bool:
    return tags.get(WILL_RETRY_TAG) == "true" and AUTO_RETRY_RUN_ID_TAG not in tags
