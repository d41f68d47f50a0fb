"""What the platform says about itself over HTTP: is the UI up, are the definitions loaded, do the daemons beat.

Reads only; needs no Dagster in this process.
"""

import socket
from typing import Any

from leadscout_assets.errors import BadSetting, EdgeFailed
from leadscout_assets.supervisor.graphql import graphql

QUERY = """{
  workspaceOrError { ... on Workspace { locationEntries { name loadStatus locationOrLoadError { __typename } } } }
  instance { daemonHealth { allDaemonStatuses { daemonType required lastHeartbeatTime } } }
}"""


def url_of(host: str, port: int) -> str:
    """Return the address at which this machine reaches a server that listens on `host`."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # compared, not bound
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def check_port_is_free(host: str, port: int) -> None:
    """Raise `BadSetting` when something listens there already, or nothing could."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise BadSetting(
            f"LEADSCOUT_HOST, LEADSCOUT_PORT: cannot listen on {host} port {port} ({error.strerror}); "
            "stop the program that uses it, or choose another port"
        ) from None


def awaited(url: str, since: float, timeout: float = 5.0) -> str | None:
    """Return what the platform at `url` is still to become ready; None when it is.

    `since`: heartbeats before this time (seconds since 1970) are those of an earlier daemon.
    """
    try:
        data = graphql(url, QUERY, timeout=timeout)
    except EdgeFailed:
        data = {}
    if not data:
        return "the UI's answer"
    return awaited_in(data, since)


def awaited_in(data: Any, since: float) -> str | None:
    """Return what is missing in the UI's answer to `QUERY`; None when nothing is."""
    locations = data["workspaceOrError"].get("locationEntries", [])
    loaded = [
        entry for entry in locations if (entry["locationOrLoadError"] or {}).get("__typename") == "RepositoryLocation"
    ]
    if not loaded:
        return "the definitions"
    daemons = data["instance"]["daemonHealth"]["allDaemonStatuses"]
    silent = [d["daemonType"] for d in daemons if d["required"] and (d["lastHeartbeatTime"] or 0.0) < since]
    return f"a heartbeat of the daemon ({', '.join(sorted(silent))})" if silent or not daemons else None
