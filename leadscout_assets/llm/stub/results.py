"""The lines of a batch job's results as both vendors write them, and how a fault spoils them on their way."""

from __future__ import annotations

import json
import re
from typing import Any

ANTHROPICS_WORD = {"errored": "errored", "expired": "expired", "cancelled": "canceled"}

_ORIGINS = (b"cannot_tell", b"african", b"european", b"indian", b"coloured", b"chinese")
OTHER = dict(zip(_ORIGINS, (*_ORIGINS[1:], _ORIGINS[0]), strict=True))
"""For each answer another one."""


def succeeded(vendor: str, custom: str, number: int, response: dict[str, Any]) -> bytes:
    """Return the line of a request that was answered."""
    if vendor == "anthropic":
        return _line({"custom_id": custom, "result": {"type": "succeeded", "message": response}})
    told = {"status_code": 200, "request_id": "r", "body": response}
    return _line({"id": f"r{number}", "custom_id": custom, "response": told, "error": None})


def not_answered(vendor: str, custom: str, why: str) -> bytes:
    """Return the line of a request that has no answer, and is not charged: errored, expired or cancelled."""
    if vendor == "anthropic":
        error = {"type": "error", "error": {"type": "api_error", "message": "try again"}}
        return _line(
            {
                "custom_id": custom,
                "result": {"type": ANTHROPICS_WORD[why], **({"error": error} if why == "errored" else {})},
            }
        )
    if why == "errored":
        return _line({"id": "r", "custom_id": custom, "response": {"status_code": 500, "body": {}}, "error": None})
    return _line({"id": "r", "custom_id": custom, "response": None, "error": {"code": f"batch_{why}", "message": why}})


def spoilt(content: bytes, fault: str) -> bytes:
    """Return the lines as a fault lets them arrive."""
    lines = content.split(b"\n")
    if fault == "truncated":
        return content[: -len(lines[-1]) // 2]
    if fault == "malformed":
        return b"\n".join([lines[0][: len(lines[0]) // 2] + b"\x00<html>", *lines[1:]])
    if fault == "missing":
        return b"\n".join(lines[1:])
    if fault == "duplicated":
        other = re.sub(
            rb"cannot_tell|african|european|indian|coloured|chinese", lambda found: OTHER[found[0]], lines[0]
        )
        return b"\n".join([*lines, other])
    if fault == "surplus":
        return b"\n".join([_line({**json.loads(lines[0]), "custom_id": "of-nobody"}), *lines, b"", b"[]", b"null"])
    return b"\n".join(reversed(lines)) if fault == "reordered" else content


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()
