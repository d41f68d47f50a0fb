"""`leadscout batches` and `leadscout show`: what was delivered, and what became of it."""

import json
from typing import Annotated

import typer

from leadscout_assets.cli.printing import print_json, print_pairs, print_table
from leadscout_assets.settings import current_settings

LISTED = ("batch_id", "delivered_at", "rows", "leads", "rejected", "state")


def batches(as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False) -> None:
    """List every batch, the newest last."""
    from leadscout_assets.batch_overview import overview
    from leadscout_assets.home import Home

    rows = [summary.to_json() for summary in overview(Home(current_settings()))]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(rows, LISTED)
    else:
        print("nothing has been delivered yet; drop a lead list in the inbox, or: leadscout deliver FILE")


def show(
    batch: Annotated[str, typer.Argument(help="Batch id, as `leadscout batches` lists it.")],
    row: Annotated[int | None, typer.Option(help="Show what became of this row of the delivered file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show one batch: counts, reasons, report files; or one row of it, as delivered and why it was rejected."""
    from leadscout_assets.batch_overview import details, row_fate
    from leadscout_assets.database.audit import record_event
    from leadscout_assets.forgetting.forget import check_nothing_pending
    from leadscout_assets.home import Home

    home = Home(current_settings())
    if row is None:
        found = details(home, batch).to_json()
    else:
        check_nothing_pending(home)
        found = row_fate(home, batch, row)
        # Recorded before it is shown.
        detail = {"source_row": row, "lead_id": found.get("lead_id")}
        record_event(home.database, action="row.viewed", subject=batch, detail=detail)
    if as_json:
        print_json(found)
        return
    print_pairs({name.replace("_", " "): _plain(value) for name, value in found.items()})


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return json.dumps(value) if isinstance(value, bool) else value
