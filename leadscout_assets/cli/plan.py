"""`leadscout plan` and `leadscout mappings`: what a list would become, and the columns that people named."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leadscout_assets.cli.printing import print_json, print_pairs, print_table
from leadscout_assets.errors import BadInput
from leadscout_assets.processes import user
from leadscout_assets.settings import current_settings
from leadscout_assets.terms import TIME_ZONE

if TYPE_CHECKING:
    from leadscout_assets.home import Home

Map = Annotated[
    list[str] | None, typer.Option("--map", help='A column and its field, e.g. "Firma=EntityName"; may be repeated.')
]
"""The option of every command that reads a list."""

Sender = Annotated[
    str | None, typer.Option(help="Keep the --map for later lists with the same header, under this sender's name.")
]

mappings = typer.Typer(
    invoke_without_command=True, help="The columns that people named for a sender's lists.", rich_markup_mode=None
)


def plan(
    file: Annotated[Path, typer.Argument(help="Lead list, CSV or XLSX.")],
    sheet: Annotated[str | None, typer.Option(help="Worksheet to read; default LEADSCOUT_SHEET.")] = None,
    map_: Map = None,
    sender: Sender = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say what delivering a list would do: columns, leads, rejections, what is known already. Delivers nothing."""
    from leadscout_assets.delivery_plan import plan_delivery
    from leadscout_assets.home import Home
    from leadscout_assets.leads.column_maps import parse_map

    settings = current_settings()
    home = Home(settings.model_copy(update={"sheet": sheet}) if sheet else settings)
    named = parse_map(map_ or [])
    found = plan_delivery(home, file, now=datetime.now(UTC), named=named)
    if sender:
        keep(home, file, named, sender)
    if as_json:
        print_json(found.to_json())
        return
    known = (
        f"{found.unchanged:,} unchanged, {found.changed:,} changed{_listed(found.changed_fields)}, {found.new:,} new"
    )
    print_pairs(
        {
            "batch": f"{found.batch_id} (already delivered, {found.state})" if found.state else found.batch_id,
            "rows": found.rows,
            "leads": found.leads,
            "rejected": found.rejected,
            **{f"  {code}": f"{why.rows:,}, rows {_rows(why.rows, why.first)}" for code, why in found.reasons.items()},
            "warnings": _listed(found.warnings).strip(" ()") or "none",
            "known from other batches": known,
            "classification would cost": f"at most {found.classification_usd:.4f} USD"
            if found.classification_usd
            else "0.00 USD",
            "mapping of columns": found.mapping or "by their headers",
            "fields without a column": ", ".join(found.absent) or "none",
        }
    )
    print()
    rows = [
        {
            "column": column.header,
            "read_as": column.field or "(kept beside)",
            "filled": f"{column.filled:.1%}",
            "looks_like": "  ".join(column.looks_like) or "-",
        }
        for column in found.columns
    ]
    print_table(rows, ("column", "read_as", "filled", "looks_like"))


@mappings.callback()
def list_mappings(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List the columns that people named, by sender. `plan`, `deliver` and `run` take them by --map."""
    from leadscout_assets.database.column_mappings import all_mappings
    from leadscout_assets.home import Home

    if context.invoked_subcommand is not None:
        return
    saved = all_mappings(Home(current_settings()).database)
    found = [{**vars(one), "at": one.at.astimezone(TIME_ZONE).isoformat(timespec="seconds")} for one in saved]
    if as_json:
        print_json(found)
    elif found:
        shown = [{**row, "columns": _pairs(one.columns)} for row, one in zip(found, saved, strict=True)]
        print_table(shown, ("sender", "columns", "at", "actor"))
    else:
        print('no column was named yet; leadscout plan FILE --map "Firma=EntityName" --sender NAME keeps one')


@mappings.command()
def remove(sender: Annotated[str, typer.Argument(help="Sender, as `leadscout mappings` lists it.")]) -> None:
    """Forget what was named for a sender's lists; batches that were read with it stay as they are."""
    from leadscout_assets.database.column_mappings import remove_mapping
    from leadscout_assets.home import Home

    remove_mapping(Home(current_settings()).database, sender, actor=user())
    print("removed")


def keep(home: Home, file: Path, named: dict[str, str], sender: str) -> None:
    """Keep what was named for lists with the header of `file`. Raises `BadInput` where nothing was named."""
    from leadscout_assets.database.column_mappings import save_mapping
    from leadscout_assets.leads.reading import read_grid
    from leadscout_assets.pipeline import read_limits

    if not named:
        raise BadInput("--sender keeps what --map names: name at least one column")
    limits, sheet = read_limits(home.settings), home.settings.sheet
    digest = read_grid(file, limits=limits, sheet=sheet, maps=home.column_maps(named)).header.digest
    save_mapping(home.database, sender, digest, named, actor=user())


def _pairs(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{header}={field}" for header, field in columns.items())


def _rows(count: int, first: tuple[int, ...]) -> str:
    return ", ".join(map(str, first)) + (" ..." if count > len(first) else "")


def _listed(counts: Mapping[str, int]) -> str:
    pairs = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    return f" ({pairs})" if pairs else ""
