"""Which strings are names that may be sent, in which form, and under which key an answer is kept. Sends nothing."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

from leadscout_assets.llm.schema import Form

MOST_CHARACTERS = 200
MOST_WORDS = 8
LONGEST_WORD = 40
_MARKS = "'\u2019-., "
_WORD = re.compile(r"[^\W\d_]+", re.UNICODE)


def cleaned(name: str) -> str:
    """Return a name in NFKC, without control, format, bidirectional and zero-width characters, at most 200 characters long."""
    normal = unicodedata.normalize("NFKC", name)
    kept = "".join(" " if c.isspace() else c for c in normal if c.isspace() or unicodedata.category(c)[0] != "C")
    return " ".join(kept.split())[:MOST_CHARACTERS].strip()


def is_name(text: str) -> bool:
    """Say whether a cleaned string can be a personal name in Latin letters. What cannot is never sent: it may be anything."""
    words = [word.casefold() for word in _WORD.findall(text)]
    if not words or len(words) > MOST_WORDS or not sum(map(len, words)) >= 2 or max(map(len, words)) > LONGEST_WORD:
        return False
    if any(word in _not_names() for word in words) or "".join(words) in _not_names():
        return False
    return all(c in _MARKS or unicodedata.category(c) == "Mn" or _is_latin(c) for c in text)


@lru_cache(maxsize=4096)
def _is_latin(character: str) -> bool:
    return character.isalpha() and unicodedata.name(character, "").startswith("LATIN ")


@lru_cache(maxsize=1)
def _not_names() -> frozenset[str]:
    text = files("leadscout_assets.llm").joinpath("data", "not_names.txt").read_text("utf-8")
    return frozenset(w for line in text.splitlines() if not line.startswith("#") for w in line.split())


def as_data(names: Sequence[str]) -> str:
    """Return the user message: the names as JSON data, each with its index."""
    return json.dumps({"names": [{"i": i, "name": name} for i, name in enumerate(names)]}, ensure_ascii=False)


def answer_key(name: str, provider: str, model: str, wanted: Form, secret: bytes) -> str:
    """Return the key under which an answer is kept: a keyed hash, from which nobody without the home's key learns a name."""
    told = "\0".join((name.casefold(), provider, model, wanted.prompt_hash, wanted.schema_hash))
    return hashlib.blake2b(told.encode(), key=secret, person=b"llm-answer", digest_size=20).hexdigest()


def question_key(name: str, secret: bytes) -> str:
    """Return the key of a name whoever was asked about it: what is in doubt with one provider is not sent to the next."""
    return hashlib.blake2b(name.casefold().encode(), key=secret, person=b"llm-question", digest_size=20).hexdigest()
