"""Looks over an installation: each finding says what was looked at, what was found and how to mend it. Changes nothing."""

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from leadscout_assets.errors import LeadScoutError
from leadscout_assets.settings import Settings

LEAST_FREE_BYTES = 2_000_000_000
"""A million leads and their reports take about 1 GB; below twice that a run may end in the middle."""

PACKAGES = ("dagster", "dagster-webserver", "deltalake", "pandas", "pyarrow", "typst")
"""Packages without which a part of the platform is missing altogether."""


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
    return [look(settings) for look in LOOKS]


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
        "home", writable and free >= LEAST_FREE_BYTES, what, "set LEADSCOUT_HOME to a writable folder with more room"
    )


def _database(settings: Settings) -> Finding:
    from leadscout_assets.database.deliveries import Deliveries
    from leadscout_assets.database.engine import HEAD, Database, current_revision

    what = "application database"
    try:
        database = Database(settings.database)
        if database.is_sqlite and not Path(str(database.url.database)).exists():
            return Finding(what, True, "none yet: it is made at the first delivery")
        if current_revision(database) != HEAD:
            return Finding(what, True, "of another version: it is upgraded at the next start")
        count = len(Deliveries(database).all())
    except LeadScoutError as error:
        return Finding(what, False, "cannot be opened", str(error))
    return Finding(what, True, f"{count} deliveries")


def _inbox(settings: Settings) -> Finding:
    there = settings.inbox_dir.is_dir()
    return Finding("inbox", there, "there" if there else "not there", "`leadscout up` makes it, or set LEADSCOUT_INBOX")


def _purpose(settings: Settings) -> Finding:
    if settings.classification_purpose:
        return Finding("classification purpose", True, "recorded")
    return Finding("classification purpose", True, "none recorded: names are not classified, by design")


def _platform(settings: Settings) -> Finding:
    from leadscout_assets.supervisor import running_pid

    pid = running_pid(settings.home)
    return Finding("platform", True, f"up, process {pid}" if pid else "not running: leadscout up")


LOOKS: tuple[Callable[[Settings], Finding], ...] = (
    _python,
    _packages,
    _home,
    _database,
    _inbox,
    _purpose,
    _platform,
)
