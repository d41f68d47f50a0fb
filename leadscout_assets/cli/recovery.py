"""`leadscout backup` and `leadscout restore`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from leadscout_assets.cli.background import Background, in_background
from leadscout_assets.cli.long_work import long_work
from leadscout_assets.cli.printing import print_json, print_pairs, print_table
from leadscout_assets.errors import BadInput
from leadscout_assets.settings import current_settings

INCOMPLETE = 1

COLUMNS = ("name", "kind", "version", "rows_backed_up", "rows", "equal")


def backup(
    to: Annotated[Path | None, typer.Option(help="Folder of the backups; default LEADSCOUT_BACKUP_DIR.")] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Read everything again, and write anew what is damaged in the folder.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    background: Background = False,
) -> int:
    """Back up the home, while the platform is up or not; only what is new is copied. Exits 1 where something is missing."""
    from leadscout_assets.recovery.backup import take_backup

    if background:
        in_background("backup")
        return 0
    # Nothing may make a home where there is none to back up.
    with long_work(current_settings(), "backup", unit="bytes", written=current_settings().home.is_dir()):
        taken = take_backup(current_settings(), to=to, full=full)
    lost = taken.lost.sentence
    if lost:
        print(lost, file=sys.stderr)
    if as_json:
        print_json(taken.to_json())
        return INCOMPLETE if lost else 0
    print_pairs(
        {
            "backup": taken.backup_id,
            "folder": taken.folder,
            "files": f"{taken.files:,}, {taken.size_bytes / 1e6:,.1f} MB",
            "of these new": f"{taken.new_files:,}, {taken.new_bytes / 1e6:,.1f} MB",
            "rows": f"{taken.rows:,} in {taken.tables} tables",
            "old ones removed": taken.removed_backups,
            "seconds": taken.seconds,
        }
    )
    return INCOMPLETE if lost else 0


def restore(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="Folder of the backups, or a copy of it.")],
    to: Annotated[Path, typer.Option(help="The home to restore to: empty, or not there yet.")],
    backup_id: Annotated[str | None, typer.Option("--backup", help="Which backup; default the newest.")] = None,
    decisions: Annotated[
        Path | None,
        typer.Option(help="A newer ledger of decisions about persons than the one beside the backups."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    background: Background = False,
) -> None:
    """Restore a home from a backup and prove it, table by table; nothing is there before all of it is proven."""
    from leadscout_assets.recovery.by_hand import restore_by_hand

    if not source.is_dir():
        raise BadInput("there is no such folder of backups; check the path")
    # What is restored to the home itself must find it empty: nothing is written there, nor read by `status`.
    elsewhere = to.resolve() != current_settings().home
    if background:
        if not elsewhere:
            raise BadInput(
                "in the background a home is restored to another folder than LEADSCOUT_HOME, where its log lies"
            )
        in_background("restore")
        return
    with long_work(current_settings(), "restore", unit="bytes", written=elsewhere):
        restored = restore_by_hand(
            current_settings(), source.resolve(), to.resolve(), backup_id, lambda folder: _hold(folder, decisions)
        )
    if as_json:
        print_json(restored.to_json())
        return
    print_table(
        [
            vars(one) | {"equal": "yes" if one.equal and one.rows is not None else "read only"}
            for one in restored.compared
        ],
        COLUMNS,
    )
    print(f"\nbackup {restored.backup_id} is restored in {restored.seconds:.1f} s: {restored.sentence}")


def _hold(folder: Path, decisions: Path | None) -> None:
    """Hold a restored home to what was decided about persons since: nothing of it is there before."""
    from datetime import UTC, datetime

    from leadscout_assets.forgetting.deciding import batches_holding
    from leadscout_assets.forgetting.forget import replay
    from leadscout_assets.forgetting.rekeying import rekey_restored
    from leadscout_assets.forgetting.restored import settings_of
    from leadscout_assets.governance.ledger import Ledger, ledger_of
    from leadscout_assets.home import Home

    if decisions is not None:
        if not decisions.is_file():
            raise BadInput("--decisions names no file")
        ledger_of(folder).merge(Ledger(decisions))
    home = Home(settings_of(current_settings(), folder))
    if renamed := rekey_restored(home):
        print(f"leads of {renamed} batches have their ids under the newest key now", file=sys.stderr)
    if not home.has_decisions:
        home.database.close()
        return
    replay(home, now=datetime.now(UTC), say=lambda sentence: print(sentence, file=sys.stderr))
    if batches := batches_holding(home):
        print(
            f"leads of {len(batches)} batches are on a suppression list by now; to take them out: "
            f"leadscout backfill {' '.join(batches)}",
            file=sys.stderr,
        )
    home.database.close()
