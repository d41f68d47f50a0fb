"""`leadscout consent`: what a person said about being contacted, on which channel, and that they were asked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from leadscout_assets.cli.printing import print_pairs
from leadscout_assets.errors import BadInput
from leadscout_assets.settings import current_settings
from leadscout_assets.terms import TIME_ZONE

app = typer.Typer(no_args_is_help=True, help="Consents, objections and approaches.", rich_markup_mode=None)

Cell = Annotated[list[str] | None, typer.Option(help="The person's number.")]
Email = Annotated[list[str] | None, typer.Option(help="The person's e-mail address.")]


@app.command()
def record(
    what: Annotated[str, typer.Argument(help="consent, objection or approach.")],
    channel: Annotated[str, typer.Option(help="call, sms, email or all.")],
    cell: Cell = None,
    email: Email = None,
    wording: Annotated[str | None, typer.Option(help="What was asked or said; no name in it.")] = None,
    source: Annotated[str | None, typer.Option(help="Where it was recorded: a form, a call, a letter.")] = None,
    day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="When it was said; default now.")] = None,
) -> None:
    """Record what a person said, or that they were approached once; kept by keyed hash, also after a restore."""
    from leadscout_assets.forgetting.deciding import actor, decide
    from leadscout_assets.forgetting.request import request_of
    from leadscout_assets.governance import consents
    from leadscout_assets.home import Home

    home, request = Home(current_settings()), request_of(cells=cell, emails=email)
    at = day.replace(tzinfo=TIME_ZONE) if day else datetime.now(UTC)
    decision = consents.recorded(
        request.traits,
        home.hasher,
        channel=channel,
        what=what,
        wording=wording,
        source=source,
        actor=actor(),
        at=at,
    )
    decide(home, decision, request.traits)
    show(cell, email)


@app.command()
def show(cell: Cell = None, email: Email = None) -> None:
    """Say what holds on each channel for a person."""
    from leadscout_assets.forgetting.held import consents_of
    from leadscout_assets.forgetting.request import request_of
    from leadscout_assets.governance.consents import standings
    from leadscout_assets.home import Home

    if not (cell or email):
        raise BadInput("a consent is held by number or e-mail address: give --cell or --email")
    print_pairs(standings(consents_of(Home(current_settings()), request_of(cells=cell, emails=email).traits)))
