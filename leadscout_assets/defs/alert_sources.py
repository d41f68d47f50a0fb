"""What the alerts ask of a Dagster instance: its events as signals, its runs, ticks and daemons as facts. Decides nothing."""

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import InstigatorState, TickStatus
from dagster._core.storage.dagster_run import FINISHED_STATUSES, RunRecord
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
    WILL_RETRY_TAG,
)

from leadscout_assets import errors
from leadscout_assets.alerts.facts import CRITICAL, WARNING, Finished, Instance, Probe, Signal, Ticks, UnderWay
from leadscout_assets.alerts.machine import DAGSTER, probe
from leadscout_assets.alerts.watch import Sources, Stream
from leadscout_assets.defs.instance import UNDER_WAY
from leadscout_assets.defs.partitions import LEAD_BATCH

ROOTS: Mapping[str, str] = {
    **dict.fromkeys(
        ("raw_leads", "leads", "rejected_leads", "classifications", "lead_scores", "lead_reports", "known_leads"),
        "raw_leads",
    ),
    **dict.fromkeys(("name_lexicon", "name_model", "name_evaluation"), "name_lexicon"),
    **dict.fromkeys(("backup", "restore_drill"), "backup"),
    **{
        asset: asset
        for asset in ("table_maintenance", "run_performance", "retention", "purpose_retention", "audit_anchor")
    },
}
"""The root asset of each asset, itself where none is above it: what goes wrong below it is told together with it. Every
asset of the definitions is here; a test holds that."""

JOBS: Mapping[str, str] = {
    "lead_chain": "raw_leads",
    "reference": "name_lexicon",
    "backup_job": "backup",
    "restore_drill_job": "backup",
    "retention_job": "retention",
    # Dagster's names for the jobs of a schedule and a sensor that name assets in place of a job.
    "__anonymous_asset_job_maintenance": "table_maintenance",
    "__anonymous_asset_job_reference": "name_lexicon",
}
"""The root asset of each job; a test holds that all are here. A run of a selection of assets has the root of its first asset."""

ASSET_JOB = "__ASSET_JOB"
"""The job of every run of a selection of assets, as Dagster calls it."""

BACKUP = "backup"

MADE_BY: Mapping[str, str] = {
    "backup": "backup_job",
    "restore_drill": "restore_drill_job",
    "retention": "retention_job",
    "table_maintenance": "__anonymous_asset_job_maintenance",
    **dict.fromkeys(("name_lexicon", "name_model", "name_evaluation"), "reference"),
}
"""The job that makes an asset without batches. Made from the UI, as a selection, it is the same work: what failed in the one is
mended by the other."""

SAME_WORK: Mapping[str, str] = {"__anonymous_asset_job_reference": "reference"}
"""Jobs that make what another job makes, and that one."""

CHECK_RULES: Mapping[str, str] = {
    "deliveries_arrive": "deliveries_stale",
    "newest_delivery_materialized": "deliveries_stale",
    "performance_regression": "regression",
    "backup_age": "backup_failed",
    "proven_restore_age": "backup_failed",
    "restored_as_backed_up": "backup_failed",
}
"""The rule of the checks that have one of their own; all others are `check_failed`."""

WHOLE_RUN = "failed_batches"
"""Metadata of the verdict on a run over several batches as a whole; each of its batches has a verdict of its own."""

ERROR_WINDOW = timedelta(hours=1)

AMONG = 1_000
"""Newest runs of selections that an error rate is taken from, at most: each is read whole."""

FEW_TICKS = 10
"""Ticks looked at: as many failures in a row as the strictest figure of the rule."""

LIKE = 30
"""Successful runs that a baseline is taken from, at most."""

LOOKED_AT = 200
"""Finished runs among which those of the same size are sought."""

WAITING = frozenset(
    {
        dg.DagsterRunStatus.QUEUED,
        dg.DagsterRunStatus.NOT_STARTED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.CANCELING,
    }
)

WORTH_A_BASELINE = 60.0
"""Seconds that a run must have taken before its like are looked up."""


