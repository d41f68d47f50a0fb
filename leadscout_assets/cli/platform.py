"""`leadscout up` and `leadscout backfill`: the platform in the foreground, and runs of batches again."""

import sys
from datetime import datetime
from typing import Annotated

import typer

from leadscout_assets.errors import BadInput
from leadscout_assets.home import Home
from leadscout_assets.settings import current_settings
from leadscout_assets.terms import TIME_ZONE

FAILING, FAILED = 1, 3
"""Exit codes: done with a failing check, failed."""


def up() -> int:
    """Run the platform and its UI in the foreground until Ctrl-C; a second one on the same home refuses."""
    from leadscout_assets.supervisor import up as run_platform

    settings = current_settings()
    Home(settings).make_inbox()
    return run_platform(settings, on_ready=_say_ready)


def backfill(
    batch: Annotated[list[str] | None, typer.Argument(help="Batch ids; none with --all or --since.")] = None,
    all_batches: Annotated[bool, typer.Option("--all", help="Every batch.")] = False,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Every batch delivered on or after this day.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="With --since: the last day.")] = None,
) -> int:
    """Run batches again from the delivered files; exactly these batches are replaced."""
    from leadscout_assets.batch_overview import failing_checks
    from leadscout_assets.defs.execution import run_here, wait_for
    from leadscout_assets.defs.instance import ensure_partitions
    from leadscout_assets.defs.orphans import open_instance
    from leadscout_assets.defs.ui import launch_on_platform
    from leadscout_assets.runs.planning import plan_runs
    from leadscout_assets.supervisor import prepare_instance, running_pid
    from leadscout_assets.supervisor.readiness import url_of

    settings = current_settings()
    home = Home(settings)
    chosen = _chosen(home, batch or [], all_batches, since, until)

    def platform_is_up() -> bool:
        return running_pid(settings.home) is not None

    with open_instance(prepare_instance(settings).folder) as instance:
        order = ensure_partitions(instance, [record.batch_id for record in home.records.all()])
        rows = {b: record.rows_counted or 0 for b, record in home.records.many(chosen).items()}
        runs = plan_runs(rows, order, max_rows=settings.max_rows_per_run, max_batches=settings.max_batches_per_run)
        failed = 0
        for number, batches in enumerate(runs, start=1):
            if platform_is_up():
                launched = launch_on_platform(url_of(settings.host, settings.port), batches)
                succeeded = wait_for(instance, launched, platform_is_up=platform_is_up)
            else:
                succeeded = run_here(instance, batches)
            failed += not succeeded
            print(
                f"run {number} of {len(runs)}: {len(batches)} batches {'done' if succeeded else 'failed'}", flush=True
            )
    wrong = failing_checks(home, chosen)
    for batch_id, sentences in wrong.items():
        print(f"{batch_id}: {'; '.join(sentences)}", file=sys.stderr)
    return FAILED if failed else FAILING if wrong else 0


def _chosen(
    home: Home, named: list[str], all_batches: bool, since: datetime | None, until: datetime | None
) -> list[str]:
    if sum((bool(named), all_batches, since is not None)) != 1 or (until and since is None):
        raise BadInput("say which batches: their ids, or --all, or --since DAY [--until DAY]")
    if named:
        return list(home.records.many(named))
    days = {r.batch_id: r.delivered_at.astimezone(TIME_ZONE).date() for r in home.records.all()}
    first = since.date() if since else None
    last = until.date() if until else None
    chosen = [b for b, day in days.items() if (first is None or day >= first) and (last is None or day <= last)]
    if not chosen:
        raise BadInput("no batch was delivered then; `leadscout batches` lists the ones there are")
    return chosen


def _say_ready(url: str) -> None:
    print(f"LeadScout is up: {url}  (Ctrl-C stops it)", flush=True)
