"""`progress/current-operation.log`: the beginning and the end of each operation of the run or command that began last.

For whoever wants to know what is being done now, whatever the level. How far an operation has come is not here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import orjson
from structlog.contextvars import get_contextvars

from leadscout_assets.folders import make_private
from leadscout_assets.logs.masking import is_personal
from leadscout_assets.logs.privacy import clean

FILE = "current-operation.log"

PRIVATE = 0o600
"""For this user alone."""

Note = Callable[[Mapping[str, object]], None]

_place: Callable[[], Path | None] | None = None
_last: object = None


def keep_in(place: Callable[[], Path | None] | None) -> None:
    """Keep the file in the folder that `place` returns; None, from either, is nowhere."""
    global _place  # one process keeps one file
    _place = place


@contextmanager
def noted(name: str, *, told: bool) -> Iterator[Note]:
    """Note that an operation has begun, and give a function that notes its end, with what its closing line tells.

    What is not `told` leaves no trace. A run or command that is not the one before takes the file over. Never raises.
    """
    if told:
        _write(name, {"state": "running"})
    yield (lambda found: ended(name, found)) if told else (lambda _: None)


def ended(name: str, found: Mapping[str, object]) -> None:
    """Note how an operation ended, by what its closing line tells. Never raises."""
    _write(name, _state(found))


def _state(found: Mapping[str, object]) -> dict[str, object]:
    return {"state": "succeeded" if found.get("success") else "failed", **found}


def _write(name: str, told: Mapping[str, object]) -> None:
    global _last  # whose lines the file holds, as far as this process knows
    folder = _place() if _place is not None else None
    if folder is None:
        return
    ids = get_contextvars()
    line = {"timestamp": _now(), "operation": name, "process_id": os.getpid(), **ids, **told}
    text = orjson.dumps({key: clean(value, personal=is_personal(key)) for key, value in line.items()}) + b"\n"
    mine = (folder, ids.get("request_id") or ids.get("run_id") or os.getpid())
    try:
        if mine != _last:
            _replace(folder, text)
            _last = mine
        else:
            _append(folder / FILE, text)
    except OSError:
        # A full disk, above all. The line proper says so; this one is a convenience.
        return


def _append(path: Path, text: bytes) -> None:
    # By its name each time: another process may have replaced the file.
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
    try:
        os.write(descriptor, text)
    finally:
        os.close(descriptor)


def _replace(folder: Path, text: bytes) -> None:
    make_private(folder)
    temporary = folder / f".{FILE}.{os.getpid()}"
    temporary.unlink(missing_ok=True)
    _append(temporary, text)
    temporary.replace(folder / FILE)


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
