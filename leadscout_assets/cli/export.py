"""`leadscout export`: the leads of a batch as a file; origins of names only when asked for, and for a purpose."""

from pathlib import Path
from typing import Annotated

import typer

from leadscout_assets.cli.classify import user
from leadscout_assets.settings import current_settings


def export(
    batch: Annotated[str, typer.Argument(help="Batch id, as `leadscout batches` lists it.")],
    out: Annotated[Path, typer.Option(help="File to write, .xlsx or .csv.")],
    with_origin: Annotated[
        bool, typer.Option("--with-origin", help="Write the likely origin of each director's name, too.")
    ] = False,
    purpose: Annotated[
        str | None, typer.Option(help="Why origins are written; default LEADSCOUT_CLASSIFICATION_PURPOSE.")
    ] = None,
) -> None:
    """Write the leads of a batch, ranked, to a workbook or a CSV; recorded in the audit trail before the file is there."""
    from leadscout_assets.home import Home
    from leadscout_assets.row_export import export_rows

    settings = current_settings()
    why = (purpose or (settings.classification_purpose if with_origin else None) or "").strip() or None
    rows = export_rows(Home(settings), batch, out, with_origin=with_origin, purpose=why, actor=user())
    print(f"{rows:,} leads written: {out}")
