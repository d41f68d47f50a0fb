"""What a model must answer: one JSON schema with closed lists, and the strict reading of a reply. Nothing is guessed from words."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from leadscout_assets.terms import Origin

CANNOT_TELL = "cannot_tell"
BANDS = ("high", "medium", "low")
UNKNOWN_LANGUAGE = "unknown"
LANGUAGES = (
    "isizulu", "isixhosa", "siswati", "isindebele", "sesotho", "setswana", "sepedi", "xitsonga", "tshivenda", "shona",
    "other_african", "afrikaans", "english", "portuguese", "greek", "other_european", "tamil", "telugu", "hindi",
    "gujarati", "other_indian", "mandarin", "cantonese",
)  # fmt: skip
"""Languages that may be answered. Those that reveal religion are not asked for."""

REVEALS_RELIGION = (Origin.CAPE_MALAY,)


@dataclass(frozen=True)
class Item:
    """One answer of a reply: the origin, or None for `cannot_tell`; the model's own band; the language or None."""

    origin: Origin | None
    band: str
    language: str | None


@dataclass(frozen=True)
class Parsed:
    """A reply as far as it can be used: answers by index, and how many entries had to be thrown away."""

    answers: dict[int, Item]
    discarded: int


@dataclass(frozen=True)
class Form:
    """Prompt and schema of all requests, and the hashes by which an answer says what it was an answer to."""

    prompt: str
    schema: dict[str, Any]

    @property
    def prompt_hash(self) -> str:
        """Content hash of the prompt, 12 hex digits."""
        return hashlib.sha256(self.prompt.encode()).hexdigest()[:12]

    @property
    def schema_hash(self) -> str:
        """Content hash of the schema, 12 hex digits."""
        return hashlib.sha256(json.dumps(self.schema, sort_keys=True).encode()).hexdigest()[:12]


@lru_cache(maxsize=2)
def form(*, reveal_religion: bool) -> Form:
    """Return prompt and schema; origins that reveal religion may be answered only where that is switched on."""
    prompt = files("leadscout_assets.llm").joinpath("data", "prompt.md").read_text("utf-8")
    origins = [o.value for o in Origin if reveal_religion or o not in REVEALS_RELIGION]
    item = {
        "type": "object",
        "properties": {
            "i": {"type": "integer"},
            "origin": {"type": "string", "enum": [*origins, CANNOT_TELL]},
            "confidence": {"type": "string", "enum": list(BANDS)},
            "language": {"type": "string", "enum": [*LANGUAGES, UNKNOWN_LANGUAGE]},
        },
        "required": ["i", "origin", "confidence", "language"],
        "additionalProperties": False,
    }
    schema = {
        "type": "object",
        "properties": {"answers": {"type": "array", "items": item}},
        "required": ["answers"],
        "additionalProperties": False,
    }
    return Form(prompt, schema)


def parse(text: str, count: int, wanted: Form) -> Parsed:
    """Read a reply to `count` names. An index that comes back twice, or with anything that the schema does not admit, has no answer."""
    try:
        reply = json.loads(text)
    except (ValueError, RecursionError):
        return Parsed({}, 0)
    if not isinstance(reply, dict) or set(reply) != {"answers"} or not isinstance(reply["answers"], list):
        return Parsed({}, 0)
    admitted = wanted.schema["properties"]["answers"]["items"]["properties"]
    answers: dict[int, Item] = {}
    seen: set[int] = set()
    twice: set[int] = set()
    discarded = 0
    for entry in reply["answers"]:
        index = entry.get("i") if isinstance(entry, dict) else None
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < count:
            discarded += 1
            continue
        if index in seen:
            twice.add(index)
        seen.add(index)
        if set(entry) != set(admitted) or any(
            entry[key] not in admitted[key]["enum"] for key in admitted if key != "i"
        ):
            discarded += 1
            continue
        origin = None if entry["origin"] == CANNOT_TELL else Origin(entry["origin"])
        language = None if entry["language"] == UNKNOWN_LANGUAGE else str(entry["language"])
        answers[index] = Item(origin, entry["confidence"], language)
    discarded += sum(index in twice for index in answers)
    return Parsed({index: item for index, item in answers.items() if index not in twice}, discarded)
