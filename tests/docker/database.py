"""A PostgreSQL server that does what the compose file's `postgres` service does: its options, its first start, its secrets.

Unlike the session's server in `tests.postgres` it asks for passwords, and may be stopped and started.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.postgres import START_SECONDS, _as, _binaries, _owner

NOT_TO_LAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "unix_socket_directories": ""}
"""The data does not outlive the test."""


class DatabaseServer:
    """The server, with the binaries of this machine."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], port: int, first: Path) -> None:
        """Take the service's command and environment, places replaced; `first` is what the image runs at its first start."""
        self.port = port
        self._owner = _owner()
        # Not below pytest's folders: those are closed to the server's user.
        self.folder = Path(tempfile.mkdtemp(prefix="leadscout-compose-", dir=None if self._owner is None else "/tmp"))
        if self._owner is not None:
            os.chown(self.folder, self._owner.pw_uid, self._owner.pw_gid)
        self.binaries = _binaries(self.folder, self._owner)
        self._environment = {"PATH": f"{self.binaries}:{os.environ['PATH']}", **environment}
        self._command = [*command, "-D", str(self.folder / "data"), "-p", str(port), "-h", "127.0.0.1"]
        self._command += [f"--{name}={value}" for name, value in NOT_TO_LAST.items()]
        self._first = first
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server; at the first start make the cluster and its databases before."""
        new = not (self.folder / "data").exists()
        if new:
            self._make()
        self._serve()
        if new:
            self.type("psql", "--dbname", "postgres", "--no-psqlrc", "--quiet", "--file", str(self._first))

    def stop(self) -> None:
        """Stop the server as its container is stopped: whoever is connected is cut off."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        self.process.wait(START_SECONDS)

    def remove(self) -> None:
        """End the server and throw its data away."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(START_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)

    def type(self, program: str, *arguments: str) -> str:
        """Run one of PostgreSQL's client programs as the superuser, and return what it says."""
        user, password = self._environment["POSTGRES_USER"], Path(self._environment["POSTGRES_PASSWORD_FILE"])
        # The image's entry point does the same for its own `psql`.
        environment = self._environment | {"PGPASSWORD": password.read_text().strip()}
        place = ["--host", "127.0.0.1", "--port", str(self.port), "--username", user]
        done = subprocess.run(
            [str(self.binaries / program), *place, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _make(self) -> None:
        password = self.folder / "password"
        password.write_bytes(Path(self._environment["POSTGRES_PASSWORD_FILE"]).read_bytes())
        if self._owner is not None:
            os.chown(password, self._owner.pw_uid, self._owner.pw_gid)
        options = self._environment["POSTGRES_INITDB_ARGS"].split()
        making = ["initdb", "-D", str(self.folder / "data"), "-U", self._environment["POSTGRES_USER"], "--no-sync"]
        self._run([*making, *options, "--auth=scram-sha-256", f"--pwfile={password}"])
        password.unlink()

    def _run(self, command: list[str]) -> None:
        subprocess.run(  # type: ignore[call-overload]
            [str(self.binaries / command[0]), *command[1:]],
            cwd=self.folder,
            env=self._environment,
            check=True,
            stdout=subprocess.DEVNULL,
            **_as(self._owner),
        )

    def _serve(self) -> None:
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(  # type: ignore[call-overload]
                [str(self.binaries / self._command[0]), *self._command[1:]],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=self._environment,
                start_new_session=True,
                **_as(self._owner),
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            assert self.process is not None
            assert self.process.poll() is None, (self.folder / "server.log").read_text()
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.05)

    def answers(self) -> bool:
        """Say whether the server takes connections."""
        asking = [str(self.binaries / "pg_isready"), "--quiet", "--host", "127.0.0.1", "--port", str(self.port)]
        return subprocess.run(asking, env=self._environment, check=False).returncode == 0
