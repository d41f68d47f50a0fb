"""What became of the latest restores, in a small file beside the backups: no restored database can turn it back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from leadscout_assets.recovery.repository import Repository

KEPT = 100
"""Proofs remembered; the last good one is, however many failed since."""


@dataclass(frozen=True)
class Proof:
    """One restore that was held against its backup. `seconds` is how long it took, `sentence` what was found."""

    backup_id: str
    at: datetime
    ok: bool
    sentence: str
    seconds: float


def proofs(repository: Repository) -> list[Proof]:
    """Return the proofs, the newest last; none where the file is missing or cannot be read."""
    try:
        found = json.loads((repository.root / "proofs.json").read_text(encoding="utf-8"))
        return [_proof(plain) for plain in found]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        # Without it a restore counts as never proven, which the next drill mends.
        return []


def _proof(plain: dict[str, Any]) -> Proof:
    proof = Proof(**plain | {"at": datetime.fromisoformat(plain["at"])})
    # A time without a zone has no age.
    if proof.at.tzinfo is None or not isinstance(proof.backup_id, str):
        raise ValueError
    return proof


def last_proven(repository: Repository) -> Proof | None:
    """Return the newest proof that a backup could be restored."""
    return next((proof for proof in reversed(proofs(repository)) if proof.ok), None)


def remember(repository: Repository, proof: Proof) -> None:
    """Add a proof. Raises `EdgeFailed` where the repository cannot be written."""
    known = proofs(repository)
    good = last_proven(repository)
    kept = [one for one in known[:-KEPT] if one == good] + known[-KEPT:] + [proof]
    plain = [asdict(one) | {"at": one.at.isoformat()} for one in kept]
    repository.write_text(repository.root / "proofs.json", json.dumps(plain, indent=1))
