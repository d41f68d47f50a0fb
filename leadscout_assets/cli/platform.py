"""`leadscout up` and `leadscout backfill`: the platform in the foreground, and runs of batches again."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from leadscout_assets.cli.background import Background, in_background, up_in_background
from leadscout_assets.cli.long_work import Work, long_work
from leadscout_assets.errors import AlreadyRunning, BadInput, EdgeFailed
from leadscout_assets.settings import Settings, current_settings
from leadscout_assets.terms import TIME_ZONE

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from leadscout_assets.home import Home

FAILING, FAILED = 1, 3
"""Exit codes: done with a failing check, failed."""

BACKFILL = "backfill"
"""Name of the note of what a backfill has still to do."""


def up(background: Background = False) -> int:
    """Run the platform and its UI in the foreground until Ctrl-C; a second one on the same home refuses."""
    from leadscout_assets.alerts.rules import rules_with
    from leadscout_assets.batch_purposes import require_registered
    from leadscout_assets.forgetting.forget import check_replayed
    from leadscout_assets.governance.anchors import anchor
    from leadscout_assets.governance.widening import note_widening
    from leadscout_assets.home import Home
    from leadscout_assets.llm.setup import check_models
    from leadscout_assets.supervisor import running_pid
    from leadscout_assets.supervisor import up as run_platform
    from leadscout_assets.supervisor.readiness import url_of

    settings = current_settings()
    home = Home(settings)
    require_registered(home, "up")
    check_models(home.settings)
    rules_with(settings.alert_levels)
    if background:
        if (pid := running_pid(settings.home)) is not None:
            raise AlreadyRunning(f"the platform already runs on {settings.home}, as process {pid}")
        up_in_background(url_of(settings.host, settings.port))
        return 0
    home.make_inbox()
    check_replayed(home)
    try:
        note_widening(home.database, settings)
        anchor(settings, home.database, why="up")
        home.database.close()
    except EdgeFailed as fault:
        # A platform whose database is away tells people so, which one that does not start cannot.
        print(f"leadscout: the end of the audit trail was not written down: {fault}", file=sys.stderr)
    return run_platform(settings, on_ready=_say_ready)


def backfill(
    batch: Annotated[list[str] | None, typer.Argument(help="Batch ids; none with --all or --since.")] = None,
    all_batches: Annotated[bool, typer.Option("--all", help="Every batch.")] = False,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Every batch delivered on or after this day.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="With --since: the last day.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="The batches that the last, interrupted backfill left undone.")
    ] = False,
    retry_in_doubt: Annotated[
        bool,
        typer.Option(
            "--retry-in-doubt",
            help="Ask a language model again about names in calls that may have been answered and charged already.",
        ),
    ] = False,
    background: Background = False,
) -> int:
    """Run batches again from the delivered files; exactly these batches are replaced."""
    from leadscout_assets.batch_overview import failing_checks
    from leadscout_assets.batch_purposes import require_registered
    from leadscout_assets.database.audit import record_event
    from leadscout_assets.defs.instance import ensure_partitions
    from leadscout_assets.defs.orphans import open_instance
    from leadscout_assets.forgetting.forget import check_replayed
    from leadscout_assets.home import Home
    from leadscout_assets.llm.setup import check_models
    from leadscout_assets.runs.planning import plan_runs
    from leadscout_assets.supervisor import prepare_instance

    settings = current_settings()
    home = Home(settings)
    require_registered(home, "backfill")
    check_models(home.settings)
    check_replayed(home)
    chosen = _left_undone(settings, home) if resume else _chosen(home, batch or [], all_batches, since, until)
    if background:
        in_background("backfill")
        return 0

    if retry_in_doubt and settings.llm_is_on:
        print(f"calls in doubt that may be made again: {home.let_ask_again(chosen)}; they stay booked")
    record_event(home.database, action="backfill.started", detail={"batches": chosen, "resumed": resume})
    with open_instance(prepare_instance(settings).folder) as instance:
        order = ensure_partitions(instance, [r.batch_id for r in home.records.all() if r.undone_at is None])
        rows = {b: record.rows_counted or 0 for b, record in home.records.many(chosen).items()}
        runs = plan_runs(rows, order, max_rows=settings.max_rows_per_run, max_batches=settings.max_batches_per_run)
        failed = _run_all(settings, instance, runs, _circumstances(home), resume=resume)
    wrong = failing_checks(home, chosen)
    for batch_id, sentences in wrong.items():
        print(f"{batch_id}: {'; '.join(sentences)}", file=sys.stderr)
    return FAILED if failed else FAILING if wrong else 0


def _circumstances(home: Home) -> dict[str, str]:
    """Return the tags of a run from which it can be told whether its finished steps would be the same now."""
    from leadscout_assets.reviewing import confirmed
    from leadscout_assets.single_run import circumstances

    told = sorted(circumstances(home.settings, confirmed(home), home.column_maps()).items())
    return {"leadscout/circumstances": hashlib.sha256(repr(told).encode()).hexdigest()[:16]}


def _run_all(
    settings: Settings,
    instance: DagsterInstance,
    runs: Sequence[Sequence[str]],
    tags: Mapping[str, str],
    *,
    resume: bool,
) -> int:
    """Have each run executed, by the platform where it is up; return how many failed. What is left undone is noted.

    With `resume` the first run goes on where the one of the same batches was broken off, under the same `tags`.
    """
    from leadscout_assets.resumable import forget

    failed, left = 0, [batch for batches in runs for batch in batches]
    total = len(left)
    try:
        with long_work(settings, "backfill", total=total, unit="batches") as work:
            for number, batches in enumerate(runs, start=1):
                _note(settings, left)
                work.progress.item(batches[0])
                work.progress.stage(f"run {number} of {len(runs)}", (total - len(left) + len(batches)) / total)
                succeeded = _run(settings, instance, batches, work, tags, resume=resume and number == 1)
                failed += not succeeded
                left = left[len(batches) :]
                word = "done" if succeeded else "failed"
                print(f"run {number} of {len(runs)}: {len(batches)} batches {word}", flush=True)
    except KeyboardInterrupt:
        done = f"{total - len(left)} of {total} batches are run{_finished(instance, runs, left, tags)}"
        print(f"leadscout: stopped; {done}; go on with: leadscout backfill --resume", file=sys.stderr)
        raise
    forget(settings, BACKFILL)
    return failed


def _finished(
    instance: DagsterInstance, runs: Sequence[Sequence[str]], left: Sequence[str], tags: Mapping[str, str]
) -> str:
    """Say which steps of the run that was broken off are kept, for the end of a sentence."""
    from leadscout_assets.defs.execution import broken_off, finished_steps

    batches = next((run for run in runs if left and run[0] == left[0]), None)
    run = broken_off(instance, batches, tags) if batches else None
    return f", and {', '.join(finished_steps(instance, run))} of the next run" if run else ""


def _run(
    settings: Settings,
    instance: DagsterInstance,
    batches: Sequence[str],
    work: Work,
    tags: Mapping[str, str],
    *,
    resume: bool,
) -> bool:
    from leadscout_assets.defs.execution import broken_off, run_here, wait_for
    from leadscout_assets.defs.instance import runs_under_way
    from leadscout_assets.defs.orphans import cancel_orphaned
    from leadscout_assets.defs.ui import launch_on_platform
    from leadscout_assets.supervisor import running_pid
    from leadscout_assets.supervisor.readiness import url_of

    def platform_is_up() -> bool:
        return running_pid(settings.home) is not None

    if platform_is_up():
        launched = launch_on_platform(url_of(settings.host, settings.port), batches)
        sleep = _following(settings, work, launched)
        return wait_for(instance, launched, platform_is_up=platform_is_up, sleep=sleep)
    if resume and settings.dagster_database_url is None:
        # One that was killed is still marked as begun.
        cancel_orphaned(instance, runs_under_way(instance, batches[0]))
    before = broken_off(instance, batches, tags) if resume else None
    succeeded = run_here(instance, batches, tags, after=before)
    # Dagster takes the signal for its run, and tells no one else.
    work.go_on()
    return succeeded


def _following(settings: Settings, work: Work, run_id: str) -> Callable[[float], None]:
    """Return a pause in which the progress of a run that the platform executes becomes that of this command."""
    from leadscout_assets.pipeline import STEPS
    from leadscout_assets.progress import read_all

    def sleep(seconds: float) -> None:
        time.sleep(seconds)
        work.go_on()
        steps = [seen for seen in read_all(settings.progress_dir) if seen.told.get("run_id") == run_id]
        work.progress.tell(sum(seen.state == "succeeded" for seen in steps) / len(STEPS))

    return sleep


def _note(settings: Settings, batches: Sequence[str]) -> None:
    """Note the batches that a backfill has still to do, for `--resume`."""
    from leadscout_assets.resumable import note

    note(settings, BACKFILL, "backfill", ["backfill", "--resume"], batches=batches)


def _left_undone(settings: Settings, home: Home) -> list[str]:
    from leadscout_assets.resumable import batches_of

    noted = batches_of(settings, BACKFILL)
    if not noted:
        raise BadInput("no backfill was interrupted; say which batches: their ids, or --all, or --since DAY")
    return list(home.records.many(noted))


def _counting(home: Home, batches: Sequence[str]) -> list[str]:
    """Return `batches`. Raises `UnknownBatch`, and `BadInput` for one that was undone."""
    for record in home.records.many(batches).values():
        if record.undone_at is not None:
            raise BadInput(f"batch {record.batch_id} was undone; deliver its file again to take it back in")
    return list(batches)


def _chosen(
    home: Home, named: list[str], all_batches: bool, since: datetime | None, until: datetime | None
) -> list[str]:
    if sum((bool(named), all_batches, since is not None)) != 1 or (until and since is None):
        raise BadInput("say which batches: their ids, or --all, or --since DAY [--until DAY]")
    if named:
        return _counting(home, named)
    counting = [record for record in home.records.all() if record.undone_at is None]
    days = {r.batch_id: r.delivered_at.astimezone(TIME_ZONE).date() for r in counting}
    first = since.date() if since else None
    last = until.date() if until else None
    chosen = [b for b, day in days.items() if (first is None or day >= first) and (last is None or day <= last)]
    if not chosen:
        raise BadInput("no batch was delivered then; `leadscout batches` lists the ones there are")
    return chosen


def _say_ready(url: str) -> None:
    print(f"LeadScout is up: {url}  (Ctrl-C stops it)", flush=True)
