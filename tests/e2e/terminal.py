"""What people do with the platform: type commands, drop files, look at the UI, pull plugs. What is tested stands in the tests."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from leadscout_assets.supervisor.children import belongs_to
from tests.defs.graphql import STATUSES
from tests.waiting import PATIENCE, until

ROOT = Path(__file__).parents[2]
STOPS_WITHIN = 30.0
"""Seconds from the signal to the end: the platform's own 8, and what a loaded machine adds (13 were seen in all)."""

OVER = ("SUCCESS", "FAILURE", "CANCELED")

RUNS = """{
  runsOrError { ... on Runs { results { runId status parentRunId startTime tags { key value } } } }
}"""


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    stdout: str
    stderr: str


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Terminal:
    """One home and the commands typed on it. All that they say is kept in files below `folder`."""

    def __init__(self, folder: Path, **environment: str) -> None:
        """Take a folder of the test's own; `environment` holds further settings."""
        self.folder, self.home = folder, folder / "home"
        self.inbox, self.port = self.home / "inbox", free_port()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LEADSCOUT_")}
        own = {"LEADSCOUT_HOME": str(self.home), "LEADSCOUT_PORT": str(self.port), "PYTHONPATH": str(ROOT)}
        # Several platforms at once would want one port; that there is an exporter, tests/supervisor shows.
        own["LEADSCOUT_EXPORTER_PORT"] = "0"
        self.environment = kept | own | environment
        self.command = [sys.executable, "-c", "from leadscout_assets.cli import main; main()"]
        self.platform: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address of the UI."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def said(self) -> str:
        """All that the platform has written to its terminal so far."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("up.*")))

    def type(self, *arguments: str, **environment: str) -> Said:
        """Type a command, wait for its end, and return what it said."""
        done = subprocess.run(
            [*self.command, *arguments],
            env=self.environment | environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def up(self, arguments: Sequence[str] = ("up",), *, command: list[str] | None = None, says: str = "is up") -> None:
        """Start the platform by a command that stays, and return once it `says` that it is up."""
        before = self.said.count(says)
        with (self.folder / "up.out").open("ab") as out, (self.folder / "up.err").open("ab") as err:
            self.platform = subprocess.Popen(
                [*(command or self.command), *arguments],
                env=self.environment,
                cwd=ROOT,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        platform = self.platform
        until(lambda: self.said.count(says) > before or platform.poll() is not None, "the platform is up")
        assert platform.poll() is None, self.said

    def is_up(self) -> bool:
        """Say whether the platform runs."""
        return self.platform is not None and self.platform.poll() is None

    def stop(self) -> float:
        """Stop the platform as a service manager does, and return the seconds it took. It must end well."""
        assert self.platform is not None
        began = time.monotonic()
        self.platform.send_signal(signal.SIGTERM)
        assert self.platform.wait(PATIENCE) == 0, self.said
        return time.monotonic() - began

    def pull_the_plug(self) -> None:
        """Kill everything at once: the supervisor, what it started, and what those started."""
        if self.platform is not None:
            self.platform.kill()
            self.platform.wait()
        for process in self.processes():
            process.kill()
        psutil.wait_procs(self.processes(), timeout=10)

    def processes(self) -> list[psutil.Process]:
        """Return the platform's processes that live, the supervisor apart."""
        return [p for p in psutil.process_iter() if belongs_to(p, self.home) and p.status() != psutil.STATUS_ZOMBIE]

    def workers(self) -> list[psutil.Process]:
        """Return the processes that execute runs."""
        return [process for process in self.processes() if "--multiprocessing-fork" in _command_line(process)]

    def drop(self, source: Path, name: str | None = None) -> Path:
        """Drop a file in the inbox the way a file manager does: written bit by bit, under its name from the start."""
        self.inbox.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copyfile(source, self.inbox / (name or source.name)))

    def ask(self, query: str, **variables: object) -> Mapping[str, Any]:
        """Ask the UI's GraphQL."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/graphql", data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            told = json.load(answer)
        assert "errors" not in told, told["errors"]
        return dict(told["data"])

    def answers(self) -> bool:
        """Say whether the UI answers: a webserver that died is started again a second later."""
        try:
            with urllib.request.urlopen(self.url, timeout=PATIENCE):
                return True
        except OSError:
            return False

    def runs(self) -> list[dict[str, Any]]:
        """Return the runs over batches, the newest first; at a full hour a schedule may start one of its own."""
        found = self.ask(RUNS)["runsOrError"]["results"]
        return [run for run in found if any("partition" in tag["key"] for tag in run["tags"])]

    def batches(self) -> list[dict[str, Any]]:
        """Return what `leadscout batches --json` lists."""
        return list(json.loads(self.type("batches", "--json").stdout))

    def assets(self) -> dict[str, dict[str, Any]]:
        """Return, per asset, its batches by status and its checks' batches by verdict."""
        return {
            node["assetKey"]["path"][0]: {
                "batches": node["assetPartitionStatuses"],
                "checks": {check["name"]: check["partitionStatuses"] for check in node["assetChecksOrError"]["checks"]},
            }
            for node in self.ask(STATUSES)["assetNodes"]
        }

    def materialized(self, asset: str) -> set[str]:
        """Return the batches that an asset is materialized for."""
        return set(self.assets()[asset]["batches"].get("materializedPartitions", ()))

    def rest(self) -> bool:
        """Say whether no run is under way."""
        return all(run["status"] in OVER for run in self.runs())

    def runs_over(self) -> int:
        """Return how many runs have ended, one way or another."""
        return sum(run["status"] in OVER for run in self.runs())


def reported(terminal: Terminal, names: set[str]) -> dict[str, dict[str, object]]:
    """Wait until the batches of these files are reported or refused and no run is under way; return them by file.

    Forty files whose runs were killed are more than a slow machine does in one `PATIENCE`: it begins anew while runs end.
    """
    from leadscout_assets.batch_overview import details
    from leadscout_assets.home import Home
    from leadscout_assets.settings import read_settings

    home = Home(read_settings(home=terminal.home))

    def done() -> dict[str, dict[str, object]]:
        batches = [details(home, record.batch_id).to_json() for record in home.records.all()]
        return {str(batch["file"]): batch for batch in batches if batch["state"] in ("reported", "refused")}

    def missing() -> object:
        return {
            "files": sorted(names - set(done())),
            "inbox": sorted(path.name for path in terminal.inbox.iterdir()),
            "runs": [run for run in terminal.runs() if run["status"] not in OVER],
        }

    def further() -> bool:
        return (terminal.rest() and names <= set(done())) or terminal.runs_over() > over

    try:
        until(terminal.answers, "the UI answers")
        while not (terminal.rest() and names <= set(found := done())):
            over = terminal.runs_over()
            until(further, f"{len(names)} files are reported", instead=missing)
        return {name: found[name] for name in names}
    finally:
        home.database.engine.dispose()


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
