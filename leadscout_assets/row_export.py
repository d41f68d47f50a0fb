"""The leads of one batch as a file to take away: what `leadscout export` does."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from leadscout_assets import contracts
from leadscout_assets.digests import sha256_of
from leadscout_assets.errors import BadInput
from leadscout_assets.home import Home
from leadscout_assets.progress import current
from leadscout_assets.reports.sheets import Sheet, watched


class Written(NamedTuple):
    """How many leads were written, and how many were left out because they are on a suppression list by now."""

    leads: int
    suppressed: int


def export_rows(home: Home, batch: str, out: Path, *, with_origin: bool, purpose: str | None, actor: str) -> Written:
    """Write the leads of a batch to `out`, a workbook or a CSV by its suffix, and return how many there are.

    Who is on a suppression list by now is left out, although the batch was run before. Ranks stay those of the report.
    With `with_origin`, for a `purpose`, the likely origins of the directors' names stand beside them. Recorded in the
    audit trail before the file is there. Raises `UnknownBatch`, and `BadInput` where there is nothing to write, no
    place to write it, or no purpose for the origins.
    """
    from leadscout_assets.database.audit import record_event
    from leadscout_assets.reports.lead_rows import caution_sheet, lead_rows
    from leadscout_assets.scoring import LEAD_SCORES

    write = _WRITERS.get(out.suffix.lower())
    if write is None:
        raise BadInput(f"--out: name a file that ends in one of {', '.join(_WRITERS)}")
    if with_origin and not purpose:
        raise BadInput("no purpose: origins are written for one only, named with --purpose")
    home.records.get(batch)
    check_no_list(home, out)
    progress = current()
    progress.item(batch)
    progress.stage("tables")
    leads, scores = (home.tables.read(contract, [batch]) for contract in (contracts.LEADS, LEAD_SCORES))
    if not scores.num_rows:
        raise BadInput(f"batch {batch} has no leads to write; leadscout show {batch} says what became of it")
    every, on_lists = leads.num_rows, pa.array(sorted(home.leads_on_lists(batch)), pa.string())
    leads, scores = (frame.filter(pc.invert(pc.is_in(frame["lead_id"], on_lists))) for frame in (leads, scores))
    answers = home.tables.read(contracts.CLASSIFICATIONS, [batch]) if with_origin else None
    _check_place(out)
    progress.expect(leads.num_rows, "rows")
    progress.stage("file", 1.0)
    record_event(
        home.database,
        actor=actor,
        action="leads.exported",
        subject=batch,
        reason=purpose,
        detail={
            "row_level": with_origin,
            "leads": leads.num_rows,
            "suppressed": every - leads.num_rows,
            "format": out.suffix.lower().strip("."),
            "reveal_religion": home.settings.reveal_religion,
        },
    )
    sheet = lead_rows(leads, scores, answers, reveal_religion=home.settings.reveal_religion)
    sheet = watched(sheet, progress.tell)
    pages = [sheet] if purpose is None or not with_origin else [caution_sheet(batch, purpose), sheet]
    _at_once(out, lambda path: write(path, pages))
    return Written(leads.num_rows, every - leads.num_rows)


def check_no_list(home: Home, out: Path) -> None:
    """Raise `BadInput` where a delivered list lies at `out`, told by its content: writing there would be its end."""
    if out.is_file() and home.records.by_sha256(sha256_of(out)) is not None:
        raise BadInput("--out is a list that was delivered, which would be overwritten: name another file")


def _write_workbook(path: Path, pages: list[Sheet]) -> None:
    from xlsxwriter.exceptions import FileCreateError

    from leadscout_assets.reports.xlsx import write_rows

    try:
        write_rows(path, pages)
    except FileCreateError as wrapped:
        raise wrapped.args[0] from None  # the fault of the disk, as an OSError again


def _write_csv(path: Path, pages: list[Sheet]) -> None:
    from leadscout_assets.reports.csv import write_csv

    # A CSV has one sheet; what one must know of origins stands in the documents, and in the audit trail why it was made.
    write_csv(path, pages[-1], guarded=True)


_WRITERS: Mapping[str, Callable[[Path, list[Sheet]], None]] = {".xlsx": _write_workbook, ".csv": _write_csv}


def _check_place(out: Path) -> None:
    folder = out.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if out.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise BadInput("--out cannot be written: name a file in a folder that can be")


def _at_once(out: Path, write: Callable[[Path], None]) -> None:
    """Write beside the place and move there, so that half a file never stands under its name; for this user alone."""
    temporary = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch(mode=0o600)
        write(temporary)
        temporary.replace(out)
    except OSError as error:
        raise BadInput(f"--out cannot be written ({error.strerror}): name a file in a folder that can be") from None
    finally:
        with suppress(OSError):
            temporary.unlink()
