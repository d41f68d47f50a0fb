"""`leadscout run`: the whole chain on one file, without Dagster."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from leadscout_assets.cli.printing import print_json, print_pairs
from leadscout_assets.settings import current_settings
from leadscout_assets.terms import TIME_ZONE


def run(
    file: Annotated[Path, typer.Argument(help="Lead list, CSV or XLSX.")],
    out: Annotated[Path, typer.Option(help="Folder that the report is written to.")],
    delivered: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day of delivery; default today.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Turn one lead list into a report, without Dagster. Exits 1 where a check fails that is more than a warning."""
    from leadscout_assets.home import Home
    from leadscout_assets.single_run import run_file

    settings = current_settings()
    at = delivered.replace(tzinfo=TIME_ZONE) if delivered else datetime.now(TIME_ZONE)
    result = run_file(file, out, settings, lead_id_key=Home(settings).lead_id_key, delivered_at=at)
    if as_json:
        print_json(result.to_json())
        for check, verdict in result.failing:
            print(f"failing: {check.asset}.{check.name}: {verdict.sentence}", file=sys.stderr)
    else:
        facts, reports = result.facts, result.reports
        print_pairs(
            {
                "batch": result.delivery.batch_id,
                "rows delivered": facts.delivered,
                "leads": facts.leads,
                "rejected": _with_reasons(facts.rejected, dict(facts.reasons)),
                "answered": facts.answered,
                "narrowed": facts.narrowed,
                "abstained": facts.abstained,
                "seconds": result.seconds["total"],
                **{f"report ({kind})": path for kind, path in reports.items()},
                **{f"failing: {check.asset}.{check.name}": verdict.sentence for check, verdict in result.failing},
            }
        )
    return 1 if any(not check.warns for check, _ in result.failing) else 0


def _with_reasons(rejected: int, reasons: dict[str, int]) -> str:
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{code} {count}" for code, count in ordered)
    return f"{rejected} ({named})" if named else str(rejected)
