"""What a home has lost, told by what is left of it: rows and delivered files need the records and the key they came with.

Looks only. Without it a home without its database would be a fresh one, and its backup would be proven like any other.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from leadscout_assets.errors import LostData
from leadscout_assets.governance.keys import LEAD_ID, key_file
from leadscout_assets.governance.ledger import ERASURE, ledger_of
from leadscout_assets.recovery.table_versions import LOG, LOG_FILE
from leadscout_assets.settings import Settings

if TYPE_CHECKING:
    from leadscout_assets.database.engine import Database

TABLES = ("raw_leads", "leads", "rejected_leads", "classifications", "lead_scores", "lead_reports")
"""Each run over batches leaves a version of every one, if only without rows. Named here: their contracts import Arrow."""

WITH_LEAD_IDS = ("leads", "rejected_leads")
"""The step that makes these has read, or made, the key of the lead ids before."""

UNDOS = "0006"
"""The revision of the schema since which a batch can be undone."""

MANIFEST = re.compile(r"[0-9a-f]{64}\.json")

SETTLED_SECONDS = 60.0
"""A delivered file has its record a moment after its manifest: before that, the first delivery of all may be under way."""

NAMED = 20
"""Batches that a sentence names."""

RESTORE = "restore the home from its newest backup (leadscout restore), or mount again what lay there"


@dataclass(frozen=True)
class Record:
    """What the application database says of a delivery that counts. `unread`: no reader could make rows of its file."""

    batch_id: str
    sha256: str
    reported: bool
    unread: bool


@dataclass(frozen=True)
class Losses:
    """What the delivery records promise and the home does not have: delivered files, by batch, and tables."""

    batches: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()

    @property
    def sentence(self) -> str | None:
        """What is missing and what to do; None where nothing is."""
        said = []
        if self.batches:
            more = len(self.batches) - NAMED
            named = ", ".join(self.batches[:NAMED]) + (f" and {more} more" if more > 0 else "")
            said.append(f"the delivered files of {len(self.batches)} batches are missing: {named}")
        if self.tables:
            said.append(f"the tables {', '.join(self.tables)} are missing, although batches were reported")
        if not said:
            return None
        return (
            f"{'; '.join(said)}. Everything else was backed up, and older backups are kept: restore what is missing from "
            "one of them, or deliver those files again"
        )


def check_whole(settings: Settings) -> None:
    """Raise `LostData` where the home has rows or delivered files, but not the database or the key that belong to them.

    Raises `EdgeFailed` where the database does not answer.
    """
    lacking = []
    if (why := _without_records(settings)) and _has_data(settings):
        lacking.append(why)
    if not key_file(settings.keys_dir, LEAD_ID).exists() and any(_versions(settings, WITH_LEAD_IDS)):
        lacking.append("the key of the lead ids is missing (keys/lead-id.key)")
    if lacking:
        raise LostData(f"{' and '.join(lacking)}, although the home has tables or delivered files: {RESTORE}")


def records(settings: Settings) -> list[Record]:
    """Return the deliveries on record that count, the first recorded first. Raises `EdgeFailed`."""
    import sqlalchemy as sa

    from leadscout_assets.database.engine import current_revision
    from leadscout_assets.database.models import deliveries, refusals

    with _opened(settings) as database:
        if database is None or (revision := current_revision(database)) is None:
            return []
        refused = sa.exists().where(refusals.c.batch_id == deliveries.c.batch_id)
        found = sa.select(
            deliveries.c.batch_id,
            deliveries.c.sha256,
            deliveries.c.reported_at.is_not(None),
            sa.or_(deliveries.c.rows_counted.is_(None), refused),
        ).order_by(deliveries.c.number)
        # A backup is also taken before an older schema is upgraded.
        if revision >= UNDOS:
            found = found.where(deliveries.c.undone_at.is_(None))
        with database.read() as connection:
            return [Record(*row) for row in connection.execute(found)]


def losses(settings: Settings, known: Iterable[Record], taken: Collection[str]) -> Losses:
    """Hold what a backup has taken, paths below the home, against the records from before it began."""
    known = list(known)
    missing = [one for one in known if f"deliveries/{one.sha256[:2]}/{one.sha256}" not in taken]
    if missing and any(decision.kind == ERASURE for decision in ledger_of(settings.home).read()):
        # An erasure removes a file in which no row can be told.
        missing = [one for one in missing if not one.unread]
    there = {name for name in TABLES if any(path.startswith(f"tables/{name}/") for path in taken)}
    tables = [name for name in TABLES if name not in there] if any(one.reported for one in known) else []
    return Losses(tuple(one.batch_id for one in missing), tuple(tables))


@contextmanager
def _opened(settings: Settings) -> Iterator[Database | None]:
    """Give the application database; None where it is a file that is not there or empty, and would be made by opening it."""
    from leadscout_assets.database.engine import database_of

    database = database_of(settings)
    try:
        file = Path(str(database.url.database))
        yield None if database.is_sqlite and not (file.exists() and file.stat().st_size) else database
    finally:
        database.close()


def _without_records(settings: Settings) -> str | None:
    """Return what is wrong with an application database that knows of no delivery, None for one that does."""
    import sqlalchemy as sa

    from leadscout_assets.database.engine import current_revision
    from leadscout_assets.database.models import deliveries

    with _opened(settings) as database:
        if database is None:
            return "the application database is missing or empty"
        if current_revision(database) is not None:
            with database.read() as connection:
                if connection.execute(sa.select(deliveries.c.number).limit(1)).first():
                    return None
        return "the application database has no delivery on record"


def _has_data(settings: Settings) -> bool:
    return any(_versions(settings, TABLES)) or any(_delivered(settings.deliveries_dir))


def _versions(settings: Settings, names: Collection[str]) -> Iterator[Path]:
    """Give the commits of some tables."""
    for name in names:
        yield from (path for path in (settings.tables_dir / name / LOG).glob("*") if LOG_FILE.fullmatch(path.name))


def _delivered(root: Path) -> Iterator[Path]:
    """Give the manifests of delivered files whose records must be there by now."""
    for path in root.glob("??/*.json"):
        # Also what is dated ahead of a clock that was set back.
        if MANIFEST.fullmatch(path.name) and abs(time.time() - path.stat().st_mtime) > SETTLED_SECONDS:
            yield path
