"""`leadscout purposes` and `leadscout purposes retention`: what names may be classified for, and what must be deleted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from leadscout_assets.cli.printing import print_json, print_table
from leadscout_assets.settings import current_settings
from leadscout_assets.terms import TIME_ZONE

COLUMNS = ("id", "in_use", "valid_until", "ground", "covers", "retention_days", "row_level", "responsible", "purpose")
DUE_COLUMNS = ("batch_id", "purpose", "kept_until", "leads")

app = typer.Typer(help="The register of purposes, and what their retention asks for.", rich_markup_mode=None)

As_json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback(invoke_without_command=True)
def purposes(context: typer.Context, as_json: As_json = False) -> None:
    """List the registered purposes; exits 2 and names the field where the register cannot be used."""
    from leadscout_assets.governance.gate import asked_for
    from leadscout_assets.governance.purposes import read_register

    if context.invoked_subcommand is not None:
        return
    settings = current_settings()
    asked, today = asked_for(settings), datetime.now(TIME_ZONE).date()
    rows = []
    for entry in read_register(settings.purposes).values():
        in_use = "expired" if entry.expired(today) else "yes" if entry.id == asked else "no"
        rows.append(entry.model_dump(mode="json") | {"in_use": in_use, "entry": entry.digest})
    if as_json:
        print_json(rows)
    else:
        print_table([row | {"covers": ", ".join(row["covers"])} for row in rows], COLUMNS)


@app.command()
def retention(
    delete: Annotated[bool, typer.Option("--delete", help="Delete it; without, only say what would be.")] = False,
    as_json: As_json = False,
) -> None:
    """Say what was inferred about which batches and may not be kept any more; the platform deletes it every night."""
    from leadscout_assets.batch_purposes import delete_inferred, overdue
    from leadscout_assets.home import Home

    home, now = Home(current_settings()), datetime.now(UTC)
    due = overdue(home, now=now)
    if delete:
        delete_inferred(home, due, actor=None, now=now)
    if as_json:
        print_json([vars(one) | {"kept_until": one.kept_until.isoformat(), "deleted": delete} for one in due])
    elif due:
        print_table([vars(one) for one in due], DUE_COLUMNS)
        print("deleted" if delete else "nothing was deleted; to do it now: leadscout purposes retention --delete")
    else:
        print("nothing that was inferred is past its retention")
