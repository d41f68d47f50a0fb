"""The code location as a service of its own, behind `leadscout code-location`: one code server and its runs.

Where webserver, daemon and database are other services, in containers. On one machine without them: `platform`.
"""

import os
import signal
import sys
import time

import psutil

from leadscout_assets.errors import EdgeFailed
from leadscout_assets.logs import get_logger
from leadscout_assets.settings import Settings
from leadscout_assets.supervisor.children import Child
from leadscout_assets.supervisor.foreground import StopAsked, StopRequests, stop_requests
from leadscout_assets.supervisor.instance import LOCATION, Address, child_environment, prepare_instance
from leadscout_assets.supervisor.interrupted_runs import LOOK_SECONDS, Runs, signal_process
from leadscout_assets.supervisor.lock import hold_home
from leadscout_assets.supervisor.platform import (
    DAGSTER_PROCESS,
    DEFINITIONS,
    GRACE_SECONDS,
    POLL_SECONDS,
    WORKERS_SECONDS,
)

log = get_logger(__name__)


def serve_code_location(settings: Settings, host: str, port: int, *, module: str = DEFINITIONS) -> int:
    """Serve the definitions and execute their runs in the foreground until SIGINT, SIGTERM or SIGHUP; return 0 then.

    Runs that the last code location of this home left under way are failed as soon as this one serves, and so retried: it
    is the only one, and its processes went with it. Whoever restarts it must be somebody else, such as a container's
    restart policy.

    Raises `AlreadyRunning` when another one holds the home, `EdgeFailed` when the code server ends by itself, and what
    storage raises when it is away at the start.
    """
    settings = settings.model_copy(update={"home": settings.home.resolve()})
    with hold_home(settings.home), stop_requests() as requests:
        instance = prepare_instance(settings)
        runs = Runs(instance.folder, settings.home)
        server = _code_server(settings, host, port, module)
        try:
            runs.take_over()
            server.start()
            _watch(server, runs, Address(port=port), requests)
        except StopAsked:
            pass
        finally:
            _stop(server, runs, requests)
    return 0


def _code_server(settings: Settings, host: str, port: int, module: str) -> Child:
    # Not `dagster code-server start`: that is a second process with the definitions, to reload code that here never changes.
    command = [sys.executable, "-m", DAGSTER_PROCESS, "dagster", "api", "grpc", "--host", host, "--port", str(port)]
    command += ["--location-name", LOCATION, "-m", module]
    command += ["--log-format", "json"] if settings.log_format == "json" else []
    return Child("code-server", command, child_environment(settings, os.environ), settings.dagster_dir, logs=None)


def _watch(server: Child, runs: Runs, address: Address, requests: StopRequests) -> None:
    look, served = time.monotonic() + LOOK_SECONDS, False
    while server.runs:
        requests.pause(POLL_SECONDS)
        # No look before it serves: what was left behind would be forgotten.
        if time.monotonic() >= look and (served := served or address.answers()):
            runs.look(address.answers)
            look = time.monotonic() + LOOK_SECONDS
    raise EdgeFailed(f"the code server ended with code {server.exit_code}; its last lines above say why")


def _stop(server: Child, runs: Runs, requests: StopRequests) -> None:
    """End the runs, then the server, then what is left; interrupted runs start anew with the next code location."""
    began = time.monotonic()
    asked: set[psutil.Process] = set()
    while _patient(requests, began, WORKERS_SECONDS) and not runs.interrupt(server, asked):
        time.sleep(POLL_SECONDS)
    server.terminate()
    while _patient(requests, began, GRACE_SECONDS) and server.runs:
        time.sleep(POLL_SECONDS)
    server.kill_group()
    for worker in asked:
        signal_process(worker, signal.SIGKILL)
    psutil.wait_procs(asked, timeout=1.0)
    runs.close()
    log.info("code location stopped", seconds=round(time.monotonic() - began, 1))


def _patient(requests: StopRequests, began: float, seconds: float) -> bool:
    return requests.count < 2 and time.monotonic() - began < seconds
