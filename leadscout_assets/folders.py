"""Makes the folders that hold personal data, and walks through them. What lies in them, and where, is their owners' affair."""

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from leadscout_assets.errors import EdgeFailed

PRIVATE = 0o700
"""For the user that the platform runs as, and nobody else."""


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for this user alone; the mode of one that is there stays.

    Whichever part of the platform writes first thus makes the home private, and with it all that lies below.
    Raises `OSError` where a folder cannot be made.
    """
    missing = [folder]
    for above in folder.parents:
        if above.exists():
            break
        missing.append(above)
    # `mkdir(parents=True, mode=...)` would give the mode to the innermost folder only.
    for each in reversed(missing):
        each.mkdir(mode=PRIVATE, exist_ok=True)


def below(folder: Path, *, apart_from: Collection[Path] = ()) -> Iterator[Path]:
    """Yield everything below a folder, in order, a folder before what lies in it; `apart_from` are folders not entered.

    A folder that lies elsewhere and is linked to, on another disk say, is entered like any other, and none is entered twice.
    Raises `EdgeFailed` where a link leads nowhere or a folder cannot be listed: nobody knows what lies there.
    """
    yield from _below(folder, {_identity(one) for one in apart_from if one.exists()})


def _below(folder: Path, seen: set[tuple[int, int]]) -> Iterator[Path]:
    try:
        own = _identity(folder)
        found = sorted(folder / entry.name for entry in os.scandir(folder))
    except FileNotFoundError:
        return  # gone meanwhile
    except OSError as error:
        raise EdgeFailed(f"the folder {folder.name} cannot be listed: {error.strerror}") from None
    if own in seen:
        return
    seen.add(own)
    for path in found:
        if path.is_symlink() and not path.exists():
            raise EdgeFailed(f"{path.name} is a link that leads nowhere; mount the disk that it leads to, or remove it")
        yield path
        if path.is_dir():
            yield from _below(path, seen)


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
