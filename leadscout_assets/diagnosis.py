"""Looks over an installation: each finding says what was looked at, what was found and how to mend it. Changes nothing."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from leadscout_assets.errors import LeadScoutError, LostData
from leadscout_assets.governance.purposes import read_register, registered
from leadscout_assets.health import HEARTBEAT_SECONDS
from leadscout_assets.settings import Settings
from leadscout_assets.terms import TIME_ZONE

if TYPE_CHECKING:
    from leadscout_assets.contracts import Contract

PACKAGES = ("dagster", "dagster-webserver", "deltalake", "pandas", "pyarrow", "typst")
"""Packages without which a part of the platform is missing altogether."""

NAMED = 5
"""Batches named in a finding; `leadscout batches` lists the rest."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    what: str
    ok: bool
    found: str
    fix: str = ""

    def to_json(self) -> dict[str, object]:
        """Return the finding as plain values."""
        return asdict(self)


def diagnose(settings: Settings) -> list[Finding]:
    """Return a finding for everything that the platform needs."""
    return [*(look(settings) for look in LOOKS), *_language_models(settings), _platform(settings)]


def _python(_: Settings) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    supported = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Finding("python", supported, version, "use Python 3.11, 3.12 or 3.13: make PYTHON=python3.12 up")


def _packages(_: Settings) -> Finding:
    def version(name: str) -> str | None:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            return None

    found = {name: version(name) for name in PACKAGES}
    missing = [name for name, there in found.items() if there is None]
    return Finding(
        "packages",
        not missing,
        f"missing: {', '.join(missing)}" if missing else ", ".join(f"{n} {v}" for n, v in found.items()),
        "install from the lock: make setup",
    )


def _home(settings: Settings) -> Finding:
    folder = settings.home
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    writable = folder.is_dir() and os.access(folder, os.W_OK)
    what = f"{'writable' if writable else 'not writable'}, {free / 1e9:.1f} GB free"
    return Finding(
        "home",
        writable and free >= settings.min_free_bytes,
        what,
        "set LEADSCOUT_HOME to a writable folder with more room",
    )


def _settings(_: Settings) -> Finding:
    # What is misspelt is not read: the platform does without it, and nobody is told.
    from leadscout_assets.settings import misspelt

    found = misspelt()
    return Finding(
        "settings",
        not found,
        f"no setting: {', '.join(found)}" if found else "every one is known",
        f"perhaps meant: {', '.join(found.values())}; docs/configuration.md has them all",
    )


def _database(settings: Settings) -> Finding:
    from leadscout_assets.database.deliveries import Deliveries
    from leadscout_assets.database.engine import HEAD, current_revision, database_of
    from leadscout_assets.recovery.losses import check_whole

    what = "application database"
    try:
        check_whole(settings)
        database = database_of(settings)
        if not database.is_there:
            return Finding(what, True, "none yet: it is made at the first delivery")
        if current_revision(database) != HEAD:
            return Finding(what, True, "of another version: it is upgraded at the next start")
        count = len(Deliveries(database).all())
    except LostData as error:
        return Finding(what, False, "something is lost", str(error))
    except LeadScoutError as error:
        return Finding(what, False, "cannot be opened", str(error))
    return Finding(what, True, f"{count} deliveries")


def _has_records(settings: Settings) -> bool:
    from leadscout_assets.database.engine import HEAD, current_revision, database_of

    database = database_of(settings)
    return database.is_there and current_revision(database) == HEAD


def _inbox(settings: Settings) -> Finding:
    there = settings.inbox_dir.is_dir()
    return Finding("inbox", there, "there" if there else "not there", "`leadscout up` makes it, or set LEADSCOUT_INBOX")


def _purpose(settings: Settings) -> Finding:
    what = "classification purpose"
    try:
        asked = (settings.classification_purpose or "").strip()
        entry = registered(read_register(settings.purposes), asked) if asked else None
    except LeadScoutError as error:
        return Finding(what, False, "refused", str(error))
    if entry is None:
        return Finding(what, True, "none recorded: names are not classified, by design")
    expired = entry.expired(datetime.now(TIME_ZONE).date())
    return Finding(
        what,
        not expired,
        f"{entry.id}, valid until {entry.valid_until}",
        "its last day is over: have whoever is responsible decide anew, and register that",
    )


def _tables(settings: Settings) -> Finding:
    from leadscout_assets.lead_tables import KNOWN_TABLES, LEAD_TABLES

    there = [contract for contract in (*LEAD_TABLES, *KNOWN_TABLES) if (settings.tables_dir / contract.name).exists()]
    faults = {contract.name: fault for contract in there if (fault := _table_fault(settings.tables_dir, contract))}
    return Finding(
        "tables",
        not faults,
        "; ".join(f"{name} {fault}" for name, fault in faults.items()) or f"{len(there)} open",
        "check the disk and the permissions of LEADSCOUT_HOME/tables; else move a damaged table's folder away and "
        "make it anew: leadscout backfill --all",
    )


