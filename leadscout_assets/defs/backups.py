"""Backups and restore drills as assets, on schedules, with checks of what they found and a sensor for their age."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import dagster as dg

from leadscout_assets.defs.instance import newest_materialization
from leadscout_assets.defs.resources import Platform
from leadscout_assets.defs.retrying import retried
from leadscout_assets.defs.run_log import in_its_log
from leadscout_assets.defs.ticking import ticking
from leadscout_assets.defs.verdicts import written
from leadscout_assets.logs import operation, private_errors
from leadscout_assets.progress import tracked
from leadscout_assets.recovery.ages import Ages, ages
from leadscout_assets.recovery.backup import take_backup
from leadscout_assets.recovery.drill import drill
from leadscout_assets.runs.freshness import Freshness
from leadscout_assets.terms import TIME_ZONE

BACKUPS_GROUP = "backups"
OWNERS = ["team:data-engineering"]

BACKUP_AGE, RESTORE_AGE, RESTORED = "backup_age", "proven_restore_age", "restored_as_backed_up"

# Often and at night for a person, seldom for the machine: a backup copies only what is new.
TWICE_A_DAY = "0 1,13 * * *"
AFTER_THE_NIGHTS_BACKUP = "0 3 * * *"


@dg.asset(
    group_name=BACKUPS_GROUP,
    owners=OWNERS,
    kinds={"file"},
    description="The whole home at one moment, in the folder of the backups: tables, databases, delivered files, keys.",
)
def backup(context: dg.AssetExecutionContext, platform: Platform) -> None:
    """Take a backup, while everything else goes on."""
    run_id, settings = context.run.run_id, platform.home.settings
    following = tracked(settings, "backup", run_id=run_id, unit="bytes")
    with retried(context, settings), in_its_log(context, "backup"), private_errors(), operation("backup"), following:
        taken = take_backup(platform.home.settings)
        taken.insist_on_all()
        figures = ages(platform.home.settings, datetime.now(UTC)).to_json(datetime.now(UTC))
    context.add_asset_metadata(_shown(taken.to_json() | figures))


@dg.asset(
    group_name=BACKUPS_GROUP,
    owners=OWNERS,
    kinds={"file"},
    deps=[backup],
    check_specs=[
        dg.AssetCheckSpec(
            RESTORED, asset="restore_drill", description="every file, table and database came back as it was backed up"
        )
    ],
    description="The newest backup, restored into a scratch home, held against its manifest, and removed again.",
)
def restore_drill(context: dg.AssetExecutionContext, platform: Platform) -> dg.AssetCheckResult:
    """Prove that the newest backup can be restored."""
    run_id, settings = context.run.run_id, platform.home.settings
    following = tracked(settings, "restore_drill", run_id=run_id, unit="bytes")
    with (
        retried(context, settings),
        in_its_log(context, "restore_drill"),
        private_errors(),
        operation("restore_drill"),
        following,
    ):
        proof = drill(platform.home.settings)
        figures = ages(platform.home.settings, datetime.now(UTC)).to_json(datetime.now(UTC))
    context.add_asset_metadata(_shown({"backup_id": proof.backup_id, "seconds": proof.seconds} | figures))
    return dg.AssetCheckResult(passed=proof.ok, description=proof.sentence, metadata={"seconds": proof.seconds})


def _shown(figures: Mapping[str, object]) -> dict[str, str | int | float]:
    """Return what has a value, without the folder: it may tell more of the machine than every viewer should know."""
    return {k: v for k, v in figures.items() if k != "folder" and isinstance(v, str | int | float)}


backup_job = dg.define_asset_job(
    "backup_job", selection=dg.AssetSelection.assets(backup).without_checks(), description="Takes a backup."
)

restore_drill_job = dg.define_asset_job(
    "restore_drill_job",
    selection=dg.AssetSelection.assets(restore_drill),
    description="Restores the newest backup into a scratch home and proves it.",
)

backup_schedule = dg.ScheduleDefinition(
    name="backup",
    job=backup_job,
    cron_schedule=TWICE_A_DAY,
    execution_timezone=str(TIME_ZONE),
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Twice a day: one that is missed still leaves the newest less than a day old.",
)

restore_drill_schedule = dg.ScheduleDefinition(
    name="restore_drill",
    job=restore_drill_job,
    cron_schedule=AFTER_THE_NIGHTS_BACKUP,
    execution_timezone=str(TIME_ZONE),
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every day, after the night's backup.",
)


def _judged(found: Ages) -> dict[str, tuple[str, Freshness]]:
    return {BACKUP_AGE: ("backup", found.backup), RESTORE_AGE: ("restore_drill", found.restore)}


@dg.multi_asset_check(
    name="recovery_ages",
    specs=[
        dg.AssetCheckSpec(BACKUP_AGE, asset="backup", description="the newest backup is young enough"),
        dg.AssetCheckSpec(RESTORE_AGE, asset="restore_drill", description="a restore was proven recently enough"),
    ],
    can_subset=True,
)
def recovery_ages(context: dg.AssetCheckExecutionContext, platform: Platform) -> Iterator[dg.AssetCheckResult]:
    """Judge the ages on demand."""
    judged = _judged(ages(platform.home.settings, datetime.now(UTC)))
    for key in sorted(context.selected_asset_check_keys):
        asset, verdict = judged[key.name]
        yield dg.AssetCheckResult(
            asset_key=asset, check_name=key.name, passed=verdict.fresh, description=verdict.sentence
        )


@dg.sensor(
    name="recovery_ages",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Writes the verdicts on the age of backup and proven restore when they change, and every hour.",
)
def recovery_ages_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Evaluate one tick."""
    now = datetime.now(UTC)
    with ticking(context) as (instance, home):
        judged = _judged(ages(home.settings, now))
        # The UI hides a verdict as soon as its asset is materialized again.
        states = [[verdict.fresh, newest_materialization(instance, asset)] for asset, verdict in judged.values()]
    verdicts = {(asset, name): verdict for name, (asset, verdict) in judged.items()}
    return written(verdicts, states, context.cursor, now)
