"""Makes the folders that hold personal data. What lies in them, and where they lie, is their owners' affair."""

from pathlib import Path

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
