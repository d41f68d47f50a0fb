"""`leadscout forget`: a person found everywhere, taken out, proven gone."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leadscout_assets.cli.background import Background, in_background
from leadscout_assets.cli.long_work import long_work
from leadscout_assets.cli.printing import print_json, print_pairs
from leadscout_assets.errors import BadInput
from leadscout_assets.settings import current_settings

if TYPE_CHECKING:
    from leadscout_assets.forgetting.forget import Forgotten, Places
    from leadscout_assets.forgetting.proving import Proof
    from leadscout_assets.home import Home

NOT_GONE = 1


def forget(
    person: Annotated[
        Path | None, typer.Option(help="File with lines such as `name: ...`, `cell: ...`, `email: ...`, `lead: ...`.")
    ] = None,
    lead: Annotated[list[str] | None, typer.Option(help="Lead id, as reports and `leadscout show` have it.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is found where, and change nothing.")] = False,
    renew_backups: Annotated[
        bool, typer.Option("--renew-backups", help="Then take a new backup and remove all earlier ones.")
    ] = False,
    replay: Annotated[
        bool, typer.Option("--replay", help="Only finish the erasures that are not done in this home.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    background: Background = False,
) -> int:
    """Forget a person: every batch, table, file and report; the proof is a search of every byte. Exits 1 where something is left."""
    from leadscout_assets.forgetting import forget as forgetting
    from leadscout_assets.forgetting.request import read_request, request_of
    from leadscout_assets.home import Home
    from leadscout_assets.supervisor.lock import hold_home

    settings, now = current_settings(), datetime.now(UTC)
    if replay == bool(person or lead):
        raise BadInput("name the person: --person FILE or --lead ID; or --replay alone")
    request = None if replay else read_request(person) if person else request_of(leads=lead)
    if request is not None and person and lead:
        raise BadInput("write the lead id into the file, as a line `lead: ...`")
    if background:
        in_background("forget")
        return 0
    # A run that has read its rows already would write the person back.
    with hold_home(settings.home), long_work(settings, "forget", unit="batches"):
        home = Home(settings)
        if request is None:
            done = forgetting.replay(home, now=now, say=lambda sentence: print(sentence, file=sys.stderr))
            print_json({"erasures": done}) if as_json else print(f"{done} erasures were done anew")
            return NOT_GONE if forgetting.apply_ledger(home) else 0
        found = forgetting.forget(home, request, now=now, dry_run=dry_run)
        renew = renew_backups and found.proof is not None and found.proof.gone
        renewed = _renew(home) if renew else None
    if as_json:
        print_json(_plain(found) | ({"backup": renewed} if renewed else {}))
    else:
        _tell(found, renewed)
    not_gone = found.proof is not None and not found.proof.gone
    return NOT_GONE if not_gone or renew != (renewed is not None) else 0


def _renew(home: Home) -> str | None:
    """Take a backup and remove every earlier one; return its id, None where they are kept since the new one is not whole."""
    from leadscout_assets.recovery.backup import take_backup
    from leadscout_assets.recovery.repository import Repository

    taken = take_backup(home.settings)
    if taken.lost.sentence:
        print(f"the earlier backups are not removed: {taken.lost.sentence}", file=sys.stderr)
        return None
    repository = Repository(home.settings.backups_dir)
    with repository.exclusive():
        repository.prune(1)
    return taken.backup_id


def _plain(found: Forgotten) -> dict[str, object]:
    from leadscout_assets.forgetting.proving import NOT_REACHED

    proof = vars(found.proof) | {"gone": found.proof.gone} if found.proof else None
    return {
        "erasure": found.id,
        "found": found.places.to_json(),
        "changed": dict(found.changed),
        "proof": proof,
        "not_reached": list(NOT_REACHED),
    }


def _tell(found: Forgotten, renewed: str | None) -> None:
    from leadscout_assets.forgetting.proving import NOT_REACHED

    print_pairs(_where(found.places))
    if found.proof is None:
        print("nothing was changed: --dry-run")
        return
    print()
    changed = {f"gone: {kind}": count for kind, count in found.changed.items() if count}
    print_pairs({"erasure": found.id, **changed, **_proven(found.proof)})
    if renewed:
        print(f"backup {renewed} was taken and all earlier ones removed")
    print(f"not reached, to be deleted by hand: {'; '.join(NOT_REACHED)}")
    for place, hits in found.proof.left.items():
        print(f"left: {hits} times in {place}", file=sys.stderr)


def _where(places: Places) -> dict[str, object]:
    rows = {f"batch {batch}": f"rows {', '.join(map(str, rows))}" for batch, rows in places.rows.items()}
    kept = {
        f"kept in {batch}": f"rows {', '.join(map(str, rows))} share a number or an e-mail, but name others"
        for batch, rows in places.kept_rows.items()
    }
    tables = {f"table {name}": count for name, count in places.tables.items()}
    files = {f"files in {folder}": count for folder, count in places.files.items()}
    if places.backups:
        files["backups that hold it"] = len(places.backups)
    if not rows:
        return {"rows": "none", **files, **kept}
    return {**rows, "leads": ", ".join(places.leads) or "-", **tables, **files, **kept}


def _proven(proof: Proof) -> dict[str, object]:
    return {
        "files searched": proof.files,
        "values searched for": proof.values,
        "hits left": sum(proof.left.values()),
        "hits in rows of others": f"{proof.hits_of_others} of values that {proof.rows_of_others} rows of others hold, too",
        "backups that hold it": f"{len(proof.backups)}; every restore does the erasure again"
        if proof.backups
        else "none",
    }
