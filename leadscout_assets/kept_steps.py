"""The results of the finished steps of one run outside Dagster, kept beside its report until it has succeeded.

What the steps are, and what they make, is `single_run`'s. What is kept holds rows as delivered: for this user alone.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from leadscout_assets.errors import EdgeFailed
from leadscout_assets.folders import make_private

FOLDER = ".leadscout-run"
STATE = "state.json"
LOCK = ".lock"

Made = tuple[pa.Table, ...]


class KeptSteps:
    """The kept steps of one input in one folder for reports.

    `basis` is what the results depend on (digests of input, key and settings, version): kept under any other, they are
    not used. Nothing is written before the first step is kept. A second run of the same file into the same folder at the
    same time keeps nothing, and works.
    """

    def __init__(self, out: Path, sha256: str, basis: Mapping[str, str], *, resume: bool) -> None:
        """Look for what is kept; without `resume` it is not used, and replaced."""
        self.folder = out / FOLDER / sha256[:16]
        self.about: dict[str, Any] = {}
        self.finished: list[str] = []
        self.used: list[str] = []
        self._basis = dict(basis)
        self._lock: int | None = None
        self._mine = True
        if resume and self.folder.is_dir() and self._hold():
            self._read()

    def step(self, name: str, make: Callable[[], Made], *, usable: Callable[[Made], bool] = lambda _: True) -> Made:
        """Return what the step made before the interruption where that is kept and usable, else make and keep it."""
        if name in self.finished and (kept := self._load(name)) is not None and usable(kept):
            self.used.append(name)
            return kept
        made = make()
        self._keep(name, made)
        return made

    def remove(self) -> None:
        """Remove everything that is kept: the run has succeeded, or can never."""
        if self._mine and self.folder.is_dir():
            shutil.rmtree(self.folder, ignore_errors=True)
            # Others may keep theirs beside it.
            with suppress(OSError):
                self.folder.parent.rmdir()
        self.close()

    def close(self) -> None:
        """Let go of the folder; what is kept stays."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _read(self) -> None:
        try:
            state = orjson.loads((self.folder / STATE).read_bytes())
        except (OSError, orjson.JSONDecodeError):
            return
        if state.get("basis") == self._basis:
            self.about, self.finished = state["about"], state["finished"]

    def _load(self, name: str) -> Made | None:
        tables = []
        try:
            for path in sorted(self.folder.glob(f"{name}-*.arrow")):
                with pa.memory_map(str(path)) as source:
                    tables.append(pa.ipc.open_file(source).read_all())
        except (OSError, pa.ArrowException):
            return None  # cut by a loss of power: made again
        return tuple(tables) or None

    def _keep(self, name: str, made: Made) -> None:
        try:
            if not self._hold():
                return
            for number, table in enumerate(made):
                temporary = self.folder / f".{name}-{number}.{os.getpid()}"
                options = pa.ipc.IpcWriteOptions(compression="lz4")
                with (
                    pa.OSFile(str(temporary), "wb") as sink,
                    pa.ipc.new_file(sink, table.schema, options=options) as file,
                ):
                    file.write_table(table)
                temporary.replace(self.folder / f"{name}-{number}.arrow")
            if name not in self.finished:
                self.finished.append(name)
            self._write_state()
        except OSError as error:
            raise EdgeFailed(
                f"the step's result cannot be kept below --out: {error.strerror}; check free space and permissions"
            ) from None

    def _write_state(self) -> None:
        state = {"basis": self._basis, "about": self.about, "finished": self.finished}
        temporary = self.folder / f".{STATE}.{os.getpid()}"
        temporary.write_bytes(orjson.dumps(state))
        temporary.replace(self.folder / STATE)

    def _hold(self) -> bool:
        """Say whether the folder is this run's, making it where it is not there."""
        if self._lock is not None or not self._mine:
            return self._mine
        import fcntl  # POSIX only, like the platform

        make_private(self.folder)
        descriptor = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            self._mine = False
            return False
        self._lock = descriptor
        return True


def finished_in(folder: Path) -> list[str]:
    """Return the names of the steps that are kept in a folder; none where it is gone."""
    try:
        state = orjson.loads((folder / STATE).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return []
    return list(state.get("finished", ()))
