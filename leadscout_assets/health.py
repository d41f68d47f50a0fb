"""Is the platform well enough to work? A registry of checks, each with a state and a sentence, none waited for long.

What to mend, and how, is the doctor's to say (`diagnosis`). No sentence holds a path, a name or a password.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from leadscout_assets.errors import EdgeFailed, LeadScoutError
from leadscout_assets.logs import get_logger
from leadscout_assets.settings import Settings

OK, WARN, FAILING = "ok", "warn", "failing"

CHECK_SECONDS = 4.0
"""Longest that all checks together are waited for: whoever asks gives up after five."""

HEARTBEAT_SECONDS = 120.0
"""A daemon beats every 30 s; one that was silent for four beats has stopped."""

log = get_logger(__name__)


@dataclass(frozen=True)
class State:
    """What one check found: `state` is ok, warn or failing. `figures` stand at the top of the answer."""

    state: str
    sentence: str
    figures: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Health:
    """All states by check."""

    states: Mapping[str, State]

    @property
    def ready(self) -> bool:
        """Whether no check fails; a warning does not stop the work."""
        return all(state.state != FAILING for state in self.states.values())

    def to_json(self) -> dict[str, object]:
        """Return everything as plain values, the figures of all checks beside `ready`."""
        figures = {name: value for state in self.states.values() for name, value in state.figures.items()}
        states = {name: {"state": s.state, "sentence": s.sentence} for name, s in self.states.items()}
        return {"ready": self.ready, **figures, "checks": states}


Check = Callable[[Settings, bool], State]
"""(settings, whether a platform is expected to run) -> what was found; may raise, and may hang."""


class Examiner:
    """Runs the checks, each in a thread of its own; one that hangs is not started again before it has ended."""

    def __init__(self, settings: Settings, checks: Mapping[str, Check] | None = None) -> None:
        """Take the settings; nothing is looked at yet."""
        self._settings = settings
        self._checks = CHECKS if checks is None else checks
        self._hanging: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()

    def examine(self, *, expect_platform: bool, seconds: float | None = None) -> Health:
        """Return what all checks found within `seconds` (`CHECK_SECONDS`); what has no answer by then is failing."""
        seconds = CHECK_SECONDS if seconds is None else seconds
        found: dict[str, State] = {}
        deadline = time.monotonic() + seconds
        with self._lock:
            started = {name: self._start(name, expect_platform, found) for name in self._checks}
        for thread in started.values():
            thread.join(max(0.0, deadline - time.monotonic()))
        states = {
            name: found.get(name, State(_worst(name), f"no answer within {seconds:.0f} s")) for name in self._checks
        }
        return Health(states)

    def _start(self, name: str, expect_platform: bool, found: dict[str, State]) -> threading.Thread:
        hanging = self._hanging.get(name)
        if hanging is not None and hanging.is_alive():
            return hanging

        def look() -> None:
            found[name] = _looked(name, self._checks[name], self._settings, expect_platform)

        # Daemons: a check that hangs must not keep the process from ending.
        thread = threading.Thread(target=look, name=f"health-{name}", daemon=True)
        self._hanging[name] = thread
        thread.start()
        return thread


def _looked(name: str, check: Check, settings: Settings, expect_platform: bool) -> State:
    try:
        return check(settings, expect_platform)
    except LeadScoutError as error:
        return State(_worst(name), str(error))
    except Exception as error:  # noqa: BLE001
        # Whatever it is, the answer must come; messages of libraries may quote values.
        log.warning("health check failed", check=name, error=type(error).__name__)
        return State(_worst(name), f"could not be looked at ({type(error).__name__}); see leadscout doctor")


def _worst(name: str) -> str:
    return WARN if name in ADVISORY else FAILING


def _database(settings: Settings, _: bool) -> State:
    from leadscout_assets.database.engine import HEAD, current_revision, database_of
    from leadscout_assets.recovery.losses import check_whole

    # Before it is opened: a file that is empty would become a database without records.
    check_whole(settings)
    database = database_of(settings)
    try:
        if not database.is_there:
            return State(OK, "none yet: it is made at the first delivery")
        revision = current_revision(database)
    finally:
        database.close()
    return State(OK, "answers" if revision == HEAD else "answers; its schema is upgraded at the next start")


def _storage(settings: Settings, _: bool) -> State:
    try:
        handle, name = tempfile.mkstemp(prefix=".health-", dir=settings.home)
        try:
            os.write(handle, b"leadscout")
            os.fsync(handle)
        finally:
            os.close(handle)
            Path(name).unlink()
    except FileNotFoundError:
        return State(FAILING, "LEADSCOUT_HOME is not there")
    except OSError as error:
        return State(FAILING, f"LEADSCOUT_HOME cannot be written: {error.strerror}")
    return State(OK, "a file was written and removed")


def _disk(settings: Settings, _: bool) -> State:
    try:
        free = shutil.disk_usage(settings.home).free
    except OSError as error:
        return State(FAILING, f"free space cannot be told: {error.strerror}")
    sentence = f"{free / 1e9:.1f} GB free, {settings.min_free_bytes / 1e9:.1f} GB are needed"
    return State(OK if free >= settings.min_free_bytes else FAILING, sentence)


def _webserver(settings: Settings, expected: bool) -> State:
    if state := _not_expected(settings, expected):
        return state
    _platform(settings)
    return State(OK, "answers")


def _code_server(settings: Settings, expected: bool) -> State:
    if state := _not_expected(settings, expected):
        return state
    entries = _platform(settings)["workspaceOrError"].get("locationEntries", [])
    loaded = [(entry["locationOrLoadError"] or {}).get("__typename") == "RepositoryLocation" for entry in entries]
    return State(OK, "definitions loaded") if any(loaded) else State(FAILING, "the definitions are not loaded")


def _daemons(settings: Settings, expected: bool) -> State:
    if state := _not_expected(settings, expected):
        return state
    daemons = _platform(settings)["instance"]["daemonHealth"]["allDaemonStatuses"]
    since = time.time() - HEARTBEAT_SECONDS
    silent = sorted(d["daemonType"] for d in daemons if d["required"] and (d["lastHeartbeatTime"] or 0.0) < since)
    if silent or not daemons:
        return State(FAILING, f"no heartbeat for {HEARTBEAT_SECONDS:.0f} s: {', '.join(silent) or 'any daemon'}")
    return State(OK, f"{sum(d['required'] for d in daemons)} beat")


def _recovery(settings: Settings, _: bool) -> State:
    from leadscout_assets.recovery.ages import ages

    now = datetime.now(UTC)
    found = ages(settings, now)
    stale = not (found.backup.fresh and found.restore.fresh)
    return State(WARN if stale else OK, f"{found.backup.sentence}; {found.restore.sentence}", found.to_json(now))


def _external_services(settings: Settings, _: bool) -> State:
    from leadscout_assets.external_services import external_services

    found = external_services(settings)
    faults = [f"{one.name}: {one.fault}" for one in found if one.fault]
    if faults:
        return State(WARN, "; ".join(faults))
    return State(OK, f"{len(found)} in use, none known to fail" if found else "none in use")


CHECKS: Mapping[str, Check] = {
    "database": _database,
    "storage": _storage,
    "disk": _disk,
    "webserver": _webserver,
    "code_server": _code_server,
    "daemons": _daemons,
    "recovery": _recovery,
    "external_services": _external_services,
}
"""What is looked at. None may change anything that another could see."""

ADVISORY = frozenset(("recovery", "external_services"))
"""Worth a person's look, but no reason to keep work from a platform that could do it: these warn at most."""


def _not_expected(settings: Settings, expected: bool) -> State | None:
    from leadscout_assets.supervisor import running_pid

    if expected or running_pid(settings.home) is not None:
        return None
    return State(WARN, "the platform is not running: leadscout up")


def _platform(settings: Settings) -> dict[str, Any]:
    """Ask the webserver, which asks the Dagster instance and the code server; needs no Dagster in this process."""
    from leadscout_assets.supervisor.graphql import graphql
    from leadscout_assets.supervisor.readiness import QUERY, url_of

    data = graphql(url_of(settings.host, settings.port), QUERY, timeout=CHECK_SECONDS)
    if not data:
        raise EdgeFailed("the UI answers, but not what it was asked; see leadscout doctor")
    return data
