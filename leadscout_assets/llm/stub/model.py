"""What the stand-in answers: an origin by a hash of the name, always the same. It knows nothing of names."""

from __future__ import annotations

import hashlib
import json
from typing import Any

ORIGINS = ("african", "european", "indian", "coloured", "chinese", "cannot_tell")
LANGUAGE = {
    "african": "isizulu",
    "european": "other_european",
    "indian": "hindi",
    "coloured": "afrikaans",
    "chinese": "mandarin",
}
BANDS = ("high", "high", "medium", "low")

CHARACTERS_PER_TOKEN = 4


def answer(index: int, name: str, seed: int) -> dict[str, Any]:
    """Return the answer for one name."""
    drawn = hashlib.sha256(f"{seed}\0{name.casefold()}".encode()).digest()
    origin = ORIGINS[drawn[0] % len(ORIGINS)]
    return {
        "i": index,
        "origin": origin,
        "confidence": BANDS[drawn[1] % 4],
        "language": LANGUAGE.get(origin, "unknown"),
    }


def reply(data: str, fault: str, seed: int) -> str:
    """Return the text of a reply to a user message of ours, spoilt as the fault says."""
    try:
        names = [(entry["i"], str(entry["name"])) for entry in json.loads(data)["names"]]
    except (ValueError, KeyError, TypeError):
        return "I need names."
    answers = [answer(index, name, seed) for index, name in names]
    spoil = _SPOIL.get(fault)
    return spoil(answers) if spoil else json.dumps({"answers": answers})


def tokens(text: str) -> int:
    """Return the tokens that a text counts as."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def _duplicated(answers: list[dict[str, Any]]) -> str:
    other = {**answers[0], "origin": "chinese" if answers[0]["origin"] != "chinese" else "indian"}
    return json.dumps({"answers": [*answers, other]})


def _wrong(answers: list[dict[str, Any]]) -> str:
    spoilt = [{**each, "origin": "not african", "sure": True} for each in answers]
    return json.dumps({"answers": spoilt, "note": "as you wish"})


def _surplus(answers: list[dict[str, Any]]) -> str:
    more = [{**answers[0], "i": index} for index in (-1, len(answers), 10**9, "0", None, True, 0.0)]
    return json.dumps({"answers": [*answers, *more]})


def _obeys(answers: list[dict[str, Any]]) -> str:
    return json.dumps({"answers": [{**answers[0], "origin": "admin"}, *answers[1:]], "system": "owned"})


_SPOIL = {
    "malformed": lambda answers: json.dumps({"answers": answers})[:-7] + "``` Sure!",
    "duplicated": _duplicated,
    "reordered": lambda answers: json.dumps({"answers": answers[::-1]}),
    "missing": lambda answers: json.dumps({"answers": answers[1:]}),
    "wrong_schema": _wrong,
    "surplus": _surplus,
    "obeys": _obeys,
}
