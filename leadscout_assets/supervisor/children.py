"""One process of the platform: start it, start it again when it dies, keep its log within bounds, end it.

Which processes there are, and in which order they come and go, is `platform`'s business.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

import psutil

from leadscout_assets.folders import make_private
from leadscout_assets.logs import get_logger
from leadscout_assets.supervisor.instance import MARK

LONGEST_PAUSE = 30.0
"""Seconds between two starts of a process that keeps dying; the pauses are 1, 2, 4, 8, 16 and then this."""

STEADY_AFTER = 60.0
"""Seconds after which a process counts as having started well: its next death is a first one again."""

LOG_BYTES = 50_000_000
"""Size at which a process's log becomes `<name>.log.1` and starts anew."""

log = get_logger(__name__)


class Child:
    """A process in a session and process group of its own, so that Ctrl-C reaches it only through the supervisor."""

    def __init__(
        self, name: str, command: list[str], environment: Mapping[str, str], folder: Path, logs: Path | None
    ) -> None:
        """Describe the process without starting it; `folder` is where it runs, `logs` where `<name>.log` lies.

        Without `logs` it writes to where this process writes, as a container's log wants it.
        """
        self.name = name
        self.log_file = logs / f"{name}.log" if logs is not None else None
        self._command = command
        self._environment = dict(environment)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._deaths = 0
        self._due: float | None = None

    def start(self) -> None:
        """Start the process; its output is appended to its log."""
        with self._output() as output:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output and subprocess.STDOUT,
                env=self._environment,
                cwd=self._folder,
                start_new_session=True,
            )
        self._started, self._due = time.monotonic(), None
        log.info("process started", process=self.name, pid=self.pid)

    def _output(self) -> contextlib.AbstractContextManager[IO[bytes] | None]:
        if self.log_file is None:
            return contextlib.nullcontext()
        make_private(self.log_file.parent)
        file = self.log_file.open("ab")
        # As the other logs are; also one that an earlier version left readable to others.
        with contextlib.suppress(PermissionError):
            os.fchmod(file.fileno(), 0o600)
        return file

    @property
    def pid(self) -> int | None:
        """Process id of the latest start; None before the first."""
        return self._process.pid if self._process else None

    @property
    def exit_code(self) -> int | None:
        """What the process ended with, negative for a signal; None while it runs or before its first start."""
        return self._process.poll() if self._process else None

    @property
    def runs(self) -> bool:
        """Say whether the process was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def keep_alive(self, now: Callable[[], float] = time.monotonic) -> None:
        """Start the process again once it has died and the pause is over."""
        if self.runs:
            return
        if self._due is None:
            self._deaths = 1 if now() - self._started >= STEADY_AFTER else self._deaths + 1
            pause = min(LONGEST_PAUSE, 2.0 ** (self._deaths - 1))
            self._due = now() + pause
            log.warning("process died", process=self.name, exit_code=self.exit_code, again_in_seconds=pause)
        elif now() >= self._due:
            self.start()

    def terminate(self) -> None:
        """Ask the process to end; what it started is not asked."""
        if self._process is not None and self.runs:
            self._process.terminate()

    def kill_group(self) -> None:
        """End the process and whatever it started in its group, at once."""
        if self._process is None:
            return
        # No group left; macOS answers "not permitted" for a group of zombies.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def workers(self) -> set[psutil.Process]:
        """Return the processes that this one started to work for it, as far as they live."""
        if not self.runs:
            return set()
        try:
            children = psutil.Process(self.pid).children()
            # The other kind of child, multiprocessing's resource tracker, ends by itself after the last worker.
            return {child for child in children if "--multiprocessing-fork" in child.cmdline()}
        except psutil.Error:
            # One ended between two questions; whoever waits asks again.
            return set()

    def rotate_log(self, largest: int = LOG_BYTES) -> None:
        """Put a log that grew too large aside, in place: the process goes on writing to the file that it has open."""
        if self.log_file is not None and self.log_file.is_file() and self.log_file.stat().st_size > largest:
            shutil.copyfile(self.log_file, self.log_file.with_name(f"{self.log_file.name}.1"))
            os.truncate(self.log_file, 0)


def end_leftovers(home: Path, patience: float = 3.0) -> list[int]:
    """End the processes that a killed supervisor of this home left behind; return their ids.

    They are known by the mark in their environment and by leading a session, never by a name. Run workers bear the mark
    but lead no session: they finish their run, and the new platform finds it done.
    """
    leftovers = [process for process in psutil.process_iter() if _is_leftover(process, home)]
    for process in leftovers:
        _signal(process, signal.SIGTERM)
    # A code server waits for its workers before it ends, which may take minutes.
    _, stubborn = psutil.wait_procs(leftovers, timeout=patience)
    for process in stubborn:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(stubborn, timeout=patience)
    return [process.pid for process in leftovers]


def belongs_to(process: psutil.Process, home: Path) -> bool:
    """Say whether a platform of this home started the process, itself or through another one."""
    try:
        return bool(process.environ().get(MARK) == str(home))
    except (psutil.Error, OSError):
        # Another user's process, or one that has just ended: not ours.
        return False


def _is_leftover(process: psutil.Process, home: Path) -> bool:
    try:
        leads_a_session = os.getsid(process.pid) == process.pid
    except OSError:
        return False
    return leads_a_session and process.pid != os.getpid() and belongs_to(process, home)


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
