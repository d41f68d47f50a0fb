"""The embedded Dagster instance on disk: its folder, its two configuration files and its processes' environment.

Starts nothing and asks nothing of the network but a free port.
"""

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from leadscout_assets.folders import make_private
from leadscout_assets.settings import Settings

LOCATION = "leadscout"
MARK = "LEADSCOUT_PLATFORM_OF"
"""Environment variable that marks each process of a platform with the home it serves."""

HEAPS = "2"
"""Of malloc: glibc gives each thread one of its own, up to eight for each processor, and each keeps what it once needed. A code
server with forty threads grew from run to run by that (mallopt(3), M_ARENA_MAX)."""

SOCKET_PATH_BYTES = 100
"""Longest path of a unix socket used: Linux allows 107 bytes, macOS 103."""


@dataclass(frozen=True)
class Address:
    """Where the code server listens: a unix socket, or a port of the loopback interface. Exactly one is set."""

    socket: Path | None = None
    port: int | None = None

    @property
    def arguments(self) -> list[str]:
        """The options of `dagster api grpc` for this address."""
        if self.socket is not None:
            return ["--socket", str(self.socket)]
        return ["--host", "127.0.0.1", "--port", str(self.port)]

    def answers(self) -> bool:
        """Say whether the code server takes connections. It binds the address once its definitions are loaded."""
        family = socket.AF_UNIX if self.socket is not None else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as client:
            client.settimeout(1.0)
            try:
                client.connect(str(self.socket) if self.socket is not None else ("127.0.0.1", self.port))
            except OSError:
                return False
        return True


@dataclass(frozen=True)
class Instance:
    """The embedded instance; `folder` is its `DAGSTER_HOME`."""

    folder: Path


@dataclass(frozen=True)
class Workspace:
    """What the webserver and the daemon are told of the code server: the file, and the address that stands in it."""

    file: Path
    address: Address


def prepare_instance(settings: Settings) -> Instance:
    """Make the instance's folder with its `dagster.yaml`, whatever was there. Safe to repeat while a platform runs."""
    folder = settings.dagster_dir
    # Whoever reaches the code server's socket can start runs: nobody but this user may.
    make_private(folder)
    file = configuration(on_postgres=settings.dagster_database_url is not None)
    _write_if_different(folder / "dagster.yaml", file.read_text(encoding="utf-8"))
    return Instance(folder)


def prepare_workspace(instance: Instance) -> Workspace:
    """Choose where the code server listens and write it to `workspace.yaml`. Only for whoever holds the home."""
    address = _choose_address(instance.folder)
    file = instance.folder / "workspace.yaml"
    place = {"port": address.port, "host": "127.0.0.1"} if address.socket is None else {"socket": str(address.socket)}
    # JSON is YAML, and quotes whatever characters a path may have.
    text = json.dumps({"load_from": [{"grpc_server": {**place, "location_name": LOCATION}}]}, indent=2)
    _write_if_different(file, f"{text}\n")
    return Workspace(file, address)


def configuration(*, on_postgres: bool = False) -> Path:
    """Return the file that configures the instance, a part of the package. The ones at the root and in docker/ link to them."""
    return Path(__file__).with_name("dagster-postgres.yaml" if on_postgres else "dagster.yaml")


def child_environment(settings: Settings, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the platform's processes: `inherited`, and the settings as *this* process has them.

    Settings may come from the command line, and paths may be relative to this process's folder, not the children's.
    """
    environment = dict(inherited)
    for name in type(settings).model_fields:
        environment.pop(f"LEADSCOUT_{name.upper()}", None)
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        if value is not None:
            environment[f"LEADSCOUT_{name.upper()}"] = str(value)
    environment.setdefault("MALLOC_ARENA_MAX", HEAPS)
    environment["DAGSTER_HOME"] = str(settings.dagster_dir)
    environment[MARK] = str(settings.home)
    # gRPC would ask a proxy for the way to the next process.
    for name in ("no_proxy", "NO_PROXY"):
        environment[name] = ",".join(filter(None, [inherited.get(name), "localhost,127.0.0.1"]))
    return environment


def _choose_address(folder: Path) -> Address:
    path = folder / "code-server.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES:
        return Address(socket=path)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return Address(port=int(probe.getsockname()[1]))


def _write_if_different(path: Path, text: str) -> None:
    """Replace the file atomically: a process that starts at this moment reads the old one or the new one."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
