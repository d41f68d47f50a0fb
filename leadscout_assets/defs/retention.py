"""Every night: what is kept for so long and no longer. What may go is decided in `history_pruning` and in `retention`."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from leadscout_assets.defs.history_pruning import Obsolete, find_obsolete, log_bytes, remove
from leadscout_assets.defs.maintenance_assets import MAINTENANCE_GROUP
from leadscout_assets.defs.resources import Platform
from leadscout_assets.defs.run_log import in_its_log
from leadscout_assets.defs.run_performance import catch_up
from leadscout_assets.home import Home
from leadscout_assets.logs import operation, private_errors
from leadscout_assets.progress import current, tracked
from leadscout_assets.retention import Pruned, prune_files
from leadscout_assets.terms import TIME_ZONE


def prune(instance: dg.DagsterInstance, home: Home, now: datetime, *, apply: bool, actor: str) -> list[Pruned]:
    """Return what the settings let go of, and remove it with `apply`: Dagster's history, progress and log files.

    The performance history is brought up to date first: run records live on in their table when their events go.
    """
    from leadscout_assets.database.audit import record_event

    settings = home.settings
    if apply:
        catch_up(instance, home)
    obsolete = find_obsolete(
        instance,
        runs_before=now - timedelta(days=settings.keep_runs_days),
        logs_before=now - timedelta(days=settings.keep_run_logs_days),
        ticks_before=now - timedelta(days=settings.keep_ticks_days),
        owed=[record.run_key for record in home.records.unreported() if record.run_key],
    )
    found = [*_counted(instance, home, obsolete), *prune_files(settings, now, apply=apply)]
    if apply:
        remove(instance, obsolete, current("parts").tell)
        counts = {one.kind.replace(" ", "_"): one.count for one in found}
        record_event(home.database, actor=actor, action="retention.pruned", detail=counts)
    return found


def _counted(instance: dg.DagsterInstance, home: Home, obsolete: Obsolete) -> list[Pruned]:
    settings = home.settings
    return [
        Pruned("runs", len(obsolete.runs), log_bytes(instance, obsolete.runs), settings.keep_runs_days),
        Pruned("logs of runs", len(obsolete.logs), log_bytes(instance, obsolete.logs), settings.keep_run_logs_days),
        Pruned("events outside runs", len(obsolete.events), None, settings.keep_runs_days),
        Pruned("verdicts replaced since", len(obsolete.verdicts), None, settings.keep_runs_days),
        Pruned("ticks", len(obsolete.ticks), None, settings.keep_ticks_days),
    ]


@dg.asset(
    group_name=MAINTENANCE_GROUP,
    owners=["team:data-engineering"],
    kinds={"file"},
    description="Dagster's history, progress and log files, rid of what is older than the LEADSCOUT_KEEP_ settings let it be.",
)
def retention(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[None]:
    """Prune; what was removed is the metadata, by kind."""
    home = platform.home
    with (
        in_its_log(context, "retention"),
        private_errors(),
        operation("retention"),
        tracked(home.settings, "retention", run_id=context.run.run_id, total=100, unit="parts"),
    ):
        found = prune(context.instance, home, datetime.now(UTC), apply=True, actor="retention")
    return dg.MaterializeResult(metadata={one.kind.replace(" ", "_"): one.count for one in found})


retention_job = dg.define_asset_job(
    "retention_job", selection=dg.AssetSelection.assets(retention), description="Removes what is kept no longer."
)

retention_schedule = dg.ScheduleDefinition(
    name="retention",
    job=retention_job,
    # After the night's backup, its proof and the maintenance of the tables.
    cron_schedule="30 4 * * *",
    execution_timezone=str(TIME_ZONE),
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every night, after the backup.",
)
