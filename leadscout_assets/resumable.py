"""Notes of work that was begun and can be gone on with: how, and by whom it was begun. Who reads them is `status`.

They hold paths, which may be personal, and so lie in the home and not among the logs.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from leadscout_assets.folders import make_private
from leadscout_assets.processes import identity, is_alive
from leadscout_assets.settings import Settings

FOLDER = "resumable"

KEYS = frozenset(("operation", "arguments", "folder", "finished", "kept", "batches", "pid", "process", "begun_at"))
"""What every note holds; a file without them is none, whatever wrote it."""


@dataclass(frozen=True)
class Resumable:
    """Work that nobody is at any more. `command` goes on with it; `finished` names the steps that are not done again."""

    operation: str
    command: str
    finished: tuple[str, ...]
    begun_at: str

    def to_json(self) -> dict[str, object]:
        """Return everything as plain values."""
        return {**vars(self), "finished": list(self.finished)}


def note(
    settings: Settings,
    key: str,
    operation: str,
    arguments: Sequence[str],
    *,
    finished: Sequence[str] = (),
    kept: Path | None = None,
    batches: Sequence[str] = (),
) -> None:
    """Note that `leadscout ARGUMENTS` goes on with what this process has begun: while `kept` is there, with `batches`.

    A note that cannot be written is left out: the work is worth more than the word of it.
    """
    told = {
        "operation": operation,
        "arguments": list(arguments),
        "folder": str(Path.cwd()),
        "finished": list(finished),
        "kept": str(kept.absolute()) if kept else None,
        "batches": list(batches),
        "pid": os.getpid(),
        "process": identity(os.getpid()),
        "begun_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    path = _path(settings, key)
    with suppress(OSError):
        make_private(path.parent)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        # Not orjson: a path may hold bytes that are no UTF-8, and whoever asks where leads are kept must find it all the same.
        temporary.write_text(json.dumps(told), encoding="ascii")
        temporary.chmod(0o600)
        temporary.replace(path)


def forget(settings: Settings, key: str) -> None:
    """Take the note back: the work is done, or can never be."""
    with suppress(OSError):
        _path(settings, key).unlink(missing_ok=True)


@dataclass(frozen=True)
class KeptRun:
    """Work whose finished steps are kept in a `folder`, wherever that is. `pid` is who is at it, None where nobody is any more."""

    note: Path
    folder: Path
    arguments: str
    pid: int | None

    def remove(self) -> None:
        """Remove what is kept, and the word of it. Raises `OSError` where that cannot be."""
        if self.folder.is_dir():
            shutil.rmtree(self.folder)
        with suppress(OSError):
            self.folder.parent.rmdir()  # others may keep theirs beside it
        self.note.unlink(missing_ok=True)


def kept_runs(settings: Settings) -> list[KeptRun]:
    """Return every work known to keep finished steps, under way or interrupted."""
    found = []
    for path in sorted((settings.background_dir / FOLDER).glob("*.json")):
        told = _read(path)
        if told is not None and told["kept"]:
            pid = told["pid"] if is_alive(told["pid"], told["process"]) else None
            found.append(KeptRun(path, Path(told["kept"]), " ".join(told["arguments"]), pid))
    return found


def batches_of(settings: Settings, key: str) -> list[str]:
    """Return the batches that are still to be done, none where there is no such note."""
    told = _read(_path(settings, key))
    return list(told["batches"]) if told else []


def resumables(settings: Settings) -> list[Resumable]:
    """Return what can be gone on with, the oldest first. Notes of what is gone, or of work under way, are left out."""
    found = []
    for path in sorted((settings.background_dir / FOLDER).glob("*.json")):
        told = _read(path)
        if told is None or is_alive(told["pid"], told["process"]):
            continue
        if told["kept"] and not Path(told["kept"]).is_dir():
            path.unlink(missing_ok=True)
            continue
        command = shlex.join(["leadscout", *told["arguments"]])
        here = Path(told["folder"])
        where = "" if here == Path.cwd() else f"cd {shlex.quote(str(here))} && "
        # What no terminal shows and no JSON holds, as an escape.
        typed = (where + command).encode(errors="backslashreplace").decode()
        found.append(Resumable(told["operation"], typed, tuple(told["finished"]), told["begun_at"]))
    return sorted(found, key=lambda one: one.begun_at)


def _path(settings: Settings, key: str) -> Path:
    return settings.background_dir / FOLDER / f"{key}.json"


def _read(path: Path) -> dict[str, Any] | None:
    try:
        told = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) and told.keys() >= KEYS else None
