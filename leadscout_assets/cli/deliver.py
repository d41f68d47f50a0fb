"""`leadscout deliver`: hand a file to the platform from a terminal or a script."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from leadscout_assets.cli.printing import print_json
from leadscout_assets.settings import current_settings


def deliver(
    file: Annotated[Path, typer.Argument(help="Lead list, CSV or XLSX.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Store a lead list as a delivery; the platform's inbox sensor starts its run. Answers with the batch."""
    from leadscout_assets.home import Home
    from leadscout_assets.supervisor import running_pid

    settings = current_settings()
    now = datetime.now(UTC)
    delivery = Home(settings).deliver(file, now=now)
    known = delivery.delivered_at != now
    running = running_pid(settings.home) is not None
    if as_json:
        print_json({"batch_id": delivery.batch_id, "known": known, "rows": delivery.rows_counted, "platform": running})
        return
    print(f"already batch {delivery.batch_id}" if known else f"batch {delivery.batch_id}")
    if known:
        print("to run it again: leadscout backfill " + delivery.batch_id)
    elif not running:
        print("it will be run as soon as the platform is up: leadscout up")
