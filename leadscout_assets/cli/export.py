"""`leadscout export`: the leads of a batch as a file; origins of names only when asked for, and for a purpose."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from leadscout_assets.cli.background import Background, in_background
from leadscout_assets.processes import user
from leadscout_assets.settings import current_settings


def export(
    batch: Annotated[str, typer.Argument(help="Batch id, as `leadscout batches` lists it.")],
    out: Annotated[Path, typer.Option(help="File to write, .xlsx or .csv.")],
    with_origin: Annotated[
        bool, typer.Option("--with-origin", help="Write the likely origin of each director's name, too.")
    ] = False,
    purpose: Annotated[
        str | None,
        typer.Option(help="Id of the registered purpose of writing origins; default LEADSCOUT_CLASSIFICATION_PURPOSE."),
    ] = None,
    background: Background = False,
) -> None:
    """Write the leads of a batch, ranked, to a workbook or a CSV; recorded in the audit trail before the file is there."""
    from leadscout_assets.batch_purposes import allow_rows
    from leadscout_assets.forgetting.forget import check_nothing_pending
    from leadscout_assets.home import Home
    from leadscout_assets.row_export import check_no_list, export_rows

    settings = current_settings()
    home, why = Home(settings), None
    check_nothing_pending(home)
    if with_origin:
        why = allow_rows(home, batch, purpose, "export", now=datetime.now(UTC)).id
    if background:
        home.records.get(batch)
        check_no_list(home, out)
        in_background("export")
        return
    written = export_rows(home, batch, out, with_origin=with_origin, purpose=why, actor=user())
    print(f"{written.leads:,} leads written: {out}")
    if written.suppressed:
        print(
            f"{written.suppressed:,} left out, on a suppression list by now; out of the report, too: leadscout backfill {batch}",
            file=sys.stderr,
        )
