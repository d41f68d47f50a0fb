"""`leadscout undo`: take a bad batch back."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

import typer

from leadscout_assets.cli.background import Background, in_background
from leadscout_assets.cli.long_work import long_work
from leadscout_assets.cli.printing import print_json, print_pairs
from leadscout_assets.processes import user
from leadscout_assets.progress import LONG_SECONDS
from leadscout_assets.settings import current_settings


def undo(
    batch: Annotated[str, typer.Argument(help="Batch id, as `leadscout batches` lists it.")],
    reason: Annotated[
        str | None, typer.Option(help="Why; it is written to the audit trail, so name no person.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be reversed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    background: Background = False,
) -> None:
    """Take a batch out of everything, and give known leads their values of before. Delivering its file again takes it back in."""
    from leadscout_assets.defs.instance import drop_partition, runs_under_way
    from leadscout_assets.defs.orphans import cancel_orphaned, open_instance
    from leadscout_assets.forgetting.reasons import kept_reason
    from leadscout_assets.home import Home
    from leadscout_assets.supervisor import prepare_instance, running_pid
    from leadscout_assets.undoing import undo as take_out
    from leadscout_assets.undoing import what_undo_does

    settings = current_settings()
    home = Home(settings)
    if dry_run:
        with long_work(settings, "undo", unit="", after=LONG_SECONDS):
            would = what_undo_does(home, batch)
        if as_json:
            print_json({"batch_id": batch, "reversed": would})
        else:
            print_pairs(_named(would))
        return
    home.records.get(batch)
    reason = kept_reason(home, reason) if reason else None
    if background:
        in_background("undo")
        return

    def under_way(one: str) -> bool:
        if running_pid(settings.home) is None and settings.dagster_database_url is None:
            # What a kill or a power cut left behind; on PostgreSQL its process may live on another machine.
            cancel_orphaned(instance, runs_under_way(instance, one))
        return bool(runs_under_way(instance, one))

    with (
        open_instance(prepare_instance(settings).folder) as instance,
        long_work(settings, "undo", total=100, unit="parts"),
    ):
        done = take_out(
            home,
            batch,
            actor=user(),
            reason=reason,
            now=lambda: datetime.now(UTC),
            under_way=under_way,
            drop_partition=lambda one: drop_partition(instance, one),
        )
    if as_json:
        print_json(done.to_json())
        return
    print(f"{batch} was undone before; nothing was left to do" if done.repeated else f"{batch} is undone")
    print_pairs(_named(done.reversed))
    for heading, sentences in (("kept", done.kept), ("could not", done.could_not)):
        for sentence in sentences:
            print(f"{heading}: {sentence}")


def _named(figures: Mapping[str, int]) -> dict[str, object]:
    return {f"reversed: {name.replace('_', ' ')}": count for name, count in figures.items()}