def sources(instance: dg.DagsterInstance) -> Sources:
    """Return what the alerts read and measure of an instance."""
    storage = instance.event_log_storage
    failed, succeeded = dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_SUCCESS
    checks = dg.DagsterEventType.ASSET_CHECK_EVALUATION
    return Sources(
        streams={
            "failed_runs": Stream(partial(fetch_events, storage, failed), partial(_run_signals, instance, WARNING)),
            "succeeded_runs": Stream(partial(fetch_events, storage, succeeded), partial(_run_signals, instance, None)),
            "checks": Stream(partial(fetch_events, storage, checks), _check_signals),
        },
        instance=partial(facts, instance),
        probe=lambda: probe_dagster(instance),
        # On SQLite one process writes at a time, and numbers come in the order of the commits.
        late_commits=not storage.is_run_sharded,
    )


def fetch_events(
    storage: object, kind: dg.DagsterEventType, after: int, before: int | None, limit: int
) -> Sequence[dg.EventLogRecord]:
    """Return events of a kind with after < number < before, newest first."""
    # Not the storage's own method: on SQLite that one opens the database of every run. The index has these events, too.
    wanted = dg.EventRecordsFilter(kind, after_cursor=after, before_cursor=before)
    return SqlEventLogStorage.get_event_records(storage, wanted, limit=limit, ascending=False)  # type: ignore[arg-type]


def probe_dagster(instance: dg.DagsterInstance) -> Probe:
    """Look whether Dagster's database answers."""

    def look() -> None:
        instance.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))

    return probe(DAGSTER, look)


@dataclass(frozen=True)
class _Work:
    """What a run is for: the parts that it makes, each of which a later run may do as well."""

    parts: tuple[str, ...]
    root: str


def _run_signals(
    instance: dg.DagsterInstance, level: str | None, records: Sequence[dg.EventLogRecord]
) -> Sequence[Signal]:
    if not records:
        return ()
    runs = {
        run.run_id: run
        for ids in _some(sorted({record.run_id for record in records}))
        for run in instance.get_runs(dg.RunsFilter(run_ids=ids))
    }
    batches: list[str] = []
    if any(ASSET_PARTITION_RANGE_START_TAG in run.tags for run in runs.values()):
        batches = list(instance.get_dynamic_partitions(str(LEAD_BATCH.name)))
    return list(_signals_of(records, runs, batches, level))


def _signals_of(
    records: Sequence[dg.EventLogRecord], runs: Mapping[str, dg.DagsterRun], batches: Sequence[str], level: str | None
) -> Iterator[Signal]:
    for record in records:
        run = runs.get(record.run_id)
        # One that Dagster starts, or has started, again by itself is no news; what comes of the last attempt is.
        if run is None or (level is not None and run.tags.get(WILL_RETRY_TAG) == "true"):
            continue
        work = _work(run, batches)
        rule = "backup_failed" if work.root == BACKUP else "run_failed"
        at = datetime.fromtimestamp(record.timestamp, UTC)
        outcome = "failed" if level else "succeeded"
        why = f": {reason}" if level and (reason := reason_of(record)) else ""
        for part in work.parts:
            what = f"run {run.run_id} of {run.job_name} {outcome}"
            about = f" for {part.partition(':')[2]}" if ":" in part else ""
            yield Signal(rule, f"run:{part}", work.root, record.storage_id, at, level, what + about + why)


def reason_of(record: dg.EventLogRecord) -> str:
    """Return why a run failed, where its event says so: its first failed step and that one's error, or what ended it from outside.

    Only errors of LeadScout's own are quoted, of which no message holds a value; of any other only the class is told.
    """
    event = record.event_log_entry.dagster_event
    if event is None or event.event_type is not dg.DagsterEventType.RUN_FAILURE:
        return ""
    first = getattr(event.event_specific_data, "first_step_failure_event", None)
    if first is None:
        return _first_line(event.message or "")
    error, told = first.step_failure_data.error, ""
    while error is not None:
        if error.message.startswith(f"{errors.__name__}."):
            told = _first_line(error.message.partition(": ")[2])
            break
        # Dagster's own are wrapped around the one that matters.
        told, error = error.cls_name or "", error.cause
    return f"{first.step_key}: {told}"


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].rstrip(":.")


