"""`leadscout run`: the whole chain on one file, without Dagster."""

from __future__ import annotations

import hashlib
import shlex
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leadscout_assets.cli.background import Background, in_background
from leadscout_assets.cli.long_work import long_work
from leadscout_assets.cli.plan import Map
from leadscout_assets.cli.printing import print_json, print_pairs
from leadscout_assets.errors import BadInput
from leadscout_assets.settings import current_settings
from leadscout_assets.terms import TIME_ZONE

if TYPE_CHECKING:
    from leadscout_assets.checks import Check
    from leadscout_assets.governance.gate import Grants
    from leadscout_assets.home import Home
    from leadscout_assets.single_run import ChainResult


def run(
    file: Annotated[Path, typer.Argument(help="Lead list, CSV or XLSX.")],
    out: Annotated[Path, typer.Option(help="Folder that the report is written to.")],
    delivered: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day of delivery; default today.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted run: what it has finished is not done again.")
    ] = False,
    map_: Map = None,
    background: Background = False,
) -> int:
    """Turn one lead list into a report, without Dagster. Exits 1 where a check fails that is more than a warning."""
    from leadscout_assets.leads.column_maps import parse_map

    if resume and delivered:
        raise BadInput("a run that is gone on with has its day of delivery already: leave out --delivered")
    if background:
        if not file.is_file():
            raise BadInput("there is no such file; check the path")
        parse_map(map_ or [])  # what is wrong with it is said here, where somebody reads it
        in_background("run")
        return 0
    at = delivered.replace(tzinfo=TIME_ZONE) if delivered else datetime.now(TIME_ZONE)
    result = _run(file, out, at, map_ or [], resume=resume)
    if as_json:
        print_json(result.to_json())
        for check, verdict in result.failing:
            print(f"{_shown(check)}: {verdict.sentence}", file=sys.stderr)
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
                **{_shown(check): verdict.sentence for check, verdict in result.failing},
            }
        )
    return 1 if any(not check.warns for check, _ in result.failing) else 0


def _run(file: Path, out: Path, at: datetime, named: Sequence[str], *, resume: bool) -> ChainResult:
    from leadscout_assets.leads.column_maps import parse_map
    from leadscout_assets.resumable import forget, note

    settings, finished = current_settings(), list[str]()
    key = hashlib.sha256(f"{file.resolve()}\0{out.resolve()}".encode(errors="surrogateescape")).hexdigest()[:16]
    # Only what has no default, so that going on decides everything else as the run itself did.
    again = ["run", str(file), "--out", str(out), *(part for pair in named for part in ("--map", pair)), "--resume"]
    columns = parse_map(named)

    def keep(folder: Path, steps: Sequence[str]) -> None:
        finished[:] = steps
        note(settings, key, "run", again, finished=steps, kept=folder)

    try:
        with long_work(settings, "run"):
            from leadscout_assets.forgetting.forget import check_nothing_pending
            from leadscout_assets.home import Home
            from leadscout_assets.reviewing import confirmed
            from leadscout_assets.single_run import run_file

            home = Home(settings)
            lead_id_key = home.lead_id_key
            check_nothing_pending(home)
            _record_start(home, file, resume=resume)
            listed = home.has_decisions
            result = run_file(
                file,
                out,
                settings,
                lead_id_key=lead_id_key,
                delivered_at=at,
                confirmed=confirmed(home),
                resume=resume,
                on_kept=keep,
                on_granted=lambda grants: _record_purpose(home, grants),
                maps=home.column_maps(columns),
                **({"without_erased": home.without_erased, "suppressed": home.suppressed} if listed else {}),
            )
    except KeyboardInterrupt:
        kept = f"finished and kept: {', '.join(finished)}" if finished else "no step was finished"
        on = f"; go on with: {shlex.join(['leadscout', *again])}" if finished else ""
        print(f"leadscout: stopped; {kept}{on}", file=sys.stderr)
        raise
    forget(settings, key)
    if result.grant.sentence:
        print(f"leadscout: no name was classified: {result.grant.sentence}", file=sys.stderr)
    if result.resumed:
        print(f"leadscout: not done again: {', '.join(result.resumed)}", file=sys.stderr)
    return result


def _record_start(home: Home, file: Path, *, resume: bool) -> None:
    from leadscout_assets.batch_purposes import require_registered
    from leadscout_assets.database.audit import record_event
    from leadscout_assets.digests import sha256_of
    from leadscout_assets.governance.gate import asked_for
    from leadscout_assets.governance.widening import note_widening

    if not file.is_file():
        return  # which the run says itself
    require_registered(home, "run")
    note_widening(home.database, home.settings)
    detail = {"command": "run", "sha256": sha256_of(file), "resumed": resume}
    record_event(home.database, action="run.started", reason=asked_for(home.settings), detail=detail)


def _record_purpose(home: Home, grants: Grants) -> None:
    from leadscout_assets.batch_purposes import tell_asked, weigh_origins

    by = {"command": "run"}
    tell_asked(home, grants, by=by, actor=None)
    weigh_origins(home, grants, by=by, actor=None, now=datetime.now(TIME_ZONE))


def _shown(check: Check) -> str:
    # As in the UI, where a check that only warns is amber: only what is red makes the exit code 1.
    return f"{'warning' if check.warns else 'failing'}: {check.asset}.{check.name}"


def _with_reasons(rejected: int, reasons: dict[str, int]) -> str:
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{code} {count}" for code, count in ordered)
    return f"{rejected} ({named})" if named else str(rejected)
