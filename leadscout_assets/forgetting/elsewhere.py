"""What may hold a person outside batches: inbox files and their copies, logs, notes, exports. Each kind has its way to be rid of it."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import closing
from functools import partial
from pathlib import Path

import pyarrow as pa

from leadscout_assets import pipeline
from leadscout_assets.contracts import RAW_LEADS
from leadscout_assets.digests import sha256_of
from leadscout_assets.errors import AlreadyRunning, EdgeFailed, UnreadableFile
from leadscout_assets.folders import below
from leadscout_assets.forgetting.finding import named_in
from leadscout_assets.governance.matching import Matcher
from leadscout_assets.governance.searching import Needles
from leadscout_assets.home import Home
from leadscout_assets.leads.reading import read_lead_list
from leadscout_assets.leads.rewriting import BATCH, rewrite
from leadscout_assets.recovery import sqlite
from leadscout_assets.resumable import kept_runs

LINES = (".log", ".jsonl", ".csv", ".tsv", ".txt")
"""Text in which a line stands by itself: those that hold a value are dropped, the others stay."""

DATA = ("deliveries", "tables", "keys", "governance")
"""Folders of the home that have their own way, or none of anybody's values."""


def inbox_files(home: Home) -> Iterator[Path]:
    """Yield every file below the inbox, waiting or taken."""
    yield from _files_below(home.settings.inbox_dir)


def clean_inbox(
    home: Home, matcher: Matcher, rows: Mapping[str, set[int]], needles: Needles, names: AbstractSet[str]
) -> int:
    """Rewrite each inbox file without the rows of those whom `matcher` finds; return how many files were changed.

    A copy of a delivery is cleaned like it, by the rows known of its batch. A file that cannot be read is removed where
    it holds a value, and one that is called after the person (`names`) gets another name.
    """
    changed, limits, sheet = 0, pipeline.read_limits(home.settings), home.settings.sheet
    maps = home.column_maps()
    for path in inbox_files(home):
        known = home.records.by_sha256(sha256_of(path))
        try:
            if known:
                wanted = set(rows.get(known.batch_id, ()))
            else:
                raw = read_lead_list(path, batch_id=BATCH, limits=limits, sheet=sheet, maps=maps)
                wanted = set(raw.filter(matcher.mask(raw))["source_row"].to_pylist())
            if wanted:
                _in_place(path, partial(rewrite, path, rows=wanted, limits=limits, sheet=sheet, maps=maps))
                changed += 1
        except UnreadableFile:
            pass
        if needles.in_content(path):
            changed += 1
            path.unlink()
        elif needles.in_name(path.name) or named_in(path.name, names):
            changed += 1
            # Of the content, so that no two get the same name.
            path.replace(path.with_name(f"list-{sha256_of(path)[:12]}{path.suffix}"))
    return changed


def check_no_run(home: Home) -> None:
    """Raise `AlreadyRunning` while a `leadscout run` is under way: it holds no home, and may have read the person already."""
    for run in kept_runs(home.settings):
        if run.pid is not None:
            raise AlreadyRunning(f"a `leadscout run` is under way, as process {run.pid}; wait for its end and repeat")


def clean_kept_runs(home: Home, matcher: Matcher, needles: Needles, names: AbstractSet[str]) -> int:
    """Remove what interrupted runs outside Dagster keep, wherever that is, if the person is in it; return how many were those.

    They can be done again from their file; whether that still names the person is up to whoever has it.
    """
    changed = 0
    for run in kept_runs(home.settings):
        if run.pid is not None or not (
            needles.count(run.arguments.encode(errors="surrogateescape"))
            or named_in(run.arguments, names)
            or any(_kept_rows_of(matcher, path) or needles.in_file(path) for path in _files_below(run.folder))
        ):
            continue
        try:
            run.remove()
        except OSError as error:
            raise EdgeFailed(
                f"what an interrupted run keeps could not be removed: {error.strerror}; mend that and repeat"
            ) from None
        changed += 1
    return changed


def _files_below(folder: Path) -> Iterator[Path]:
    yield from (path for path in below(folder) if path.is_file())


def _kept_rows_of(matcher: Matcher, path: Path) -> bool:
    if not path.name.startswith(f"{RAW_LEADS.name}-"):
        return False
    try:
        with pa.OSFile(str(path)) as source:
            return bool(matcher.mask(pa.ipc.open_file(source).read_all()).any())
    except (pa.ArrowException, OSError, KeyError):
        return False  # cut by a kill, or of another version: its bytes are searched


def clean_others(home: Home, needles: Needles) -> int:
    """Take the values out of logs, notes and exports below the home; return how many files were changed or removed."""
    if not needles.values:
        return 0
    settings, changed = home.settings, 0
    apart = {settings.home / name for name in DATA} | {settings.backups_dir, settings.inbox_dir}
    for root in dict.fromkeys((settings.home, settings.logs_dir)):
        for path in (found.resolve() for found in below(root, apart_from=apart) if found.is_file()):
            if sqlite.is_database(path) or sqlite.is_beside(path) or not needles.in_file(path):
                continue
            changed += 1
            if needles.in_name(path.name) or not path.name.removesuffix(".gz").endswith(LINES):
                path.unlink()
            else:
                _drop_lines(path, needles)
    return changed


def compact_databases(home: Home, needles: Needles) -> None:
    """Have SQLite databases below the home written anew, so that nothing deleted is left in free pages or logs.

    The application's always, Dagster's where a value is found in one: that may take long, and by design none is there.
    A PostgreSQL database holds keyed hashes, ids and codes alone, and is left to its own cleaning.
    """
    home.database.close()
    for path in below(home.settings.home, apart_from=(home.settings.backups_dir,)):
        if not sqlite.is_database(path) or not path.is_file():
            continue
        beside = [path, *(path.with_name(path.name + ending) for ending in sqlite.BESIDE)]
        if home.settings.dagster_dir in path.parents and not any(map(needles.in_content, beside)):
            continue
        try:
            with closing(sqlite3.connect(path, timeout=sqlite.BUSY_SECONDS, isolation_level=None)) as database:
                database.execute("PRAGMA secure_delete=ON")
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                database.execute("VACUUM")
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorname", type(error).__name__)
            raise EdgeFailed(
                f"database {path.name} cannot be compacted ({code}); stop who uses it and repeat"
            ) from None


def _drop_lines(path: Path, needles: Needles) -> None:
    packed = path.name.endswith(".gz")
    content = gzip.decompress(path.read_bytes()) if packed else path.read_bytes()
    kept = b"".join(line for line in content.splitlines(keepends=True) if not needles.count(line))
    _in_place(path, lambda new: new.write_bytes(gzip.compress(kept) if packed else kept))


def _in_place(path: Path, write: Callable[[Path], object]) -> None:
    beside = path.with_name(f".{path.name}.erasing")
    try:
        write(beside)
        beside.chmod(path.stat().st_mode)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