def _table_fault(root: Path, contract: Contract) -> str | None:
    import pyarrow.fs
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    path = root / contract.name
    local = pyarrow.fs.SubTreeFileSystem(str(path), pyarrow.fs.LocalFileSystem())
    try:
        # A writer that was killed before its first commit leaves a folder without a table, and without rows.
        if not DeltaTable.is_deltatable(str(path)):
            return "has rows but no log" if any(path.rglob("*.parquet")) else None
        table = DeltaTable(path)
        files = table.to_pyarrow_dataset(filesystem=local).files
    except (DeltaError, OSError, ValueError):
        # Their messages may quote rows.
        return "cannot be opened"
    if not set(contract.schema.names) <= {field.name for field in table.schema().fields}:
        return "lacks columns of this version"
    missing = sum(not os.access(path / file, os.R_OK) for file in files)
    return f"lacks {missing} of its {len(files)} files" if missing else None


def _given_up(settings: Settings) -> Finding:
    from leadscout_assets.arrivals import MAX_ATTEMPTS
    from leadscout_assets.batch_overview import overview
    from leadscout_assets.home import Home

    what = "deliveries"
    try:
        if not _has_records(settings):
            return Finding(what, True, "none yet")
        states = {summary.batch_id: summary.state for summary in overview(Home(settings))}
    except LeadScoutError as error:
        return Finding(what, False, "cannot be looked through", str(error))
    failed = [batch for batch, state in states.items() if state == "failed"]
    named = ", ".join(failed[-NAMED:]) + (", ..." if len(failed) > NAMED else "")
    return Finding(
        what,
        not failed,
        f"{len(failed)} without a report after {MAX_ATTEMPTS} runs: {named}"
        if failed
        else f"{len(states)}, none given up",
        "look at their runs in the UI, mend the cause, then: leadscout backfill BATCH",
    )


def _backups(settings: Settings) -> Finding:
    from leadscout_assets.recovery.ages import ages

    found = ages(settings, datetime.now(UTC))
    return Finding(
        "backups",
        found.backup.fresh and found.restore.fresh,
        f"{found.backup.sentence}; {found.restore.sentence}",
        "leadscout backup; the platform takes one twice a day while it is up, and proves a restore every day: look at the "
        "assets backup and restore_drill",
    )


def _alerts(settings: Settings) -> Finding:
    from leadscout_assets.alerts.channels import faults_of, usable_channels
    from leadscout_assets.alerts.rules import rules_with

    faults = faults_of(settings)
    try:
        rules_with(settings.alert_levels)
    except LeadScoutError as error:
        faults.append(str(error))
    told = [name for name in usable_channels(settings)[0] if name != "log"]
    return Finding(
        "alerts",
        not faults,
        "; ".join(faults) or f"told through the log{''.join(f', {name}' for name in told) or ' alone'}",
        "correct the setting, start the platform again, then: leadscout alerts test CHANNEL",
    )


def _platform(settings: Settings) -> Finding:
    from leadscout_assets.supervisor import running_pid
    from leadscout_assets.supervisor.readiness import awaited, url_of

    what = "platform"
    try:
        pid = running_pid(settings.home)
    except LeadScoutError as error:
        return Finding(what, False, "cannot be asked", str(error))
    if pid is None:
        return Finding(what, True, "not running: leadscout up")
    url = url_of(settings.host, settings.port)
    missing = awaited(url, time.time() - HEARTBEAT_SECONDS)
    return Finding(
        what,
        missing is None,
        f"up, process {pid}, {url}" + (f", but without {missing}" if missing else ""),
        "it may be starting: look again in a minute, then into LEADSCOUT_HOME/logs; LEADSCOUT_HOST and LEADSCOUT_PORT must "
        "be here what they are for the platform",
    )


def _language_models(settings: Settings) -> list[Finding]:
    """Look at each provider of language models: could it be asked? None is asked for that, and none is paid."""
    what = "language models"
    if not settings.llm_is_on:
        return [Finding(what, True, "none is asked, by design: LEADSCOUT_LLM_PROVIDERS names none")]
    from leadscout_assets.database.engine import database_of
    from leadscout_assets.llm.usable import usable

    try:
        database = database_of(settings) if _has_records(settings) else None
        found = usable(settings, database, datetime.now(UTC))
        if database:
            database.close()
    except LeadScoutError as error:
        return [Finding(what, False, "cannot be looked at", str(error))]
    return [
        _names_may_be_sent(settings),
        *(Finding(f"{what}: {each.provider}", each.ok, each.found, each.fix) for each in found),
    ]


def _names_may_be_sent(settings: Settings) -> Finding:
    what, asked = "language models", (settings.classification_purpose or "").strip()
    try:
        entry = registered(read_register(settings.purposes), asked) if asked else None
    except LeadScoutError:
        entry = None  # the finding about the purpose says so
    if entry is None:
        fix = "set LEADSCOUT_CLASSIFICATION_PURPOSE to a purpose whose entry says llm = true: docs/compliance.md"
        return Finding(what, False, "switched on, but no purpose holds: no name is classified, and none is sent", fix)
    fix = "have whoever is responsible decide, and register that as llm = true; or empty LEADSCOUT_LLM_PROVIDERS"
    told = "switched on" if entry.llm else f"switched on, but the purpose {entry.id} does not allow it: no name is sent"
    return Finding(what, entry.llm, told, fix)


LOOKS: tuple[Callable[[Settings], Finding], ...] = (
    _python,
    _packages,
    _settings,
    _home,
    _database,
    _tables,
    _given_up,
    _inbox,
    _purpose,
    _backups,
    _alerts,
)
