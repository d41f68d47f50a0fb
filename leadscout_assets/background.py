"""Commands in the background: started apart from any terminal, found again, and stopped. What they do is theirs.

Each has a file with its process's id and identity; a file whose process is gone, or whose id is another's now, counts for nothing.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from leadscout_assets.errors import BadInput, EdgeFailed
from leadscout_assets.folders import make_private
from leadscout_assets.processes import identity, is_alive
from leadscout_assets.progress import announce, has_begun, read_all, withdraw
from leadscout_assets.settings import Settings

COMMAND = (sys.executable, "-m", "leadscout_assets.cli")

STOP_SECONDS = 12.0
"""How long a stop waits: every command ends within ten seconds of its signal."""

POLL_SECONDS = 0.05
KEPT_LOGS = 50


@dataclass(frozen=True)
class Job:
    """A process that works on an operation. `log` is where its output goes; None where it was started in a terminal.

    `exit_code` is there where it had ended before it was known as a job.
    """

    operation: str
    pid: int
    process: str | None
    log: Path | None
    run_id: str | None = None
    exit_code: int | None = None

    @property
    def name(self) -> str:
        """What `leadscout stop` calls it."""
        return f"{self.operation}-{self.pid}"

    @property
    def runs(self) -> bool:
        """Whether its process lives, and is still the same one."""
        return is_alive(self.pid, self.process)


def start(settings: Settings, operation: str, arguments: Sequence[str], *, command: Sequence[str] = COMMAND) -> Job:
    """Start `leadscout ARGUMENTS` in a session of its own, without input, its output in a log; return it at once.

    The environment and the folder are this process's. Raises `EdgeFailed` where it cannot be started.
    """
    logs = settings.logs_dir / "background"
    try:
        make_private(logs)
        _remove_old(logs)
        log = logs / f"{operation}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.log"
        with log.open("ab") as output:
            log.chmod(0o600)
            process = subprocess.Popen(
                [*command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        raise EdgeFailed(f"it could not be started in the background: {error.strerror}") from None
    # One that has ended already has none; any word in its place is nobody's.
    mark = identity(process.pid) or "gone"
    job = Job(operation, process.pid, mark, log, exit_code=process.poll())
    # It lives on without us, and is waited for by `refused`, or by whoever becomes its parent.
    process.returncode = job.exit_code or 0
    _remember(settings, job)
    announce(settings, operation, job.pid, job.process)
    return job


def refused(settings: Settings, job: Job, seconds: float) -> int | None:
    """Return the code, not 0, with which a job that this process started ended at once; None where it is at work or done.

    Waits until the job has begun, for so many seconds at most. What never began leaves no entry behind.
    """
    deadline = time.monotonic() + seconds
    while (code := _exit_code(job)) is None:
        if has_begun(settings, job.operation, job.pid) or time.monotonic() >= deadline:
            return None
        time.sleep(POLL_SECONDS)
    withdraw(settings, job.operation, job.pid)
    _note_of(settings, job).unlink(missing_ok=True)
    return code or None


def _exit_code(job: Job) -> int | None:
    if job.exit_code is not None:
        return job.exit_code
    try:
        pid, status = os.waitpid(job.pid, os.WNOHANG)
    except ChildProcessError:
        return None  # none of this process, or waited for already
    # As a shell has it: a signal's number above 128.
    code = os.waitstatus_to_exitcode(status) if pid else None
    return 128 - code if code is not None and code < 0 else code


def jobs(settings: Settings) -> list[Job]:
    """Return what runs at this moment on this home: commands in the background, and all that report progress here."""
    found: dict[int, Job] = {}
    for seen in read_all(settings.progress_dir):
        if seen.state in ("running", "stalled"):
            told = seen.told
            job = Job(str(told["operation"]), int(told["pid"]), told.get("process"), None, told.get("run_id"))
            # Steps of a run lie in the process of whatever runs them.
            if job.runs and (job.pid not in found or job.run_id is None):
                found[job.pid] = job
    for path in settings.background_dir.glob("*.json"):
        job_ = _known(path)
        if job_ is None or not job_.runs:
            path.unlink(missing_ok=True)
        else:
            found[job_.pid] = job_
    return sorted(found.values(), key=lambda job: job.name)


def find(settings: Settings, name: str) -> Job:
    """Return the one job of an operation's name, `operation-pid`, or run id. Raises `BadInput` where it is not exactly one."""
    running = jobs(settings)
    fitting = [job for job in running if name in (job.name, job.operation, job.run_id, str(job.pid))]
    if len(fitting) == 1:
        return fitting[0]
    named = ", ".join(job.name for job in fitting or running) or "nothing"
    raise BadInput(
        f"more than one runs under this name: {named}; say which"
        if fitting
        else f"nothing runs under this name; there is: {named}"
    )


def stop(job: Job, *, seconds: float = STOP_SECONDS, at_once: bool = False) -> bool:
    """Ask a job to end, wait for it, and say whether it ended by itself; after `seconds` it is killed.

    `at_once` asks twice, which no command takes time for.
    """
    if at_once:
        _signal(job, signal.SIGTERM)
        seconds = min(seconds, 2.0)
        # The second signal must not melt into the first.
        time.sleep(0.2)
    _signal(job, signal.SIGTERM)
    if gone(lambda: not job.runs, seconds):
        return True
    _signal(job, signal.SIGKILL)
    gone(lambda: not job.runs, 2.0)
    return False


def gone(condition: Callable[[], bool], seconds: float) -> bool:
    """Say whether the condition comes true within so many seconds."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return answer


def _signal(job: Job, number: signal.Signals) -> None:
    # Asked for again immediately before: the id may be another's by now.
    if job.runs:
        with suppress(ProcessLookupError):
            os.kill(job.pid, number)


def _remember(settings: Settings, job: Job) -> None:
    told = {
        "operation": job.operation,
        "pid": job.pid,
        "process": job.process,
        "log": str(job.log),
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    path = _note_of(settings, job)
    make_private(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.touch(mode=0o600)
    temporary.write_bytes(orjson.dumps(told))
    temporary.replace(path)


def _note_of(settings: Settings, job: Job) -> Path:
    return settings.background_dir / f"{job.name}.json"


def _known(path: Path) -> Job | None:
    try:
        told: dict[str, Any] = orjson.loads(path.read_bytes())
        return Job(told["operation"], told["pid"], told["process"], Path(told["log"]))
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return None


def _remove_old(logs: Path) -> None:
    for path in sorted(logs.glob("*.log"), key=lambda one: one.stat().st_mtime)[:-KEPT_LOGS]:
        path.unlink(missing_ok=True)
