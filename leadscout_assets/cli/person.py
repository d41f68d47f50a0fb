"""`leadscout person`: everything held about a person, for their request of access."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer

from leadscout_assets.cli.printing import print_json
from leadscout_assets.errors import BadInput
from leadscout_assets.settings import current_settings


def person(
    cell: Annotated[list[str] | None, typer.Option(help="A number of theirs.")] = None,
    email: Annotated[list[str] | None, typer.Option(help="An e-mail address of theirs.")] = None,
    name: Annotated[
        list[str] | None, typer.Option(help="Their name: rows that name somebody else are left out.")
    ] = None,
    lead: Annotated[list[str] | None, typer.Option(help="A lead id.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for person.json and person.html; else JSON is printed.")
    ] = None,
) -> None:
    """Gather everything held about a person: leads, what was inferred and why, scores, reports, consents, audit."""
    from leadscout_assets.database.audit import record_event
    from leadscout_assets.forgetting.forget import handles_of
    from leadscout_assets.forgetting.held import held
    from leadscout_assets.forgetting.page import page_of
    from leadscout_assets.forgetting.request import request_of
    from leadscout_assets.home import Home

    if not (cell or email or lead):
        raise BadInput("name the person by --cell, --email or --lead; a name alone is not enough")
    home, request = Home(current_settings()), request_of(name, cell, email, lead)
    # Before anything is shown, so that this look is among what the person is told.
    record_event(
        home.database,
        actor=getpass.getuser(),
        action="person.shown",
        subject=lead[0] if lead else None,
        detail={"persons": list(handles_of(home, request.traits))},
    )
    found = held(home, request, datetime.now(UTC))
    if out is None:
        print_json(found)
        return
    try:
        out.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path, content in (
            (out / "person.json", orjson.dumps(found, option=orjson.OPT_INDENT_2, default=str)),
            (out / "person.html", page_of(found).encode()),
        ):
            path.write_bytes(content)
            path.chmod(0o600)
            print(path)
    except OSError as error:
        raise BadInput(f"--out is no folder that can be written to: {error.strerror}; name another one") from None
