"""Personal values kept out of every line: removed by key, masked by pattern, errors described without their values.

Knows nothing of levels, files and formats.
"""

from __future__ import annotations

import numbers
import re
import sys
import traceback
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from datetime import time as clock_time
from decimal import Decimal
from functools import lru_cache
from pathlib import PurePath
from typing import Any, cast
from uuid import UUID

import structlog

from leadscout_assets.errors import Defect, LeadScoutError, is_interruption
from leadscout_assets.logs.following import tell_failure

REMOVED = "[removed]"

# fmt: off
PERSONAL_WORDS = frozenset((
    # people and businesses
    "address", "addresses", "cell", "cells", "contact", "director", "directors", "email", "emails", "entity", "fax",
    "file", "filename", "mail", "mobile", "name", "names", "owner", "path", "paths", "person", "phone", "phones",
    "row", "surname", "surnames", "tel", "telephone", "trading",
    # cells of a row that may hold anything
    "defect_text", "extra", "id_number", "identity_number",
    # secrets
    "api_key", "authorization", "credential", "credentials", "dsn", "lead_id_key", "password", "secret", "token",
))
# fmt: on
"""A key that is, or has among its words, one of these holds no text in a log. Counts below it stay (`emails=12`)."""

HARMLESS_KEYS = frozenset(
    ("asset_name", "class_name", "column_name", "job_name", "op_name", "setting_name", "step_name", "table_name")
)
"""Keys with a personal word that name parts of the platform."""

LARGEST_COUNT = 99_999_999
"""A number above this below a personal key may be a telephone number."""

BOUNDARY = "dagster"
"""Where an error that no operation was around is said to have been seen."""

DEEPEST = 6
"""Nested deeper than this, a value is only named."""

_GAP = r"[\s().\-/\u2010-\u2015]*"
_ONE_GAP = r"[\s.\-/\u2010-\u2015]?"
_BIRTHDAY = r"\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<=://)[^/\s@]+(?=@)",  # user and password in a URL
        r"(?:\"[^\"\n]{1,64}\"|(?<![\w.%+'-])[\w.%+'-]+)\s?(?:@|[(\[]at[)\]])\s?[\w-]+(?:\.[\w-]+)+",  # e-mail address
        rf"(?<![^\W_])\+\d(?:{_GAP}\d){{7,14}}(?!\d)",  # telephone number with its country
        rf"(?<![^\W_])(?:(?:00)?27{_GAP}(?:0{_GAP})?|0[\s()\-]*)[1-8](?:{_GAP}\d){{8}}(?![^\W_])",  # South African number
        r"(?<![^\W_])[6-8]\d{8}(?![^\W_])",  # mobile number that lost its zero
    )
)
_IDENTITY_NUMBER = re.compile(rf"(?<!\d){_BIRTHDAY}{_ONE_GAP}\d{{4}}{_ONE_GAP}\d{{3}}(?!\d)")
_HEX_DIGEST = re.compile(r"[0-9a-f]{16,}")
_KEY_IN_TEXT = re.compile(r"""(?<![\w-])(?P<quote>["']?)(?P<key>[A-Za-z][\w.-]{1,60})(?P=quote)(?P<sign>\s*[:=]\s*)""")
_VALUE_IN_TEXT = re.compile(r""""[^"]*"|'[^']*'|\[[^\]]*\]|[^,;}\])\n=]*?(?=\s+[\w.-]+=|[,;}\])\n]|$)""")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LEAD_IDS = re.compile(r"(?:[0-9a-f]{16} )*")


class LeadIds(tuple[str, ...]):
    """Lead ids that go into a line as they are: looking through twenty thousand of them for telephone numbers takes a
    third of a second. Raises `ValueError` where one is anything else than a lead id.
    """

    __slots__ = ()

    def __new__(cls, ids: Iterable[str]) -> LeadIds:
        """Take the ids."""
        made = super().__new__(cls, ids)
        if not _LEAD_IDS.fullmatch(" ".join([*made, ""])):
            raise ValueError("not all of these are lead ids")
        return made


@contextmanager
def private_errors() -> Iterator[None]:
    """Raise an unexpected exception of the block as a `Defect` that tells its kind and places, but not its message.

    For the boundary to Dagster, which stores messages for good and shows them to every viewer.
    """
    try:
        yield
    except LeadScoutError as error:
        tell_failure(error, BOUNDARY)
        raise
    except BaseException as error:  # whatever it is, it is recorded in full but for what may be personal
        if is_interruption(error):
            raise
        tell_failure(error, BOUNDARY)
        raise Defect(f"an unexpected error, which is a defect of LeadScout:\n{describe(error)}") from None


