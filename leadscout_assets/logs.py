"""Logging: its one set-up, personal values kept out of every line, and `operation`, which times and reports a step.

What to log is each caller's business. Files, rotation and metrics are not here: lines go to one stream.
"""

from __future__ import annotations

import logging
import numbers
import re
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from datetime import time as clock_time
from decimal import Decimal
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TextIO, cast
from uuid import UUID

import orjson
import structlog
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.stdlib import BoundLogger, ProcessorFormatter

from leadscout_assets.errors import Defect, LeadScoutError, is_interruption

if TYPE_CHECKING:
    from leadscout_assets.settings import Settings

ROOT = "leadscout_assets"
"""Loggers below this name obey the level set; those of other packages speak from WARNING on."""

BOUND = ("run_id", "batch_id", "asset", "step")
"""What `operation` puts on every line inside it; the rest of its context stands on its own two lines."""

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

_GAP = r"[\s().\-/\u2010-\u2015]*"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<=://)[^/\s@]+(?=@)",  # user and password in a URL
        r"(?<![\w.%+'-])[\w.%+'-]+@[\w-]+(?:\.[\w-]+)+",  # e-mail address
        r"(?<!\d)\d{6}\s?\d{4}\s?\d{3}(?!\d)",  # South African identity number
        rf"(?<![^\W_])\+\d(?:{_GAP}\d){{7,14}}(?!\d)",  # telephone number with its country
        rf"(?<![^\W_])(?:(?:00)?27{_GAP}(?:0{_GAP})?|0[\s()\-]*)[1-8](?:{_GAP}\d){{8}}(?![^\W_])",  # South African number
        r"(?<![^\W_])[6-8]\d{8}(?![^\W_])",  # mobile number that lost its zero
    )
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def setup_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Send all log lines of this process, structlog's and the standard library's, to `stream` (standard error).

    Level and format are those of `settings`: `json` is one object per line, `console` is for people. Call it again to
    change; handlers of others stay.
    """
    handler = _Handler(stream)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[merge_contextvars, keep_private, *_FRAME],
            processors=[ProcessorFormatter.remove_processors_meta, _renderer(settings, handler.stream)],
        )
    )
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(max(logging.getLevelName(settings.log_level), logging.WARNING))
    logging.getLogger(ROOT).setLevel(settings.log_level)
    structlog.configure(processors=_CHAIN, wrapper_class=BoundLogger, logger_factory=structlog.stdlib.LoggerFactory())


def get_logger(name: str) -> BoundLogger:
    """Return the logger of a module (`get_logger(__name__)`); its lines are private before any set-up, too."""
    logger = structlog.wrap_logger(logging.getLogger(name), processors=_CHAIN, wrapper_class=BoundLogger)
    return cast("BoundLogger", logger)


@contextmanager
def operation(name: str, **context: object) -> Iterator[dict[str, object]]:
    """Log the beginning (DEBUG) and the end (INFO, or ERROR) of a step, with `processing_time_ms` and `success`.

    Yields a dict: what is put there stands on the closing line. `run_id`, `batch_id`, `asset` and `step` also
    stand on every line logged inside. A failure's line has the error's class, and its message only if the error is
    LeadScout's own, since messages of libraries quote values. The error goes on.
    """
    log = get_logger(f"{ROOT}.operations")
    found: dict[str, object] = {}
    started = time.perf_counter()

    def closing(success: bool) -> dict[str, Any]:
        elapsed = round((time.perf_counter() - started) * 1000, 1)
        return {**context, **found, "success": success, "processing_time_ms": elapsed}

    with bound_contextvars(**{key: context[key] for key in BOUND if key in context}):
        log.debug(name, phase="started", **context)
        try:
            yield found
        except BaseException as error:  # a cancelled run ends by a BaseException, and its line is wanted most
            reason = {"reason": str(error)} if isinstance(error, LeadScoutError) else {}
            log.error(name, **{**closing(False), "error": type(error).__name__, **reason})
            raise
        log.info(name, **closing(True))


@contextmanager
def private_errors() -> Iterator[None]:
    """Raise an unexpected exception of the block as a `Defect` that tells its kind and places, but not its message.

    For the boundary to Dagster, which stores messages for good and shows them to every viewer.
    """
    try:
        yield
    except LeadScoutError:
        raise
    except BaseException as error:  # whatever it is, it is recorded in full but for what may be personal
        if is_interruption(error):
            raise
        raise Defect(f"an unexpected error, which is a defect of LeadScout:\n{describe(error)}") from None


def keep_private(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Structlog processor: remove personal values by key, mask them by pattern, and describe errors without values."""
    kept: dict[str, Any] = {key: event.pop(key) for key in ("_record", "_from_structlog") if key in event}
    error = _error(event.pop("exc_info", None))
    stack = event.pop("stack_info", None)
    for key, value in event.items():
        kept[mask(key)] = clean(value, personal=is_personal(key))
    if stack:
        kept["stack"] = str(stack)
    if error is not None:
        kept["exception"] = describe(error)
    return kept


