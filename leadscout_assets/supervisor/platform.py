"""The order of things: what is started when, what is looked at while it runs, and how it all ends.

How one process is handled is in `children`, what Dagster knows of its runs in `defs.orphans`.
"""

import os
import signal
import sys
import time
from collections.abc import Callable

import psutil

from leadscout_assets.errors import BadSetting, EdgeFailed
from leadscout_assets.logs import get_logger
from leadscout_assets.progress import tracked
from leadscout_assets.settings import Settings
from leadscout_assets.supervisor.children import Child, end_leftovers
from leadscout_assets.supervisor.foreground import Guest, StopAsked, StopRequests, stop_requests
from leadscout_assets.supervisor.instance import (
    Workspace,
    child_environment,
    prepare_instance,
    prepare_workspace,
)
from leadscout_assets.supervisor.interrupted_runs import LOOK_SECONDS, Runs, signal_process
from leadscout_assets.supervisor.lock import hold_home
from leadscout_assets.supervisor.readiness import awaited, check_port_is_free, url_of

DEFINITIONS = "leadscout_assets.definitions"
DAGSTER_PROCESS = "leadscout_assets.dagster_process"
START_SECONDS = 180.0
"""Seconds in which the platform must be ready: it takes about ten, and much longer on a machine that swaps."""
GRACE_SECONDS = 8.0
"""Seconds from the signal to the end of whatever still runs."""
WORKERS_SECONDS = 6.0
"""Seconds of the grace that runs have; the rest is for the servers that they report through."""
POLL_SECONDS = 0.1

log = get_logger(__name__)


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
    with hold_home(settings.home), stop_requests() as requests, tracked(settings, "up", unit="") as progress:
        platform = _Platform(settings, module, requests)
        try:
            url = platform.start(start_seconds)
            progress.stage("serving")
            return platform.watch(Guest(on_ready, url))
        except StopAsked:
            return 0
        finally:
            progress.stage("stopping")
            platform.stop()


class _Platform:
    """The three processes and the instance that they share, and the exporter."""

    def __init__(self, settings: Settings, module: str, requests: StopRequests) -> None:
        self._settings = settings
        self._module = module
        self._requests = requests
        self._children: list[Child] = []
        self._runs: Runs | None = None
        self._answers: Callable[[], bool] = bool

    def start(self, seconds: float) -> str:
        """Start everything in order and return the UI's address once all of it is ready."""
        from leadscout_assets.defs import orphans

        deadline = time.monotonic() + seconds
        settings = self._settings
        for pid in end_leftovers(settings.home):
            log.warning("process of a killed platform ended", pid=pid)
        check_port_is_free(settings.host, settings.port)
        instance = prepare_instance(settings)
        workspace = prepare_workspace(instance)
        code_server, webserver, daemon, exporter = self._describe(workspace)

        # Processes that make the storage at the same time break it for good: it is there before the first one starts.
        if not orphans.storage_is_made(instance.folder):
            self._runs = Runs(instance.folder, settings.home)
        self._children.append(code_server)
        code_server.start()
        # While the code server loads the definitions, look for what the last platform left undone.
        self._runs = self._runs or Runs(instance.folder, settings.home)
        self._runs.fail_before_serving()
        self._answers = workspace.address.answers
        self._await("the code server", lambda: None if self._answers() else "its address", deadline)

        # Both load the definitions through the code server, and come back to a failed load only much later.
        since = time.time()
        self._children += [webserver, daemon]
        webserver.start()
        daemon.start()
        url = url_of(settings.host, settings.port)
        self._await("the platform", lambda: awaited(url, since), deadline)
        self._start_exporter(exporter)
        log.info("platform ready", url=url)
        return url

    def _start_exporter(self, exporter: Child) -> None:
        """Start what watchers ask, last, so that nobody waits for it; the platform works without it."""
        host, port = self._settings.exporter_host, self._settings.exporter_port
        if port == 0:
            return
        try:
            check_port_is_free(host, port)
        except BadSetting:
            # Another home's, or one that a person started by hand.
            log.warning("exporter left out", port=port)
            return
        self._children.append(exporter)
        exporter.start()

    def watch(self, guest: Guest) -> int:
        """Keep the processes alive and fail orphaned runs until the guest asks for the end, or a signal does."""
        guest.start()
        look = time.monotonic() + LOOK_SECONDS
        while not guest.wants_the_end():
            self._requests.pause(POLL_SECONDS)
            for child in self._children:
                child.keep_alive()
            if time.monotonic() >= look:
                assert self._runs is not None  # noqa: S101  # watch comes after start
                self._runs.look(self._answers)
                for child in self._children:
                    child.rotate_log()
                look = time.monotonic() + LOOK_SECONDS
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
            idle = self._runs is None or self._runs.interrupt(code_server, asked)
            if idle and not any(child.runs for child in others):
                break
            time.sleep(POLL_SECONDS)

        code_server.terminate()
        while self._patient(began, GRACE_SECONDS) and any(child.runs for child in self._children):
            time.sleep(POLL_SECONDS)
        for child in self._children:
            child.kill_group()
        for worker in asked:
            signal_process(worker, signal.SIGKILL)
        psutil.wait_procs(asked, timeout=1.0)
        self._close()
        log.info("platform stopped", seconds=round(time.monotonic() - began, 1))

    def _describe(self, workspace: Workspace) -> tuple[Child, Child, Child, Child]:
        environment = child_environment(self._settings, os.environ)
        python, clients_of = [sys.executable, "-m"], ["-w", str(workspace.file)]
        dagster = [*python, DAGSTER_PROCESS]
        host, port = self._settings.host, str(self._settings.port)
        commands = {
            "code-server": [*dagster, "dagster", "api", "grpc", *workspace.address.arguments, "-m", self._module],
            "webserver": [*dagster, "dagster_webserver", "-h", host, "-p", port, *clients_of],
            "daemon": [*dagster, "dagster._daemon", "run", *clients_of],
            "exporter": [*python, "leadscout_assets.cli", "exporter"],
        }
        code_server, webserver, daemon, exporter = (
            Child(name, command, environment, self._settings.dagster_dir, self._settings.logs_dir)
            for name, command in commands.items()
        )
        return code_server, webserver, daemon, exporter

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

    def _patient(self, began: float, seconds: float) -> bool:
        """Say whether there is time left, and nobody insists."""
        return self._requests.count < 2 and time.monotonic() - began < seconds

    def _close(self) -> None:
        if self._runs is not None:
            self._runs.close()
            self._runs = None
