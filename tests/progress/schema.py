"""Holds a value against the parts of JSON Schema that docs/progress.schema.json uses; any other part is an error."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "progress.schema.json").read_text(encoding="utf-8"))
TOLD = {"$schema", "$id", "title", "description"}
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}


def faults(value: Any, schema: dict[str, Any] = SCHEMA, where: str = "") -> list[str]:
    """Return what of the value does not fit the schema."""
    found: list[str] = []
    for word, wanted in schema.items():
        if word in TOLD:
            continue
        found += (
            [f"{where or '.'}: {word} {wanted!r} against {value!r}"] if not _fits(word, wanted, value, schema) else []
        )
    if isinstance(value, dict):
        for name, inner in value.items():
            found += faults(inner, schema.get("properties", {}).get(name, {}), f"{where}.{name}")
    return found


def _fits(word: str, wanted: Any, value: Any, schema: dict[str, Any]) -> bool:
    if word == "type":
        names = wanted if isinstance(wanted, list) else [wanted]
        return not isinstance(value, bool) and any(isinstance(value, TYPES[name]) for name in names)
    if word == "required":
        return set(wanted) <= set(value)
    if word == "additionalProperties":
        return set(value) <= set(schema["properties"])
    if word == "properties" or value is None:
        return True
    if word == "format":
        return datetime.fromisoformat(value).tzinfo is not None
    checks = {
        "enum": lambda: value in wanted,
        "minimum": lambda: value >= wanted,
        "maximum": lambda: value <= wanted,
        "pattern": lambda: re.search(wanted, value) is not None,
    }
    return checks[word]()
