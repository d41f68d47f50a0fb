"""The order of things: what is started when, what is looked at while it runs, and how it all ends.

Signals and threads are handled here and nowhere else.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType
from typing import TYPE_CHECKING

import psutil
import structlog

from leadscout_assets.errors import EdgeFailed
from leadscout_assets.settings import Settings
from leadscout_assets.supervisor.children import Child, end_leftovers
from leadscout_assets.supervisor.instance import Instance, child_environment, prepare_instance
from leadscout_assets.supervisor.lock import hold_home
from leadscout_assets.supervisor.readiness import awaited, check_port_is_free, url_of

if TYPE_CHECKING:
    from leadscout_assets.defs.orphans import EmbeddedInstance

DEFINITIONS = "leadscout_assets.definitions"
START_SECONDS = 180.0
"""Seconds in which the platform must be ready: it takes about ten, and much longer on a machine that swaps."""
GRACE_SECONDS = 8.0
"""Seconds from the signal to the end of whatever still runs."""
WORKERS_SECONDS = 6.0
"""Seconds of the grace that runs have; the rest is for the servers that they report through."""
POLL_SECONDS = 0.1
ORPHANS_SECONDS = 5.0
"""Seconds between two looks for orphaned runs. Two in a row must find a run, since its code server, which learns of a
worker's death within half a second, says more about it."""

log = structlog.get_logger("leadscout.supervisor")


class _Stop(Exception):  # not an error: the way out of whatever the platform is waiting for
    """The platform was asked to stop."""


