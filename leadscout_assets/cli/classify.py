"""`leadscout classify`: the likely origin of each name in a CSV. Calling it is itself the explicit request for row-level answers."""

import getpass
import os
from pathlib import Path
from typing import Annotated

import typer

from leadscout_assets.cli.background import Background, in_background
from leadscout_assets.cli.long_work import long_work
from leadscout_assets.errors import BadInput
from leadscout_assets.settings import current_settings


def classify(
    source: Annotated[Path, typer.Argument(metavar="INPUT.csv", help="CSV with a column of names.")],
    column: Annotated[str, typer.Option(help="Heading of the column that holds the names.")],
    out: Annotated[Path, typer.Option(help="CSV to write, one row per input row.")],
    purpose: Annotated[
        str | None, typer.Option(help="Why the names are classified; default LEADSCOUT_CLASSIFICATION_PURPOSE.")
    ] = None,
    background: Background = False,
) -> None:
    """Classify a column of names. Needs a purpose, which is recorded in the audit trail."""
    from leadscout_assets.classify_file import classify_csv
    from leadscout_assets.database.audit import record_event
    from leadscout_assets.home import Home
    from leadscout_assets.pipeline import read_limits
    from leadscout_assets.reviewing import confirmed_answers

    settings = current_settings()
    why = (purpose or settings.classification_purpose or "").strip()
    if not why:
        raise BadInput(
            "no purpose: say why the names are classified with --purpose TEXT or LEADSCOUT_CLASSIFICATION_PURPOSE"
        )
    if background:
        in_background("classify")
        return
    home = Home(settings)
    # Recorded first: an inference that was made and not recorded would be worse than the reverse.
    record_event(
        home.database,
        actor=user(),
        action="names.classified",
        reason=why,
        detail={"row_level": True},
    )
    with long_work(settings, "classify", unit="names"):
        limits, confirmed = read_limits(settings), confirmed_answers(home)
        rows = classify_csv(source, column, out, limits, reveal_religion=settings.reveal_religion, confirmed=confirmed)
    print(f"{rows} names classified: {out}")


def user() -> str:
    """Return who is at the terminal, for the audit trail: the user of the machine, by number where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"  # a container's user need not have a name
