"""Personal values kept out of every line: removed by key, masked by pattern, errors described without their values.

Knows nothing of levels, files and formats; what is personal in a text, and which keys are, knows `masking`.
"""

from __future__ import annotations

import numbers
import re
import sys
import traceback
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
from leadscout_assets.logs.masking import LARGEST_COUNT, REMOVED, is_identity_number, is_personal, mask, words_of

FIGURE_WORDS = frozenset(("beat", "bytes", "memory", "ms", "ns", "seconds", "size"))
"""A number below a key with one of these words is a measure, however much it looks like a telephone number."""

BOUNDARY = "dagster"
"""Where an error that no operation was around is said to have been seen."""

DEEPEST = 6
"""Nested deeper than this, a value is only named."""

_FIELD = re.compile(r"[A-Za-z][\w.-]{0,60}")
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
        shown = _shown_key(key)
        shown = f"{shown} {len(kept)}" if shown in kept else shown
        if type(value) is int and -LARGEST_COUNT <= value <= LARGEST_COUNT:
            kept[shown] = value  # what most values are
        else:
            kept[shown] = clean(value, personal=is_personal(key), figure=_is_figure(key))
    if stack:
        kept["stack"] = str(stack)
    if error is not None:
        kept["exception"] = describe(error)
    return kept


@lru_cache(maxsize=4096)
def _shown_key(key: str) -> str:
    # Fields are words; what has a space is a person's name, or a text.
    shown = mask(key)
    return REMOVED if " " in shown else shown


@lru_cache(maxsize=4096)
def _is_figure(key: str) -> bool:
    return not FIGURE_WORDS.isdisjoint(words_of(key))


def clean(value: object, *, personal: bool, figure: bool = False, depth: int = 0) -> Any:
    """Return `value` as something JSON can hold and anyone may read.

    `personal` says that its key may hold personal text, `figure` that its key measures something. Frames, rows and other objects become their type's name.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and not personal:
        return mask(str(value))
    if isinstance(value, numbers.Real):
        return _number(value, personal, figure)
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {mask(str(value))}" if isinstance(value, LeadScoutError) else _kind(value)
    if isinstance(value, LeadIds):
        return list(value)
    if isinstance(value, Mapping) and depth < DEEPEST:
        return _clean_mapping(value, personal, figure, depth)
    # Not their subclasses: a named tuple is a row, whose values have lost their keys.
    if type(value) in (list, tuple, set, frozenset) and depth < DEEPEST:
        inside = list(cast("Iterable[object]", value))
        if len(inside) == 2 and not personal and _is_pair(inside):
            return [mask(str(inside[0])), clean(inside[1], personal=True, depth=depth + 1)]
        return [clean(inner, personal=personal, figure=figure, depth=depth + 1) for inner in inside]
    if personal or isinstance(value, PurePath):  # a delivered file's name is part of its path
        return REMOVED
    if isinstance(value, datetime | date | clock_time):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Decimal):
        return REMOVED if _is_a_persons(value, figure) else str(value)
    return _kind(value)


def _is_pair(inside: list[object]) -> bool:
    """Say whether these are a field and its value, as items of a mapping are; two fields side by side are none."""
    key, value = inside
    if not isinstance(key, str) or not _FIELD.fullmatch(key) or not is_personal(key):
        return False
    return not (isinstance(value, str) and _FIELD.fullmatch(value) and is_personal(value))


def _clean_mapping(value: Mapping[Any, object], personal: bool, figure: bool, depth: int) -> dict[str, Any]:
    cleaned: dict[str, Any] = {}
    for key, inner in value.items():
        shown = _shown_key(str(key)) if isinstance(key, str | int | float | None) else _kind(key)
        shown = f"{shown} {len(cleaned)}" if shown in cleaned else shown
        named = str(key)
        cleaned[shown] = clean(
            inner, personal=personal or is_personal(named), figure=figure or _is_figure(named), depth=depth + 1
        )
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


def _number(value: Any, personal: bool, figure: bool) -> Any:
    if (personal and abs(value) > LARGEST_COUNT) or _is_a_persons(value, figure):
        return REMOVED
    if not isinstance(value, numbers.Integral):
        return float(value)
    whole = int(value)
    # JSON ends at 64 bits.
    return whole if abs(whole) < 2**63 else str(whole)


def _is_a_persons(value: Any, figure: bool) -> bool:
    """Say whether a number is the identity number of a person, or a South African telephone number with its country.

    Workbooks give both as numbers. One in four hundred figures of that length passes for an identity number.
    """
    if figure or (isinstance(value, Decimal) and not value.is_finite()):
        return False
    if not 10**10 < value < 10**13 or value != int(value):
        return False
    digits = str(int(value))
    if len(digits) == 11 and digits[:2] == "27" and digits[2] in "12345678":
        return True
    # Born from 2001 to 2009, its zero is lost.
    return len(digits) >= 12 and is_identity_number(digits.zfill(13))


def _kind(value: object) -> str:
    return f"<{type(value).__name__}>"


def _error(exc_info: object) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return cast("BaseException | None", exc_info[1])
    return sys.exc_info()[1] if exc_info else None
