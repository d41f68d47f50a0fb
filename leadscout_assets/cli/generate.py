"""`leadscout generate`: synthetic deliveries; no real person's data."""

from pathlib import Path
from typing import Annotated

import typer

from leadscout_assets.cli.background import Background, in_background
from leadscout_assets.cli.long_work import long_work
from leadscout_assets.errors import BadInput
from leadscout_assets.settings import current_settings


def generate(
    rows: Annotated[int, typer.Option(min=1, max=1_048_574, help="Rows below the header, the totals row included.")],
    out: Annotated[Path, typer.Option(help="File to write; .xlsx or .csv decides the format.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same file.")] = 1,
    background: Background = False,
) -> None:
    """Make a synthetic lead list, as dirty as real ones."""
    from leadscout_assets.leads.synthetic import write_delivery

    if out.suffix.lower() not in (".xlsx", ".csv"):
        raise BadInput("--out must end in .xlsx or .csv")
    if background:
        in_background("generate")
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with long_work(current_settings(), "generate", total=rows) as work:
            work.progress.stage("generate")
            write_delivery(out, rows, seed, work.progress.tell)
    except OSError as error:
        raise BadInput(f"--out cannot be written ({error.strerror}): name a file in a folder that can be") from None
    print(out)
