"""A delivered file's identity: what was delivered, when, and the batch key that follows from it.

No file is touched here: `inbox` stores deliveries, `leads.reading` reads them.
"""

import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import PurePath

from leadscout_assets.terms import TIME_ZONE

NEUTRAL_SLUG = "list"
"""Stands for any file name that holds a word outside the word list: such a word may be a person's or a customer's name."""

MAX_SLUG_LENGTH = 40
"""Characters; keys stay readable in the asset graph and file names below every file system's limit."""

MAX_DIGITS_IN_SLUG = 8
"""A date written without separators. Longer numbers may be identity or telephone numbers."""


@dataclass(frozen=True)
class Delivery:
    """One delivered file.

    `delivered_at` is aware; `size_bytes` is bytes; `rows_counted` is the second reader's count of rows with a
    non-blank cell below the header, None where it could not read the file.
    """

    batch_id: str
    sha256: str
    file_name: str
    size_bytes: int
    delivered_at: datetime
    rows_counted: int | None

    def to_json(self) -> str:
        """Write the manifest that lies beside the stored file."""
        return json.dumps(asdict(self) | {"delivered_at": self.delivered_at.isoformat()}, indent=2, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Delivery":
        """Read a manifest written by `to_json`."""
        fields = json.loads(text)
        return cls(**fields | {"delivered_at": datetime.fromisoformat(fields["delivered_at"])})


def batch_key(delivered_at: datetime, file_name: str, sha256: str, *, slug: bool = True) -> str:
    """Return `YYYY-MM-DD_<slug>_<first 8 hex of the content's SHA-256>`, the date in Africa/Johannesburg.

    Raises `ValueError` for a naive `delivered_at`.
    """
    if delivered_at.tzinfo is None:
        raise ValueError("delivered_at has no time zone")
    day = delivered_at.astimezone(TIME_ZONE).date().isoformat()
    return f"{day}_{slug_of(file_name) if slug else NEUTRAL_SLUG}_{sha256[:8]}"


def shown_name(file_name: str) -> str:
    """Return a file's name as text that can be written anywhere; bytes of it that are no UTF-8 become `\ufffd`."""
    return file_name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def slug_of(file_name: str) -> str:
    """Return the file name's words joined by hyphens, or `list` unless every word is in `data/slug_words.txt`."""
    words = re.findall(r"[^\W\d_]+|\d+", PurePath(file_name).stem.casefold())
    harmless = all(_is_harmless(word) for word in words)
    slug = "-".join(words)
    return slug if words and harmless and len(slug) <= MAX_SLUG_LENGTH else NEUTRAL_SLUG


def _is_harmless(word: str) -> bool:
    return len(word) <= MAX_DIGITS_IN_SLUG if word.isascii() and word.isdigit() else word in _slug_words()


@cache
def _slug_words() -> frozenset[str]:
    text = files("leadscout_assets.leads").joinpath("data/slug_words.txt").read_text(encoding="utf-8")
    lines = (line.partition("#")[0] for line in text.splitlines())
    return frozenset(word for line in lines for word in line.split())
