"""`leadscout classify`: the likely origin of each name in a CSV. Calling it is itself the explicit request for row-level answers."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from leadscout_assets.cli.background import Background, in_background
from leadscout_assets.cli.long_work import long_work
from leadscout_assets.errors import BadInput
from leadscout_assets.settings import current_settings
from leadscout_assets.terms import TIME_ZONE


def classify(
    source: Annotated[Path, typer.Argument(metavar="INPUT.csv", help="CSV with a column of names.")],
    column: Annotated[str, typer.Option(help="Heading of the column that holds the names.")],
    out: Annotated[Path, typer.Option(help="CSV to write, one row per input row.")],
    purpose: Annotated[
        str | None, typer.Option(help="Id of the registered purpose; default LEADSCOUT_CLASSIFICATION_PURPOSE.")
    ] = None,
    background: Background = False,
) -> None:
    """Classify a column of names. Needs a registered purpose that allows it; recorded in the audit trail, refusals too."""
    from leadscout_assets.classify_file import check_apart, classify_csv
    from leadscout_assets.database.audit import record_event
    from leadscout_assets.governance.gate import allow_names
    from leadscout_assets.home import Home
    from leadscout_assets.pipeline import read_limits
    from leadscout_assets.reviewing import confirmed_answers

    settings = current_settings()
    home = Home(settings)
    try:
        entry = allow_names(settings, purpose, today=datetime.now(TIME_ZONE).date())
    except BadInput:
        record_event(home.database, action="purpose.refused", detail={"row_level": True, "command": "classify"})
        raise
    if background:
        check_apart(source, out)  # which is said here, where somebody reads it
        in_background("classify")
        return

    def record() -> None:
        # Before the first inference: one that was made and not recorded would be worse than the reverse.
        record_event(
            home.database,
            action="names.classified",
            reason=entry.id,
            detail={"row_level": True, "entry": entry.digest, "reveal_religion": settings.reveal_religion},
        )

    with long_work(settings, "classify", unit="names"):
        limits, confirmed = read_limits(settings), confirmed_answers(home)
        rows = classify_csv(
            source, column, out, limits, reveal_religion=settings.reveal_religion, confirmed=confirmed, before=record
        )
    print(f"{rows} names classified: {out}")
    print(f"purpose {entry.id}: delete this file within {entry.retention_days} days")
