"""`leadscout audit` and `leadscout audit verify`: who did what, and whether the trail is as it was written."""

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from leadscout_assets.cli.printing import print_json, print_table
from leadscout_assets.settings import current_settings
from leadscout_assets.terms import TIME_ZONE

if TYPE_CHECKING:
    from leadscout_assets.database.audit import AuditEvent
    from leadscout_assets.database.audit_chain import Unreadable

BROKEN = 1

COLUMNS = ("id", "at", "actor", "action", "subject", "reason", "detail")

app = typer.Typer(
    invoke_without_command=True, help="The audit trail: who did what, when and why.", rich_markup_mode=None
)


@app.callback()
def audit(
    context: typer.Context,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Events from this day on, South African time.")
    ] = None,
    person: Annotated[
        str | None,
        typer.Option(
            metavar="HASH", help="Events about the person with this lead id, or a former one, and their batches."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List the events of the audit trail, oldest first."""
    from leadscout_assets.database.audit import AuditEvent, all_events
    from leadscout_assets.home import Home

    if context.invoked_subcommand is not None:
        return
    home = Home(current_settings())
    found = all_events(home.database, since.replace(tzinfo=TIME_ZONE) if since else None)
    if person is not None:
        from leadscout_assets.forgetting.trail import about_lead

        about = about_lead(home, [one for one in found if isinstance(one, AuditEvent)], person)
        mine = {one.id for one in about}
        # What cannot be read may be about anybody.
        found = [one for one in found if one.id in mine or not isinstance(one, AuditEvent)]
    rows = [_row(one) for one in found]
    if as_json:
        print_json(rows)
    elif rows:
        print_table([{**row, "detail": _pairs(row["detail"])} for row in rows], COLUMNS)
        if broken := next((row["id"] for row in rows if row.get("unreadable")), None):
            print(f"event {broken} cannot be read: it was changed; see leadscout audit verify", file=sys.stderr)
    else:
        print("the audit trail has no such events")


@app.command()
def verify(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> int:
    """Look whether any event was changed, taken out or moved; exits 1 and names the first row at fault."""
    from leadscout_assets.governance.anchors import read_anchors, verify_trail
    from leadscout_assets.home import Home

    settings = current_settings()
    heads = read_anchors(settings).heads
    found = verify_trail(settings, Home(settings).database)
    # What came after the newest anchor could be cut off unseen; up to it nothing could.
    anchored_to = max((head.id for head in heads), default=0)
    if as_json:
        broken = vars(found.broken) if found.broken else None
        print_json(
            {
                "ok": found.ok, "events": found.events, "head": vars(found.head),
                "anchors": len(heads), "anchored_to": anchored_to, "broken": broken,
            }
        )  # fmt: skip
    elif found.broken is None:
        print(f"{found.events:,} events hold; head {found.head.id} {found.head.hash}; {len(heads)} anchors agree")
        print(f"anchored up to event {anchored_to} of {found.head.id}")
    else:
        print(f"event {found.broken.id}: {found.broken.sentence}; the {found.events:,} before it hold")
    return 0 if found.ok else BROKEN


def _row(event: "AuditEvent | Unreadable") -> dict[str, object]:
    at = getattr(event, "at", None)
    if at is None:
        return {**dict.fromkeys(COLUMNS), "id": event.id, "hash": None, "unreadable": True}
    return {**vars(event), "at": at.astimezone(TIME_ZONE).isoformat(timespec="seconds")}


def _pairs(detail: object) -> str:
    if not isinstance(detail, dict):
        return "unreadable: it was changed"
    told = {name: " ".join(map(str, value)) if isinstance(value, list) else value for name, value in detail.items()}
    return ", ".join(f"{name} {value}" for name, value in told.items())
