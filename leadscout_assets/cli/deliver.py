"""`leadscout deliver`: hand a file to the platform from a terminal or a script."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from leadscout_assets.cli.background import Background, in_background
from leadscout_assets.cli.long_work import long_work
from leadscout_assets.cli.plan import Map, Sender, keep
from leadscout_assets.cli.printing import print_json
from leadscout_assets.errors import BadInput
from leadscout_assets.settings import current_settings

UNCOUNTED = "its rows could not be counted: the batch will be refused"


def deliver(
    file: Annotated[Path, typer.Argument(help="Lead list, CSV or XLSX.")],
    map_: Map = None,
    sender: Sender = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    background: Background = False,
) -> None:
    """Store a lead list as a delivery; the platform's inbox sensor starts its run. Answers with the batch."""
    from leadscout_assets.batch_overview import details
    from leadscout_assets.home import Home
    from leadscout_assets.leads.column_maps import parse_map
    from leadscout_assets.supervisor import running_pid

    settings = current_settings()
    home = Home(settings)
    if map_ or sender:
        if not sender:
            raise BadInput("--map needs --sender NAME: the list is read by it again whenever its batch is run")
        if not file.is_file():
            raise BadInput("there is no such file to deliver; check the path")
        keep(home, file, parse_map(map_ or []), sender)
    if background and file.is_file():
        in_background("deliver")
        return
    size = file.stat().st_size if file.is_file() else None
    with long_work(settings, "deliver", total=size, unit="bytes"):
        delivered = home.deliver(file, now=datetime.now(UTC))
    batch, rows = delivered.delivery.batch_id, delivered.delivery.rows_counted
    state, refusal = "waiting", None
    if not delivered.new and not delivered.again:
        known = details(home, batch)
        state, refusal = known.state, known.refusal
    running = running_pid(settings.home) is not None
    note = refusal or (UNCOUNTED if rows is None and state == "waiting" else None)
    if as_json:
        print_json(
            {
                "batch_id": batch,
                "known": not delivered.new,
                "again": delivered.again,
                "rows": rows,
                "state": state,
                "note": note,
                "platform": running,
            }
        )
        return
    if delivered.again:
        print(f"batch {batch} again: it had been undone, and now counts as if it were new")
    else:
        print(f"batch {batch}" if delivered.new else f"already batch {batch}")
    if note:
        print(note)
    if state != "waiting":
        print(f"it is {state}; to run it again: leadscout backfill {batch}")
    elif not running:
        print(f"it will be run as soon as the platform is up: leadscout up, or now: leadscout backfill {batch}")
    elif not delivered.new and not delivered.again:
        print("it is waiting for its run")
