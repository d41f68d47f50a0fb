"""The services of compose.prod.yaml as processes of this machine: started, asked, killed and started again as it says.

Command, environment, secrets, volumes, health checks and restart policies are read from the file; only the places are
replaced: a container's host name by the loopback address, its ports, folders and secrets by ones of the test's own.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import psutil

from leadscout_assets.home import Home
from leadscout_assets.settings import Settings, read_settings
from leadscout_assets.supervisor.graphql import graphql
from tests.defs.graphql import STATUSES
from tests.docker import compose
from tests.docker.database import DatabaseServer
from tests.e2e.terminal import PATIENCE, RUNS, free_port

DATABASE = "postgres"
POLL_SECONDS = 0.5
OVER_BATCHES = ("dagster/partition", "dagster/asset_partition_range_start")
"""A run over batches has one of these tags; the first run of all, which shows the reference data, has none."""

ENDED = ("SUCCESS", "FAILURE", "CANCELED")
Found = TypeVar("Found")


class Stack:
    """The services on a folder of the test's own, with LeadScout as it is installed in `prefix`."""

    def __init__(self, folder: Path, prefix: Path, **variables: str) -> None:
        """Read the file; `variables` are those that an operator sets."""
        self.folder, self.prefix = folder, prefix
        self.inbox, self.secrets = folder / "inbox", folder / "secrets"
        variables = {"LEADSCOUT_IMAGE": "leadscout:test", "LEADSCOUT_SECRETS_DIR": str(self.secrets), **variables}
        described = compose.read(compose.PRODUCTION, variables)
        self.services = dict(described["services"])
        self._ports = {number: str(free_port()) for number in compose.ports(self.services)}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._stopped: set[str] = set()
        self._make_secrets(described["secrets"])
        self._places = self._make_places()
        self.environments = {name: self._environment(name) for name in self.services}
        self.database = DatabaseServer(
            self._command(DATABASE),
            self.environments[DATABASE],
            int(self._ports["5432"]),
            Path(self._local("/docker-entrypoint-initdb.d/databases.sql")),
        )
        self.tools = f"{prefix}/bin:{self.database.binaries}:{os.environ['PATH']}"

    @property
    def url(self) -> str:
        """Address of the UI."""
        return f"http://127.0.0.1:{self._ports['3000']}"

    @property
    def settings(self) -> Settings:
        """The settings that the code location reads, for looking at what it made."""
        own = self.environments["code-location"]
        names = ("home", "inbox", "backup_dir", "database_password_file")
        names += ("database_url", "dagster_database_url", "drill_database_url")
        return read_settings(**{name: own[f"LEADSCOUT_{name.upper()}"] for name in names})

    # --- processes ---

    def up(self) -> None:
        """Start every service once those that it depends on are healthy, and return when all are."""
        waiting = dict(self.services)
        while waiting:
            ready = [name for name, service in waiting.items() if not set(service.get("depends_on", {})) & set(waiting)]
            for name in ready:
                self.start(name)
            for name in ready:
                self.until(lambda name=name: self.healthy(name), f"{name} is healthy")  # type: ignore[misc]
                del waiting[name]

    def start(self, name: str) -> None:
        """Start one service."""
        self._stopped.discard(name)
        if name == DATABASE:
            self.database.start()
            return
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                self._command(name),
                env=self.environments[name] | {"PATH": self.tools},
                cwd=self.folder / "home",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def healthy(self, name: str) -> bool:
        """Ask a service's own health check, as Docker does."""
        test = [str(word) for word in self.services[name]["healthcheck"]["test"]]
        if not all(_listens(self._ports[number]) for number in compose.ports_in(test)):
            # Most checks are a process that imports Dagster, which would only slow down the start of what it asks.
            return False
        kind, *test = [self._local(word) for word in test]
        assert kind == "CMD"
        environment = self.environments[name] | {"PATH": self.tools}
        asked = subprocess.run(test, env=environment, cwd=self.folder / "home", capture_output=True, check=False)
        return asked.returncode == 0

    def kill(self, name: str) -> None:
        """Kill a service: the kernel ends all processes of a container whose first one dies."""
        for process in [self._processes[name].pid, *self._descendants(name)]:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._processes[name].wait()

    def tend(self) -> None:
        """Start again what ended, where the file's restart policy says so."""
        for name, process in self._processes.items():
            if process.poll() is not None and name not in self._stopped:
                assert self.services[name]["restart"] == "unless-stopped"
                self.start(name)

    def stop(self, name: str) -> int:
        """Stop a service as `docker compose stop` does, within its grace period; return its exit code."""
        self._stopped.add(name)
        grace = int(self.services[name]["stop_grace_period"].removesuffix("s"))
        self._processes[name].send_signal(signal.SIGTERM)
        return self._processes[name].wait(grace)

    def down(self) -> None:
        """End everything."""
        for name in self._processes:
            self.kill(name)
        self.database.remove()

    def pids(self, name: str) -> list[int]:
        """Return the ids of a service's processes."""
        return [self._processes[name].pid, *self._descendants(name)]

    def _descendants(self, name: str) -> list[int]:
        try:
            return [child.pid for child in psutil.Process(self._processes[name].pid).children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    # --- what people do ---

    def until(self, condition: Callable[[], Found | None], why: str) -> Found:
        """Ask until the answer is something, starting again what ends meanwhile; fail saying what was awaited."""
        deadline = time.monotonic() + PATIENCE
        while not (found := condition()):
            assert time.monotonic() < deadline, f"not within {PATIENCE:.0f} s: {why}; see {self.folder}\n{self.said()}"
            self.tend()
            time.sleep(POLL_SECONDS)
        return found

    def type(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Type a command in the code location's container: `docker compose exec code-location ...`."""
        environment = self.environments["code-location"] | {"PATH": self.tools}
        return subprocess.run(
            command, env=environment, cwd=self.folder / "home", capture_output=True, text=True, check=False
        )

    def ask(self, query: str, **variables: object) -> Mapping[str, Any]:
        """Ask the UI's GraphQL."""
        return graphql(self.url, query, variables)

    def runs(self) -> list[dict[str, Any]]:
        """Return the runs over batches, the newest first; at a full hour a schedule may start one of its own."""
        found = self.ask(RUNS)["runsOrError"]["results"]
        return [run for run in found if any("partition" in tag["key"] for tag in run["tags"])]

    def assets(self) -> dict[str, dict[str, Any]]:
        """Return, per asset, its batches by status and its checks' batches by verdict."""
        return {
            node["assetKey"]["path"][0]: {
                "batches": node["assetPartitionStatuses"],
                "checks": {check["name"]: check["partitionStatuses"] for check in node["assetChecksOrError"]["checks"]},
            }
            for node in self.ask(STATUSES)["assetNodes"]
        }

    def drop(self, name: str, content: str | Path) -> None:
        """Drop a file in the inbox."""
        text = content.read_bytes() if isinstance(content, Path) else content.encode()
        (self.inbox / name).write_bytes(text)

    def in_mid_run(self) -> bool:
        """Say whether a run over batches has begun and not ended."""
        return any(
            run["status"] == "STARTED" and any(tag["key"] in OVER_BATCHES for tag in run["tags"]) for run in self.runs()
        )

    def reported(self, *names: str) -> dict[str, str]:
        """Wait until the batches of these files have their reports and no run is under way; return their ids by file."""

        def look() -> dict[str, str] | None:
            home = Home(self.settings)
            try:
                records = {home.store.manifest(record.sha256): record for record in home.records.all()}
                done = {
                    m.file_name: r.batch_id for m, r in records.items() if m is not None and r.reported_at is not None
                }
            finally:
                home.database.close()
            resting = all(run["status"] in ENDED for run in self.runs())
            return {name: done[name] for name in names} if set(names) <= set(done) and resting else None

        return self.until(look, f"{', '.join(names)} are reported")

    def said(self) -> str:
        """Return the last lines of what the services wrote."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {log.name}\n" + "\n".join(log.read_text().splitlines()[-15:]) for log in logs)

    # --- places ---

    def _make_secrets(self, secrets: Mapping[str, Mapping[str, str]]) -> None:
        self.secrets.mkdir()
        for name, secret in secrets.items():
            assert Path(secret["file"]) == self.secrets / name
            Path(secret["file"]).write_text(f"{name}:/@?%& with awkward characters\n")

    def _make_places(self) -> dict[str, str]:
        folders = {"/opt/leadscout": self.prefix, "/run/secrets": self.secrets, "/srv/inbox": self.inbox}
        folders["/srv/backups"] = self.folder / "backups"
        folders["/var/lib/leadscout"] = self.folder / "home"
        for service in self.services.values():
            for source, target in (volume.split(":")[:2] for volume in service.get("volumes", [])):
                if source.startswith("./"):
                    folders[target] = compose.DOCKER / source
                else:
                    assert target in folders or service is self.services[DATABASE], target
        for name in ("home", "inbox", "backups"):
            (self.folder / name).mkdir()
        return {place: str(folder) for place, folder in folders.items()}

    def _local(self, text: str) -> str:
        for number, port in self._ports.items():
            text = re.sub(rf"(?<![\w.]){number}(?![\w.])", port, text)
        for place, folder in self._places.items():
            text = text.replace(place, folder)
        return text.replace("0.0.0.0", "127.0.0.1")  # taken away, not bound

    def _command(self, name: str) -> list[str]:
        return [self._local(str(word)) for word in self.services[name]["command"]]

    def _environment(self, name: str) -> dict[str, str]:
        """Return the service's environment, and nothing of the test's own but where temporary files go."""
        service = self.services[name]
        own = {key: str(value) for key, value in service["environment"].items()}
        image = compose.image_environment() if name != DATABASE else {}
        found = {key: self._local(value) for key, value in {**image, **own}.items() if key != "PATH"}
        for host in self.services:
            found = {key: re.sub(rf"(^|@){host}(?=:|$)", r"\g<1>127.0.0.1", value) for key, value in found.items()}
        granted = {f"{self.secrets}/{secret}" for secret in service["secrets"]}
        used = {value for value in found.values() if value.startswith(str(self.secrets))}
        assert used <= granted, f"{name} reads secrets that it is not given"
        return found | {"TMPDIR": str(self.folder), "LANG": "C.UTF-8"}


def _listens(port: str) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", int(port))) == 0
