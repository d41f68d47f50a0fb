"""`leadscout prune`: what is kept for so long and no longer, shown first, and removed with --apply."""

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from leadscout_assets.cli.background import Background, in_background
from leadscout_assets.cli.long_work import long_work
from leadscout_assets.cli.printing import print_json, print_table
from leadscout_assets.progress import LONG_SECONDS
from leadscout_assets.settings import current_settings

COLUMNS = ("kind", "kept_days", "count", "megabytes")


def prune(
    apply: Annotated[bool, typer.Option("--apply", help="Remove it; without this it is only shown.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    background: Background = False,
) -> None:
    """Show what the settings no longer keep: runs, logs, events, ticks, progress files, old versions of tables."""
    from leadscout_assets.defs.orphans import open_instance
    from leadscout_assets.defs.retention import prune as prune_history
    from leadscout_assets.home import Home
    from leadscout_assets.retention import prune_tables
    from leadscout_assets.supervisor import prepare_instance

    if background:
        in_background("prune")
        return
    settings = current_settings()
    home = Home(settings)
    with (
        long_work(settings, "prune", total=100, unit="parts", after=0.0 if apply else LONG_SECONDS),
        open_instance(prepare_instance(settings).folder) as instance,
    ):
        found = prune_history(instance, home, datetime.now(UTC), apply=apply, actor=getpass.getuser())
        found.append(prune_tables(home, apply=apply))
    if as_json:
        print_json({"applied": apply, "pruned": [one.to_json() for one in found]})
        return
    print_table(
        [
            {
                "kind": one.kind,
                "kept_days": f"{one.kept_days:g}",
                "count": one.count,
                "megabytes": None if one.size_bytes is None else f"{one.size_bytes / 1e6:,.1f}",
            }
            for one in found
        ],
        COLUMNS,
    )
    print("removed" if apply else "nothing was removed: leadscout prune --apply does it")