def is_personal(key: str) -> bool:
    """Return whether text under this key may be personal, or a secret."""
    spelled = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^0-9A-Za-z]+", "_", key).strip("_").lower()
    if spelled in HARMLESS_KEYS:
        return False
    return spelled in PERSONAL_WORDS or not PERSONAL_WORDS.isdisjoint(spelled.split("_"))


def mask(text: str) -> str:
    """Return `text` on one line, e-mail addresses, telephone and identity numbers and URL passwords removed."""
    for pattern in _PATTERNS:
        text = pattern.sub(REMOVED, text)
    return _CONTROL.sub(lambda match: match.group().encode("unicode_escape", "surrogatepass").decode("ascii"), text)


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
    if isinstance(value, Mapping) and depth < 6:
        return {
            mask(str(key)): clean(inner, personal=personal or is_personal(str(key)), depth=depth + 1)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset) and depth < 6:
        return [clean(inner, personal=personal, depth=depth + 1) for inner in value]
    if personal or isinstance(value, PurePath):  # a delivered file's name is part of its path
        return REMOVED
    if isinstance(value, str):
        return mask(str(value))
    if isinstance(value, datetime | date | clock_time):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    return _kind(value)


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


_FRAME: list[structlog.typing.Processor] = [
    # After `keep_private`, which would take a timestamp's digits for a number.
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

_CHAIN: list[structlog.typing.Processor] = [
    structlog.stdlib.filter_by_level,
    merge_contextvars,
    structlog.stdlib.PositionalArgumentsFormatter(),
    keep_private,
    *_FRAME,
    ProcessorFormatter.wrap_for_formatter,
]


def _renderer(settings: Settings, stream: TextIO) -> structlog.typing.Processor:
    if settings.log_format == "json":
        return lambda _logger, _method, event: orjson.dumps(event, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    return structlog.dev.ConsoleRenderer(colors=stream.isatty(), pad_event_to=0, sort_keys=False)


class _Handler(logging.StreamHandler[TextIO]):
    """Ours among the root logger's handlers."""

    def __init__(self, stream: TextIO | None) -> None:
        super().__init__(stream or sys.stderr)
        self._follow = stream is None

    def emit(self, record: logging.LogRecord) -> None:
        if _has_own_handler(record.name):
            return
        if self._follow:
            # Not `setStream`: it flushes the stream before, which may be closed by now. Every line was flushed anyway.
            self.stream = sys.stderr
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        # The standard one prints the message and its arguments as they are.
        error = sys.exc_info()[1]
        if sys.stderr is not None and not sys.stderr.closed:
            sys.stderr.write(f"a log line of {record.name} was lost: {type(error).__name__}\n")


def _has_own_handler(name: str) -> bool:
    """Return whether the record was written already, by a handler below the root such as one of Dagster's."""
    logger: logging.Logger | None = logging.getLogger(name)
    while logger is not None and logger.parent is not None:
        if any(not isinstance(handler, logging.NullHandler) for handler in logger.handlers):
            return True
        logger = logger.parent if logger.propagate else None
    return False
