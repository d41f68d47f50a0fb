"""The asset that keeps the Delta tables small and quick to open. What it may remove is decided in `tables`."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from leadscout_assets.batch_purposes import delete_inferred, overdue
from leadscout_assets.defs.resources import Platform
from leadscout_assets.defs.retrying import retried
from leadscout_assets.defs.run_log import followed, in_its_log
from leadscout_assets.governance.anchors import anchor, verify_trail
from leadscout_assets.lead_tables import KNOWN_TABLES, LEAD_TABLES
from leadscout_assets.logs import operation, private_errors
from leadscout_assets.pace import told
from leadscout_assets.progress import tracked
from leadscout_assets.runs.history import RUN_PERFORMANCE
from leadscout_assets.terms import TIME_ZONE

MAINTENANCE_GROUP = "maintenance"

TRAIL_HOLDS = "audit_trail_holds"


@dg.asset(
    group_name=MAINTENANCE_GROUP,
    owners=["team:data-engineering"],
    kinds={"deltalake"},
    description="The lead tables compacted, and rid of files that no version within LEADSCOUT_UNDO_DAYS needs.",
)
def table_maintenance(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[None]:
    """Maintain every table; what it found and did is the metadata, by table."""
    home, keep = platform.home, timedelta(days=platform.home.settings.undo_days)
    run_id, settings, maintained = context.run.run_id, home.settings, (*LEAD_TABLES, *KNOWN_TABLES, RUN_PERFORMANCE)
    following = tracked(settings, "table_maintenance", run_id=run_id, total=len(maintained), unit="tables")
    with (
        retried(context, settings),
        in_its_log(context, "table_maintenance"),
        private_errors(),
        operation("table_maintenance"),
        following as progress,
    ):
        tables = told(maintained, len(maintained), progress.tell)
        done = {table.name: found for table in tables if (found := home.tables.maintain(table, keep))}
    return dg.MaterializeResult(
        metadata={
            f"{name}/{what}": figure for name, found in done.items() for what, figure in found.to_metadata().items()
        }
    )


@dg.asset(
    group_name=MAINTENANCE_GROUP,
    owners=["team:compliance"],
    kinds={"deltalake"},
    description="What was inferred about names, deleted where the retention of its purpose is over; reports keep aggregates.",
)
def purpose_retention(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[None]:
    """Delete what may not be kept any more."""
    home, now = platform.home, datetime.now(UTC)
    telling = in_its_log(context, "purpose_retention")
    with retried(context, home.settings), telling, private_errors(), followed(context, "purpose_retention"):
        due = overdue(home, now=now)
        delete_inferred(home, due, actor=f"run {context.run.run_id}", now=now)
    return dg.MaterializeResult(metadata={"batches": len(due), "leads": sum(one.leads for one in due)})


@dg.asset(
    group_name=MAINTENANCE_GROUP,
    owners=["team:compliance"],
    kinds={"file"},
    check_specs=[
        dg.AssetCheckSpec(
            TRAIL_HOLDS, asset="audit_anchor", description="no event of the audit trail was changed or taken out"
        )
    ],
    description="The end of the audit trail, written down outside the database every day, and the trail held against it.",
)
def audit_anchor(context: dg.AssetExecutionContext, platform: Platform) -> dg.AssetCheckResult:
    """Verify the audit trail, then write its end down where it holds."""
    home = platform.home
    telling = in_its_log(context, "audit_anchor")
    with retried(context, home.settings), telling, private_errors(), followed(context, "audit_anchor"):
        found = verify_trail(home.settings, home.database)
        if found.ok:
            head = anchor(home.settings, home.database, why="daily")
            context.add_asset_metadata({"events": found.events, "head": head.id})
    sentence = f"event {found.broken.id}: {found.broken.sentence}" if found.broken else f"{found.events} events hold"
    return dg.AssetCheckResult(passed=found.ok, description=sentence)


maintenance = dg.ScheduleDefinition(
    name="maintenance",
    # `retention` has a schedule of its own.
    target=dg.AssetSelection.groups(MAINTENANCE_GROUP) - dg.AssetSelection.assets("retention"),
    # At night, when nobody delivers.
    cron_schedule="30 3 * * *",
    execution_timezone=str(TIME_ZONE),
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Maintains the tables every night, deletes what is past its retention, and anchors the audit trail.",
)