def _work(run: dg.DagsterRun, batches: Sequence[str]) -> _Work:
    root = root_of(run)
    # Whatever job it was: a run started from the UI has another name than the sensor's.
    first, last = run.tags.get(ASSET_PARTITION_RANGE_START_TAG), run.tags.get(ASSET_PARTITION_RANGE_END_TAG)
    if first is not None and last is not None:
        try:
            among = batches[batches.index(first) : batches.index(last) + 1]
        except ValueError:
            among = []
        return _Work(tuple(f"{root}:{batch}" for batch in among or [first]), root)
    batch = run.tags.get(PARTITION_NAME_TAG)
    if batch:
        return _Work((f"{root}:{batch}",), root)
    assets = [key.to_user_string() for key in run.asset_selection or ()] if run.job_name == ASSET_JOB else []
    parts = sorted({MADE_BY.get(asset, ROOTS.get(asset, asset)) for asset in assets})
    return _Work(tuple(parts) or (SAME_WORK.get(run.job_name, run.job_name),), root)


def root_of(run: dg.DagsterRun) -> str:
    """Return what a run's alerts are grouped under: the root asset of what it makes, else its job."""
    if run.job_name in JOBS:
        return JOBS[run.job_name]
    assets = sorted(key.to_user_string() for key in run.asset_selection or ())
    return ROOTS.get(assets[0], assets[0]) if assets else run.job_name


def _check_signals(records: Sequence[dg.EventLogRecord]) -> Sequence[Signal]:
    found = []
    for record in records:
        event = record.event_log_entry.dagster_event
        verdict = event.asset_check_evaluation_data if event else None
        if verdict is None or (WHOLE_RUN in verdict.metadata and verdict.partition is None):
            continue
        asset = verdict.asset_key.to_user_string()
        batch = f" of {verdict.partition}" if verdict.partition else ""
        severe = verdict.severity is dg.AssetCheckSeverity.ERROR
        found.append(
            Signal(
                CHECK_RULES.get(verdict.check_name, "check_failed"),
                f"check:{asset}:{verdict.check_name}:{verdict.partition or ''}",
                ROOTS.get(asset, asset),
                record.storage_id,
                datetime.fromtimestamp(record.timestamp, UTC),
                None if verdict.passed else CRITICAL if severe else WARNING,
                f"{verdict.check_name} on {asset}{batch}: {verdict.description or 'failed'}",
            )
        )
    return found


def facts(instance: dg.DagsterInstance, now: datetime) -> Instance:
    """Return what the instance says of its runs, ticks and daemons at `now`."""
    return Instance(
        under_way=_under_way(instance, now),
        finished=_finished(instance, now),
        ticks=ticks(instance),
        heartbeats=heartbeats(instance, now),
    )


def _under_way(instance: dg.DagsterInstance, now: datetime) -> list[UnderWay]:
    records = instance.get_run_records(dg.RunsFilter(statuses=[*UNDER_WAY, dg.DagsterRunStatus.NOT_STARTED]), limit=500)
    working = [record for record in records if record.dagster_run.status not in WAITING]
    queued = {dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED}
    # While a run works, those in the queue wait for it, as they should.
    moved = _moved_at(instance) if not working and any(r.dagster_run.status in queued for r in records) else None
    found = []
    for record in records:
        run, status = record.dagster_run, record.dagster_run.status
        if status in queued and working:
            continue
        since = record.update_timestamp.replace(tzinfo=UTC) if status in WAITING else _started(record)
        if status in queued and moved is not None:
            since = max(since, moved)
        seconds = max((now - since).total_seconds(), 0.0)
        median, like = None, 0
        if status not in WAITING and seconds > WORTH_A_BASELINE:
            median, like = baseline(instance, run)
        found.append(UnderWay(run.run_id, root_of(run), status.value.lower(), status in WAITING, seconds, median, like))
    return found