def keep_private(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Structlog processor: remove personal values by key, mask them by pattern, and describe errors without values."""
    kept: dict[str, Any] = {key: event.pop(key) for key in ("_record", "_from_structlog") if key in event}
    error = _error(event.pop("exc_info", None))
    stack = event.pop("stack_info", None)
    for key, value in event.items():
        kept[_shown_key(key)] = clean(value, personal=is_personal(key))
    if stack:
        kept["stack"] = str(stack)
    if error is not None:
        kept["exception"] = describe(error)
    return kept


@lru_cache(maxsize=4096)
def is_personal(key: str) -> bool:
    """Return whether text under this key may be personal, or a secret."""
    spelled = _spelled(key)
    if spelled in HARMLESS_KEYS:
        return False
    return spelled in PERSONAL_WORDS or not PERSONAL_WORDS.isdisjoint(spelled.split("_"))


@lru_cache(maxsize=4096)
def _shown_key(key: str) -> str:
    return mask(key)


def _spelled(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^0-9A-Za-z]+", "_", key).strip("_").lower()


def mask(text: str) -> str:
    """Return `text` on one line, without e-mail addresses, telephone and identity numbers, passwords in URLs, and what
    stands in it as the value of a personal field (`director_name=...`).
    """
    if not text.isascii():
        text = _plain(text)
    text = _IDENTITY_NUMBER.sub(_unless_digest, text)
    for pattern in _PATTERNS:
        text = pattern.sub(REMOVED, text)
    if "=" in text or ":" in text:
        text = _without_fields(text)
    return _CONTROL.sub(lambda match: match.group().encode("unicode_escape", "surrogatepass").decode("ascii"), text)


def _plain(text: str) -> str:
    """Return the text with its look-alikes made plain: digits of any script, full-width forms, characters one cannot see."""
    spelled = unicodedata.normalize("NFKC", text)
    return "".join(
        str(unicodedata.decimal(c)) if c.isdecimal() else c for c in spelled if unicodedata.category(c) != "Cf"
    )


def _unless_digest(match: re.Match[str]) -> str:
    """Keep thirteen digits that stand in the middle of a lead id, a SHA-256 or the like."""
    start, end, text = match.start(), match.end(), match.string
    while start and text[start - 1].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum():
        end += 1
    return match.group() if end - start > 13 and _HEX_DIGEST.fullmatch(text, start, end) else REMOVED


def _without_fields(text: str) -> str:
    """Return the text without the values of the personal fields that are written out in it."""
    kept, at = [], 0
    for match in _KEY_IN_TEXT.finditer(text):
        # `path: ...` opens half of all error messages; `director_name: ...` and `"name": ...` name a field.
        names_a_field = match["quote"] or "=" in match["sign"] or "_" in _spelled(match["key"])
        if match.start() < at or not names_a_field or not is_personal(match["key"]):
            continue
        value = _VALUE_IN_TEXT.match(text, match.end())
        if value and value.group() and not _is_count(value.group()):
            kept += [text[at : match.end()], REMOVED]
            at = value.end()
    return "".join([*kept, text[at:]])


def _is_count(value: str) -> bool:
    return value.isdecimal() and int(value) <= LARGEST_COUNT


def clean(value: object, *, personal: bool, depth: int = 0) -> Any:
    """Return `value` as something JSON can hold and anyone may read.

    `personal` says that its key may hold personal text. Frames, rows and other objects become their type's name.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, numbers.Real):
        return _number(value, personal)
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {mask(str(value))}" if isinstance(value, LeadScoutError) else _kind(value)
    if isinstance(value, LeadIds):
        return list(value)
    if isinstance(value, Mapping) and depth < DEEPEST:
        return _clean_mapping(value, personal, depth)
    # Not their subclasses: a named tuple is a row, whose values have lost their keys.
    if type(value) in (list, tuple, set, frozenset) and depth < DEEPEST:
        return [clean(inner, personal=personal, depth=depth + 1) for inner in cast("Iterable[object]", value)]
    if personal or isinstance(value, PurePath):  # a delivered file's name is part of its path
        return REMOVED
    if isinstance(value, str):
        return mask(str(value))
    if isinstance(value, datetime | date | clock_time):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    return _kind(value)


def _clean_mapping(value: Mapping[Any, object], personal: bool, depth: int) -> dict[str, Any]:
    cleaned: dict[str, Any] = {}
    for key, inner in value.items():
        shown = mask(str(key)) if isinstance(key, str | int | float | None) else _kind(key)
        # Fields are words; what has a space is a person's name, or a text.
        shown = REMOVED if " " in shown else shown
        shown = f"{shown} {len(cleaned)}" if shown in cleaned else shown
        cleaned[shown] = clean(inner, personal=personal or is_personal(str(key)), depth=depth + 1)
    return cleaned


def describe(error: BaseException) -> str:
    """Return a traceback without local variables and source values, and without messages but LeadScout's own."""
    blocks: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        frames = [f"  {f.filename}:{f.lineno} in {f.name}" for f in traceback.extract_tb(current.__traceback__)]
        message = f": {mask(str(current))}" if isinstance(current, LeadScoutError) else ""
        inner = [describe(one) for one in current.exceptions] if isinstance(current, BaseExceptionGroup) else []
        within = [f"  | {line}" for block in inner for line in block.split("\n")]
        blocks.append("\n".join([*frames, f"{type(current).__name__}{message}", *within]))
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\nthen:\n".join(reversed(blocks))


def _number(value: Any, personal: bool) -> Any:
    if personal and abs(value) > LARGEST_COUNT:
        return REMOVED
    if not isinstance(value, numbers.Integral):
        return float(value)
    whole = int(value)
    # Thirteen digits that begin with a date are an identity number; and JSON ends at 64 bits.
    if 10**11 <= whole < 10**13 and 1 <= whole // 10**9 % 100 <= 12 and 1 <= whole // 10**7 % 100 <= 31:
        return REMOVED
    return whole if abs(whole) < 2**63 else str(whole)


def _kind(value: object) -> str:
    return f"<{type(value).__name__}>"


def _error(exc_info: object) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return cast("BaseException | None", exc_info[1])
    return sys.exc_info()[1] if exc_info else None
