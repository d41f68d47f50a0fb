"""`leadscout keys`: which keys there are, and a new one in place of an old."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from leadscout_assets.cli.background import Background, in_background
from leadscout_assets.cli.long_work import long_work
from leadscout_assets.cli.printing import print_json, print_pairs, print_table
from leadscout_assets.settings import current_settings
from leadscout_assets.terms import TIME_ZONE

COLUMNS = ("key", "generation", "made_at", "means")
MEANS = {
    "lead-id": "of the lead ids",
    "suppression": "of the hashes of those who were erased or must not be contacted",
    "audit": "of the hashes by which the audit trail names a person",
}

app = typer.Typer(no_args_is_help=True, help="The platform's keys.", rich_markup_mode=None)


@app.command("list")
def list_keys(as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False) -> None:
    """Name every key with its newest generation and when that was made; no key is shown."""
    from leadscout_assets.governance.keys import generations

    folder, rows = current_settings().keys_dir, []
    for key, means in MEANS.items():
        files = [path for path in generations(folder, key) if path.exists()]
        made = datetime.fromtimestamp(files[-1].stat().st_mtime, TIME_ZONE) if files else None
        rows.append(
            {
                "key": key,
                "generation": len(files),
                "made_at": made.isoformat(timespec="seconds") if made else "-",
                "means": means,
            }
        )
    print_json(rows) if as_json else print_table(rows, COLUMNS)


@app.command()
def rotate(
    key: Annotated[str, typer.Argument(help="lead-id, suppression or audit.")], background: Background = False
) -> None:
    """Make a new key and re-key everything made under the old one; the platform must be down. Then take a backup."""
    from leadscout_assets.forgetting.rekeying import rotate as rotate_key
    from leadscout_assets.home import Home
    from leadscout_assets.supervisor.lock import hold_home

    if background:
        in_background("rotate")
        return
    settings = current_settings()
    with hold_home(settings.home), long_work(settings, "rotate", unit="batches"):
        done = rotate_key(Home(settings), key, now=datetime.now(UTC))
    print_pairs(vars(done))
    print("take a backup now, so that the new key is in it: leadscout backup")