def _moved_at(instance: dg.DagsterInstance) -> datetime | None:
    newest = instance.get_run_records(
        dg.RunsFilter(statuses=list(FINISHED_STATUSES)), limit=1, order_by="update_timestamp", ascending=False
    )
    return newest[0].update_timestamp.replace(tzinfo=UTC) if newest else None


def _started(record: RunRecord) -> datetime:
    if record.start_time is not None:
        return datetime.fromtimestamp(record.start_time, UTC)
    return record.create_timestamp.replace(tzinfo=UTC)


def baseline(instance: dg.DagsterInstance, run: dg.DagsterRun) -> tuple[float | None, int]:
    """Return the median seconds of the last successful runs of the same job and size, and how many there were."""
    done = instance.get_run_records(
        dg.RunsFilter(job_name=run.job_name, statuses=[dg.DagsterRunStatus.SUCCESS]), limit=LOOKED_AT
    )
    size = _size(run)
    seconds = [
        record.end_time - record.start_time
        for record in done
        if record.start_time is not None and record.end_time is not None and _size(record.dagster_run) == size
    ][:LIKE]
    return (statistics.median(seconds) if seconds else None), len(seconds)


def _size(run: dg.DagsterRun) -> tuple[bool, tuple[str, ...]]:
    """One batch, or several; and the same assets: what else makes runs alike, Dagster does not know before they end."""
    first, last = run.tags.get(ASSET_PARTITION_RANGE_START_TAG), run.tags.get(ASSET_PARTITION_RANGE_END_TAG)
    return first != last, tuple(sorted(key.to_user_string() for key in run.asset_selection or ()))


def _finished(instance: dg.DagsterInstance, now: datetime) -> list[Finished]:
    failure, success = dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS

    def ended(job: str, *statuses: dg.DagsterRunStatus) -> dg.RunsFilter:
        # The storages compare with naive moments in UTC.
        since = (now - ERROR_WINDOW).astimezone(UTC)
        return dg.RunsFilter(job_name=job, statuses=list(statuses), updated_after=since)

    found = []
    for job in JOBS:
        failed = instance.get_runs_count(ended(job, failure))
        found.append(Finished(job, JOBS[job], failed, failed + instance.get_runs_count(ended(job, success))))
    # Runs of selections are only read where some failed: what each made stands in it alone.
    if instance.get_runs_count(ended(ASSET_JOB, failure)):
        found += _by_root(instance.get_runs(ended(ASSET_JOB, failure, success), limit=AMONG))
    return found


def _by_root(runs: Iterable[dg.DagsterRun]) -> list[Finished]:
    """Return how many of the finished runs of selections failed, by the root of what each made."""
    finished: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for run in runs:
        root = root_of(run)
        finished[root] += 1
        failed[root] += run.status is dg.DagsterRunStatus.FAILURE
    return [Finished(ASSET_JOB, root, failed[root], count) for root, count in sorted(finished.items())]


def ticks(instance: dg.DagsterInstance) -> list[Ticks]:
    """Return, for each sensor and schedule that is on, how many of its newest ticks failed in a row."""
    found = []
    for state in instance.all_instigator_state():
        if not state.is_running:
            continue
        # Reading ticks is what costs most here, and nearly always the newest one was good.
        failing = _failing(instance, state, 2) and _failing(instance, state, FEW_TICKS)
        found.append(Ticks(state.instigator_name, state.instigator_type is InstigatorType.SCHEDULE, failing))
    return found


def _failing(instance: dg.DagsterInstance, state: InstigatorState, limit: int) -> int:
    """Return how many of the newest ticks failed in a row; one under way does not count."""
    ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=limit)
    ended = [tick.status for tick in ticks if tick.status is not TickStatus.STARTED]
    return next((n for n, status in enumerate(ended) if status is not TickStatus.FAILURE), len(ended))


def heartbeats(instance: dg.DagsterInstance, now: datetime) -> dict[str, float | None]:
    """Return the seconds since each required daemon last beat, None for never."""
    beats = instance.get_daemon_heartbeats()
    return {
        kind: max(now.timestamp() - beats[kind].timestamp, 0.0) if kind in beats else None
        for kind in instance.get_required_daemon_types()
    }


def _some(ids: Sequence[str], size: int = 500) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
