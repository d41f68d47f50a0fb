"""The platform's keys, each a file of 32 bytes apart from the data: made at first use, kept in backups, rotated by a command.

The key of suppression has generations: what was hashed under an earlier one is hashed again under each later, since the
values themselves are not kept.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from leadscout_assets.errors import EdgeFailed
from leadscout_assets.folders import make_private

KEY_BYTES = 32
"""Length of a key: 256 bits, what BLAKE2b takes at half its most."""

HASH_BYTES = 16

LEAD_ID, SUPPRESSION, AUDIT = "lead-id", "suppression", "audit"


@dataclass(frozen=True)
class Hasher:
    """Hashes values under all generations of a key, one after the other; `keys` are the oldest first."""

    keys: Sequence[bytes]

    @property
    def generation(self) -> int:
        """How many generations there are."""
        return len(self.keys)

    def hash(self, kind: str, value: str) -> str:
        """Return the hash of a value of some kind, in hex."""
        first = blake2b(f"{kind}\x1f{value}".encode(), key=self.keys[0], digest_size=HASH_BYTES).hexdigest()
        return self.renewed(first, 1)

    def renewed(self, known: str, generation: int) -> str:
        """Return what a hash of an earlier generation is now."""
        for key in self.keys[generation:]:
            known = blake2b(bytes.fromhex(known), key=key, digest_size=HASH_BYTES).hexdigest()
        return known


def key_file(folder: Path, name: str, generation: int = 1) -> Path:
    """Return the file of a key; the first generation's has no number."""
    return folder / (f"{name}.key" if generation == 1 else f"{name}-{generation}.key")


def generations(folder: Path, name: str) -> list[Path]:
    """Return the files of a key's generations that are there, the oldest first."""
    found, number = [key_file(folder, name)], 2
    while (path := key_file(folder, name, number)).exists():
        found.append(path)
        number += 1
    return found


def hasher(folder: Path, name: str) -> Hasher:
    """Return the hasher of a key, which is made where it is missing. Raises as `read_or_make_key` does."""
    return Hasher([read_or_make_key(path) for path in generations(folder, name)])


def next_generation(folder: Path, name: str) -> Path:
    """Make the next generation of a key and return its file."""
    hasher(folder, name)
    path = key_file(folder, name, len(generations(folder, name)) + 1)
    read_or_make_key(path)
    return path


def rotation_note(folder: Path, name: str) -> Path:
    """Return the file that says that a key is being rotated: the generation that is to be."""
    return folder / f".rotating-{name}"


def check_rotated(folder: Path) -> None:
    """Raise `EdgeFailed` where a rotation was interrupted: a part of what hangs on the key is still as the old one had it."""
    for name in (LEAD_ID, SUPPRESSION, AUDIT):
        if rotation_note(folder, name).exists():
            raise EdgeFailed(f"the rotation of a key was interrupted; finish it first: leadscout keys rotate {name}")


def read_or_make_key(path: Path) -> bytes:
    """Return the key in a file, making it first where there is none; two processes doing so agree on one.

    Raises `EdgeFailed` for a key file of the wrong length: a cut key would give other hashes without a word.
    """
    try:
        if not path.exists():
            _make_key(path)
        key = path.read_bytes()
    except OSError as error:
        raise EdgeFailed(
            f"the key file {path.name} cannot be read or made: {error.strerror}; check the permissions of LEADSCOUT_HOME"
        ) from None
    if len(key) != KEY_BYTES:
        raise EdgeFailed(f"the key file {path.name} is damaged: restore it from a backup")
    return key


def _make_key(path: Path) -> None:
    make_private(path.parent)
    # A name of its own for each maker: what is linked below must never be written to again.
    descriptor, fresh = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        # Linking fails where another process was first; a rename would replace its key.
        with suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        Path(fresh).unlink()