class _Requests:
    """Counts requests to stop: the first is for a graceful end, the second for an immediate one."""

    def __init__(self) -> None:
        self.count = 0
        self._asked = threading.Event()

    def __call__(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        self.count += 1
        self._asked.set()

    def pause(self, seconds: float) -> None:
        """Wait; raise `_Stop` as soon as one is requested."""
        if self._asked.wait(seconds):
            raise _Stop


def up(
    settings: Settings,
    *,
    on_ready: Callable[[str], int | None] | None = None,
    module: str = DEFINITIONS,
    start_seconds: float = START_SECONDS,
) -> int:
    """Run the platform in the foreground until SIGINT, SIGTERM or SIGHUP; return the exit code, 0 after any of these.

    `on_ready(url)` is called in a thread of its own once everything answers, while the platform is being watched. When
    it returns a number the platform stops with it as the exit code; with None it stays up. What it raises stops the
    platform and is raised here. Must be called in the main thread, where Python delivers signals.

    Raises `AlreadyRunning` when another platform holds the home, `BadSetting` when the UI's port is taken, `EdgeFailed`
    when a process ends or is not ready within `start_seconds`.
    """
    settings = settings.model_copy(update={"home": settings.home.resolve()})
    with hold_home(settings.home), _stop_requests() as requests:
        platform = _Platform(settings, module, requests)
        try:
            url = platform.start(start_seconds)
            return platform.watch(_Guest(on_ready, url))
        except _Stop:
            return 0
        finally:
            platform.stop()


class _Platform:
    """The three processes and the instance that they share."""

    def __init__(self, settings: Settings, module: str, requests: _Requests) -> None:
        self._settings = settings
        self._module = module
        self._requests = requests
        self._children: list[Child] = []
        self._instance: EmbeddedInstance | None = None
        self._answers: Callable[[], bool] = bool
        self._suspects: frozenset[str] = frozenset()

    def start(self, seconds: float) -> str:
        """Start everything in order and return the UI's address once all of it is ready."""
        from leadscout_assets.defs import orphans

        deadline = time.monotonic() + seconds
        settings = self._settings
        for pid in end_leftovers(settings.home):
            log.warning("process of a killed platform ended", pid=pid)
        check_port_is_free(settings.host, settings.port)
        instance = prepare_instance(settings)
        code_server, webserver, daemon = self._describe(instance)

        # While the code server loads the definitions, look for what the last platform left undone.
        self._children.append(code_server)
        code_server.start()
        self._instance = orphans.open_instance(instance.folder)
        self._report(orphans.fail_orphaned_runs(self._instance))
        self._answers = instance.address.answers
        self._await("the code server", lambda: None if self._answers() else "its address", deadline)

        # Both load the definitions through the code server, and come back to a failed load only much later.
        since = time.time()
        self._children += [webserver, daemon]
        webserver.start()
        daemon.start()
        url = url_of(settings.host, settings.port)
        self._await("the platform", lambda: awaited(url, since), deadline)
        log.info("platform ready", url=url)
        return url

    def watch(self, guest: "_Guest") -> int:
        """Keep the processes alive and fail orphaned runs until the guest asks for the end, or a signal does."""
        guest.start()
        look = time.monotonic() + ORPHANS_SECONDS
        while not guest.wants_the_end():
            self._requests.pause(POLL_SECONDS)
            for child in self._children:
                child.keep_alive()
            if time.monotonic() >= look:
                self._look_for_orphans()
                for child in self._children:
                    child.rotate_log()
                look = time.monotonic() + ORPHANS_SECONDS
        return guest.answer()

    def stop(self) -> None:
        """End everything: no more launches, then the runs, then the servers, then whatever is left."""
        if not self._children:
            self._close()
            return
        log.info("platform stopping")
        code_server, *others = self._children
        began = time.monotonic()
        asked: set[psutil.Process] = set()

        # Runs that are interrupted without anybody having cancelled them end as failed, and run_retries starts them
        # again when the platform is next up. Queued runs stay queued. The daemon may launch one more while it ends.
        for child in others[::-1]:
            child.terminate()
        while self._patient(began, WORKERS_SECONDS):
            workers = self._workers(code_server)
            for worker in workers - asked:
                _interrupt(worker)
            asked |= workers
            if not workers and not any(child.runs for child in others):
                break
            time.sleep(POLL_SECONDS)

        code_server.terminate()
        while self._patient(began, GRACE_SECONDS) and any(child.runs for child in self._children):
            time.sleep(POLL_SECONDS)
        for child in self._children:
            child.kill_group()
        for worker in asked:
            _interrupt(worker, signal.SIGKILL)
        psutil.wait_procs(asked, timeout=1.0)
        self._report(self._fail_orphans())
        self._close()
        log.info("platform stopped", seconds=round(time.monotonic() - began, 1))

    def _describe(self, instance: Instance) -> tuple[Child, Child, Child]:
        environment = child_environment(self._settings, os.environ)
        python, workspace = [sys.executable, "-m"], ["-w", str(instance.workspace)]
        host, port = self._settings.host, str(self._settings.port)
        commands = {
            "code-server": [*python, "dagster", "api", "grpc", "-m", self._module, *instance.address.arguments],
            "webserver": [*python, "dagster_webserver", "-h", host, "-p", port, *workspace],
            "daemon": [*python, "dagster._daemon", "run", *workspace],
        }
        code_server, webserver, daemon = (
            Child(name, command, environment, instance.folder, self._settings.logs_dir)
            for name, command in commands.items()
        )
        return code_server, webserver, daemon

    def _await(self, what: str, missing: Callable[[], str | None], deadline: float) -> None:
        while (awaited_part := missing()) is not None:
            for child in self._children:
                if child.exit_code is not None:
                    raise EdgeFailed(
                        f"the {child.name} ended with code {child.exit_code} while starting; "
                        f"the end of {child.log_file} says why"
                    )
            if time.monotonic() >= deadline:
                raise EdgeFailed(
                    f"{what} was not ready in time: still without {awaited_part}; see the files in "
                    f"{self._settings.logs_dir}"
                )
            self._requests.pause(POLL_SECONDS)

    def _look_for_orphans(self) -> None:
        from leadscout_assets.defs import orphans

        assert self._instance is not None  # noqa: S101  # watch comes after start
        if not self._answers():
            # The daemon retries a failed run at once, and only once: not while nothing can be launched.
            self._suspects = frozenset()
            return
        try:
            found = frozenset(orphans.orphaned_runs(self._instance, launching=True))
            self._report(orphans.fail_orphaned_runs(self._instance, launching=True, only=found & self._suspects))
            for run_id in orphans.repeat_lost_retries(self._instance, datetime.now(UTC)):
                log.warning("lost retry asked for again", run_id=run_id)
        except Exception as error:  # noqa: BLE001
            # Whatever the storage may raise (locked, full, slow), the platform goes on, and looks again in a moment.
            log.warning("looking for orphaned runs failed", error=type(error).__name__)
        else:
            self._suspects = found

    def _fail_orphans(self) -> list[str]:
        from leadscout_assets.defs import orphans

        if self._instance is None:
            return []
        try:
            return orphans.fail_orphaned_runs(self._instance)
        except Exception as error:  # noqa: BLE001
            # The next start does the same; an error here must not hide the one that may have brought us here.
            log.warning("marking interrupted runs failed", error=type(error).__name__)
            return []

    def _workers(self, code_server: Child) -> set[psutil.Process]:
        """Return the processes that execute runs: those that the code server started, and those that outlived one."""
        from leadscout_assets.defs import orphans

        found: set[psutil.Process] = set()
        try:
            if code_server.runs:
                children = psutil.Process(code_server.pid).children()
                # The other kind of child, multiprocessing's resource tracker, ends by itself after the last worker.
                found |= {child for child in children if "--multiprocessing-fork" in child.cmdline()}
        except psutil.Error:
            # It ended between the two questions; the next round sees that.
            return found
        if self._instance is not None:
            for workers in orphans.run_workers(self._instance).values():
                found |= {process for worker in workers if (process := orphans.worker_process(worker))}
        return found

    def _patient(self, began: float, seconds: float) -> bool:
        """Say whether there is time left, and nobody insists."""
        return self._requests.count < 2 and time.monotonic() - began < seconds

    def _report(self, run_ids: list[str]) -> None:
        for run_id in run_ids:
            log.warning("run without a process ended", run_id=run_id)

    def _close(self) -> None:
        if self._instance is not None:
            self._instance.dispose()
            self._instance = None


class _Guest:
    """The callback in its thread, and what came of it."""

    def __init__(self, on_ready: Callable[[str], int | None] | None, url: str) -> None:
        self._on_ready = on_ready
        self._url = url
        self._answer: int | None = None
        self._error: BaseException | None = None

    def start(self) -> None:
        """Call it; a daemon thread, so that a callback that hangs does not outlive the platform."""
        if self._on_ready is not None:
            threading.Thread(target=self._run, name="on-ready", daemon=True).start()

    def wants_the_end(self) -> bool:
        """Say whether the callback gave an exit code or failed."""
        return self._answer is not None or self._error is not None

    def answer(self) -> int:
        """Return the callback's exit code, or raise what it raised."""
        if self._error is not None:
            raise self._error
        return self._answer or 0

    def _run(self) -> None:
        assert self._on_ready is not None  # noqa: S101  # start sees to it
        try:
            self._answer = self._on_ready(self._url)
        except BaseException as error:  # noqa: BLE001
            # Whatever it was, it belongs to the caller of `up`, in whose thread it is raised again.
            self._error = error


@contextmanager
def _stop_requests() -> Iterator[_Requests]:
    """Turn signals into requests while the block runs; SIGHUP is a terminal that was closed."""
    requests = _Requests()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, requests) for number in numbers}
    try:
        yield requests
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(process: psutil.Process, number: signal.Signals = signal.SIGTERM) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
