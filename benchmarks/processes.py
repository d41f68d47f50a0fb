"""Real processes in a home of their own: started, timed, and ended whatever happens, on Ctrl-C too.

What is measured with them is each benchmark's business.
"""

from __future__ import annotations

import compileall
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

import leadscout_assets
from benchmarks.results import BenchmarkFailed
from leadscout_assets.supervisor.children import belongs_to

ROOT = Path(__file__).parent.parent
LEADSCOUT = Path(sys.executable).with_name("leadscout")
PURPOSE = "demonstration"

PATIENCE_SECONDS = 300.0
"""Longest a process may take: a benchmark that hangs must say so."""

STOP_SECONDS = 20.0
"""The platform promises to be gone within 8 s of being asked, and the machine may be slow."""

UP = b"LeadScout is up"
"""What `leadscout up` prints once everything answers."""


@dataclass(frozen=True)
class Workplace:
    """A benchmark's own folder, with a fresh home in it. `quick`: take small sizes and few repetitions."""

    folder: Path
    quick: bool = False

    @property
    def home(self) -> Path:
        """LEADSCOUT_HOME of the processes started here."""
        return self.folder / "home"

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment as it is, but with settings of this workplace alone."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("LEADSCOUT_", "DAGSTER_"))}
        return kept | {"LEADSCOUT_HOME": str(self.home), "LEADSCOUT_CLASSIFICATION_PURPOSE": PURPOSE} | more


@dataclass(frozen=True)
class Ended:
    """A process that has ended. `started_at` is seconds since 1970; `peak_mb` its highest resident memory, megabytes."""

    started_at: float
    seconds: float
    cpu_seconds: float
    peak_mb: float
    exit_code: int
    output: str
    errors: str


def compile_package() -> None:
    """Leave the package's bytecode as any start does, unless told not to write any; the set-up compiles the rest."""
    for package in leadscout_assets.__path__:
        compileall.compile_dir(package, quiet=2)


def timed(
    command: Sequence[str | Path],
    workplace: Workplace,
    *,
    folder: Path | None = None,
    good: Sequence[int] = (0,),
    patience: float | None = None,
) -> Ended:
    """Run a command to its end and return how it went; wall time is from before the start to after the exit.

    `patience`: seconds after which it is killed, where it may take longer than others. Raises `BenchmarkFailed` with the end of its errors where its exit code
    is not a `good` one.
    """
    output, errors = workplace.folder / "stdout", workplace.folder / "stderr"
    # What was written before lies in memory still, and whoever waits for the disk would wait for that, too.
    os.sync()
    with output.open("wb") as out, errors.open("wb") as err:
        at, started = time.time(), time.perf_counter()
        process = subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=workplace.environment(),
            cwd=folder or workplace.folder,
            start_new_session=True,
        )
        # wait4 tells the memory of this process alone, but knows no time-out.
        watchdog = threading.Timer(patience or PATIENCE_SECONDS, _kill_group, [process.pid])
        watchdog.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            watchdog.cancel()
            if process.returncode is None:
                _kill_group(process.pid)
                process.wait()
    ended = Ended(
        started_at=at,
        seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        # Kibibytes on Linux, bytes on macOS (getrusage(2)).
        peak_mb=usage.ru_maxrss / 1e6 * (1 if sys.platform == "darwin" else 1024),
        exit_code=process.returncode,
        output=output.read_text(encoding="utf-8", errors="replace"),
        errors=errors.read_text(encoding="utf-8", errors="replace"),
    )
    if ended.exit_code not in good:
        raise BenchmarkFailed(f"{Path(command[0]).name} ended with {ended.exit_code}: {_tail(ended.errors)}")
    return ended


@contextmanager
def platform_up(workplace: Workplace, command: Sequence[str | Path] = (LEADSCOUT, "up")) -> Iterator[str]:
    """Run the platform while the block runs, and give its address; afterwards none of its processes is left.

    Raises `BenchmarkFailed` where it does not come up.
    """
    port = _free_port()
    log = workplace.folder / "platform.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=workplace.environment(
                LEADSCOUT_PORT=str(port), LEADSCOUT_HOST="127.0.0.1", LEADSCOUT_EXPORTER_PORT="0"
            ),
            cwd=workplace.folder,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while UP not in log.read_bytes():
            if process.poll() is not None or time.monotonic() > deadline:
                raise BenchmarkFailed(f"the platform did not come up: {_last_words(log, workplace.home / 'logs')}")
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        with uninterrupted():
            _stop(process, workplace.home)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let an end be an end: a second Ctrl-C while processes are being stopped would leave them behind."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _stop(process: subprocess.Popen[bytes], home: Path) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        _kill_group(process.pid)
        process.wait()
    # Each process of a platform bears its home's mark: what a killed supervisor left behind is found by it.
    left = [one for one in psutil.process_iter() if belongs_to(one, home.resolve())]
    for one in left:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    psutil.wait_procs(left, timeout=5)


def _kill_group(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _last_words(log: Path, folder: Path) -> str:
    """Return the ends of the logs: the folder they lie in is about to be removed."""
    logs = [log, *sorted(folder.glob("*.log"))]
    return "; ".join(_tail(one.read_text(encoding="utf-8", errors="replace")) for one in logs)


def _tail(text: str) -> str:
    return " / ".join(line.strip() for line in text.strip().splitlines()[-5:]) or "it said nothing"
