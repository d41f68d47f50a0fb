"""Questions that the sensors and the command line ask a Dagster instance, and runs executed in this process."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

import dagster as dg
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG, RUN_KEY_TAG, WILL_RETRY_TAG

from leadscout_assets.arrivals import RequestedRun, RunState
from leadscout_assets.defs.partitions import LEAD_BATCH

UNDER_WAY = frozenset(
    {
        dg.DagsterRunStatus.QUEUED,
        dg.DagsterRunStatus.NOT_STARTED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
        dg.DagsterRunStatus.CANCELING,
        dg.DagsterRunStatus.MANAGED,
    }
)


def ensure_partitions(instance: dg.DagsterInstance, batches: Sequence[str]) -> list[str]:
    """Add the batches that are no partitions yet, in one request, and return all partitions in insertion order."""
    name = str(LEAD_BATCH.name)
    known = set(instance.get_dynamic_partitions(name))
    new = [batch for batch in batches if batch not in known]
    if new:
        instance.add_dynamic_partitions(name, new)
    return list(instance.get_dynamic_partitions(name))


def newest_runs(instance: dg.DagsterInstance, run_keys: Collection[str]) -> dict[str, RequestedRun]:
    """Return the newest run of each run key that has one; Dagster's retries carry the key of the run they retry."""
    if not run_keys:
        return {}
    found: dict[str, RequestedRun] = {}
    for record in instance.get_run_records(dg.RunsFilter(tags={RUN_KEY_TAG: sorted(run_keys)})):
        key = record.dagster_run.tags[RUN_KEY_TAG]
        # Newest first.
        found.setdefault(key, RequestedRun(_state(record.dagster_run), record.create_timestamp.astimezone(UTC)))
    return found


def materialized(instance: dg.DagsterInstance, asset: str, batches: Collection[str]) -> set[str]:
    """Return those of `batches` that the asset was ever materialized for."""
    if not batches:
        return set()
    ids = instance.get_latest_storage_id_by_partition(
        dg.AssetKey(asset), dg.DagsterEventType.ASSET_MATERIALIZATION, set(batches)
    )
    return set(ids)


def materialized_at(instance: dg.DagsterInstance, asset: str, batch: str) -> datetime | None:
    """Return when the asset was first materialized for a batch, in UTC; a later re-run does not change it."""
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), asset_partitions=[batch])
    records = instance.fetch_materializations(wanted, limit=1, ascending=True).records
    return datetime.fromtimestamp(records[0].timestamp, UTC) if records else None


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
