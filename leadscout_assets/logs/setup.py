"""The one set-up: lines go to standard error as the settings say, and to the log files of the home.

What lines hold is cleaned by `privacy`, where they lie is known to `files`, what they are called stands in `events`.
"""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

import orjson
import structlog
from structlog.contextvars import merge_contextvars
from structlog.stdlib import BoundLogger, ProcessorFormatter

from leadscout_assets.logs import current
from leadscout_assets.logs.events import Event, event_of, file_of
from leadscout_assets.logs.files import LogFiles, line_of
from leadscout_assets.logs.privacy import keep_private
from leadscout_assets.logs.showing import show

if TYPE_CHECKING:
    from leadscout_assets.settings import Settings

ROOT = "leadscout_assets"
"""Loggers below this name obey the level set; those of other packages speak from WARNING on."""

COMPLAINT_SECONDS = 60.0
"""Between two complaints that the files cannot be written."""


def setup_logging(settings: Settings, stream: TextIO | None = None, *, files: bool = False) -> None:
    """Send all log lines of this process, structlog's and the standard library's, to `stream` (standard error).

    Level and format are those of `settings`: `json` is one object per line, `console` is for people. With `files`, lines
    go to the log files, too, as soon as the home is there: logging makes no home. Call it again to change; handlers of
    others stay.
    """
    handlers: list[logging.Handler] = [_stream_handler(settings, stream)]
    current.keep_in(None)
    if files:
        handlers.append(writer := _file_handler(settings))
        current.keep_in(writer.progress_folder)
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, _OURS)]:
        root.removeHandler(old)
        if old not in handlers:
            old.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(max(logging.getLevelName(settings.log_level), logging.WARNING))
    logging.getLogger(ROOT).setLevel(min(handler.level for handler in handlers))
    structlog.configure(processors=_CHAIN, wrapper_class=BoundLogger, logger_factory=structlog.stdlib.LoggerFactory())


def get_logger(name: str) -> BoundLogger:
    """Return the logger of a module (`get_logger(__name__)`); its lines are private before any set-up, too."""
    logger = structlog.wrap_logger(logging.getLogger(name), processors=_CHAIN, wrapper_class=BoundLogger)
    return cast("BoundLogger", logger)


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
    show,
    *_FRAME,
    ProcessorFormatter.wrap_for_formatter,
]

_FOREIGN: list[structlog.typing.Processor] = [merge_contextvars, keep_private, *_FRAME]


def _stream_handler(settings: Settings, stream: TextIO | None) -> _Handler:
    handler = _Handler(stream, settings.log_format)
    handler.setLevel(settings.log_level)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=_FOREIGN,
            processors=[ProcessorFormatter.remove_processors_meta, _renderer(settings, handler.stream)],
        )
    )
    return handler


def _file_handler(settings: Settings) -> _FileHandler:
    """Return the handler of these settings; one that is there already goes on, with its open files."""
    made = _FileHandler(
        settings.logs_dir,
        settings.log_keep_days,
        needs=None if settings.log_dir is not None else settings.home,
        level="DEBUG" if settings.log_debug else settings.log_level,
    )
    there = [old for old in logging.getLogger().handlers if isinstance(old, _FileHandler) and old.same_as(made)]
    return there[0] if there else made


def _renderer(settings: Settings, stream: TextIO | None) -> structlog.typing.Processor:
    if settings.log_format == "json":
        return lambda _logger, _method, event: orjson.dumps(event, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    return structlog.dev.ConsoleRenderer(colors=stream is not None and stream.isatty(), pad_event_to=0, sort_keys=False)


class _Handler(logging.StreamHandler[TextIO]):
    """Writes to a stream, standard error unless told otherwise."""

    def __init__(self, stream: TextIO | None, form: str) -> None:
        super().__init__(stream or sys.stderr)
        self._follow = stream is None
        self._told = ("always", form)

    def emit(self, record: logging.LogRecord) -> None:
        if _has_own_handler(record.name) or _event_of(record).stream not in self._told:
            return
        if self._follow:
            # Not `setStream`: it flushes the stream before, which may be closed by now. Every line was flushed anyway.
            self.stream = sys.stderr
        # A process whose standard error was closed before it began has none; its lines are in the files.
        if self.stream is not None:
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        _complain(f"a log line of {record.name} was lost: {type(sys.exc_info()[1]).__name__}")


class _FileHandler(logging.Handler):
    """Writes to the log files below a folder; `needs` is the home without which nothing is written."""

    def __init__(self, root: Path, keep_days: int, *, needs: Path | None, level: str) -> None:
        super().__init__(level)
        self._about = (root, keep_days, needs, level)
        self._needs = needs
        self._files = LogFiles(root, keep_days)
        self._there = False
        self._complained = 0.0

    def same_as(self, other: _FileHandler) -> bool:
        """Say whether both would write the same lines to the same files."""
        return self._about == other._about

    def progress_folder(self) -> Path | None:
        """Return the folder of the progress files, or None while there is no home."""
        return self._files.root / "progress" if self._home_is_there() else None

    def emit(self, record: logging.LogRecord) -> None:
        if _has_own_handler(record.name) or not self._home_is_there():
            return
        try:
            line = _line(record)
            self._files.write(file_of(_event_of(record), record.levelno), line["timestamp"][:10], line_of(line))
        except OSError as error:
            if time.monotonic() - self._complained > COMPLAINT_SECONDS or not self._complained:
                self._complained = time.monotonic()
                _complain(f"log files cannot be written ({error.strerror or error}): lines go to standard error alone")
        except Exception:  # noqa: BLE001  as the standard library has it: a line that cannot be made stops no work
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        # The stream's handler has said so already, where the line itself is broken.
        return

    def close(self) -> None:
        self._files.close()
        super().close()

    def _home_is_there(self) -> bool:
        if not self._there:
            # A folder made for a home that nothing lies in yet may be the empty place that a restore asks for.
            self._there = self._needs is None or (self._needs.is_dir() and any(self._needs.iterdir()))
        return self._there


_OURS = (_Handler, _FileHandler)


def _event_of(record: logging.LogRecord) -> Event:
    return event_of(record.msg["event"]) if isinstance(record.msg, dict) and "event" in record.msg else event_of(None)


def _line(record: logging.LogRecord) -> dict[str, Any]:
    """Return a record as a private line; one of the standard library is made so now."""
    if isinstance(record.msg, dict) and hasattr(record, "_logger"):
        return record.msg
    line: Any = {"event": record.getMessage(), "_record": record, "_from_structlog": False}
    if record.exc_info:
        line["exc_info"] = record.exc_info
    for process in _FOREIGN:
        line = process(None, record.levelname.lower(), line)
    return {key: value for key, value in line.items() if not key.startswith("_")}


def _complain(sentence: str) -> None:
    # The standard library's way would print the message and its arguments as they are.
    if sys.stderr is not None and not sys.stderr.closed:
        sys.stderr.write(f"{sentence}\n")


def _has_own_handler(name: str) -> bool:
    """Return whether the record was written already, by a handler below the root such as one of Dagster's."""
    logger: logging.Logger | None = logging.getLogger(name)
    while logger is not None and logger.parent is not None:
        if any(not isinstance(handler, logging.NullHandler) for handler in logger.handlers):
            return True
        logger = logger.parent if logger.propagate else None
    return False
