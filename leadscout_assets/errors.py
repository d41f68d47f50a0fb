"""The one error family. Messages name the place and the fix, never the value of a personal field.

LeadScoutError                      anything LeadScout itself raises; exit code 3
├── BadInput                        the user's file, option or setting is at fault; exit code 2
│   ├── UnreadableFile              a delivered file that cannot become rows: the batch is refused
│   ├── StillGrowing                a file that changed while it was being stored
│   ├── TooManyRows                 a run above the row limit; names the setting
│   ├── UnknownBatch                a batch id that no delivery has
│   └── BadSetting                  a setting that cannot be used as given
├── ContractBroken                  a frame that does not fit its table's contract
├── AlreadyRunning                  another platform holds this home; names its pid
├── TookTooLong                     an operation above its time limit; names the setting
├── Defect                          an unexpected exception, told by its kind and places without its message
└── EdgeFailed                      storage, database or a process failed; says what to look at
    ├── DamagedBackup               a backup that is not what it was when it was taken; names the file
    └── LostData                    a home that lacks what it had; names it, and says to restore
KeyboardInterrupt
└── Stopped                         somebody asked the work to end: no error, but the way out of it
"""

import errno


class LeadScoutError(Exception):
    """Base of every error that LeadScout raises on purpose."""

    exit_code = 3
    retryable = False
    """Whether the same work may succeed a moment later, although nobody has changed anything."""


class BadInput(LeadScoutError):
    """The input, not the platform, must change."""

    exit_code = 2


class UnreadableFile(BadInput):
    """A delivered file that cannot become rows.

    `code` is a stable word for machines (`encrypted`, `too_large`, ...); the message is one sentence for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class StillGrowing(BadInput):
    """A file that changed while it was being stored: what was copied may be a part of it."""


class UnknownBatch(BadInput):
    """A batch id that no delivery has."""


class BadSetting(BadInput):
    """A setting that cannot be used as given."""


class ContractBroken(LeadScoutError):
    """A frame does not fit its table's contract: a defect of LeadScout, not of the delivery."""


class TooManyRows(BadInput):
    """A run would hold more rows than `LEADSCOUT_MAX_ROWS_PER_RUN` allows."""


class AlreadyRunning(LeadScoutError):
    """Another platform holds this home."""


class Defect(LeadScoutError):
    """An exception that nobody expected. Its own message is left out, since libraries quote the values they choke on."""


class TookTooLong(LeadScoutError):
    """An operation took longer than `LEADSCOUT_TIME_LIMITS` gives it."""


class EdgeFailed(LeadScoutError):
    """Storage, a database or a process failed underneath us."""

    retryable = True


class DamagedBackup(EdgeFailed):
    """A backup is not what it was when it was taken."""

    retryable = False


class LostData(EdgeFailed):
    """A home lacks what it once had: no waiting brings it back, but a backup or a disk that is mounted again."""

    retryable = False


class Stopped(KeyboardInterrupt):
    """Somebody asked the work to end, by a signal or in the UI. What was finished before stays.

    `number` is that of the signal, SIGINT's where there was none.
    """

    def __init__(self, number: int = 2) -> None:
        super().__init__("stopped")
        self.number = number


INTERRUPTIONS = frozenset(
    ("KeyboardInterrupt", "SystemExit", "GeneratorExit", "CancelledError", "DagsterExecutionInterruptedError")
)
"""Classes of exceptions that end work because somebody asked for it. By name, since Dagster takes seconds to import.
What is not among them is taken for a failure, panics of libraries in Rust included: to call an
unknown interruption a failure costs a word, to pass on an unknown failure may cost a person's name."""


def is_interruption(error: BaseException) -> bool:
    """Return whether an exception ends work because somebody asked for it, and is no failure."""
    return any(kind.__name__ in INTERRUPTIONS for kind in type(error).__mro__)


_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_ROOM_IN_SQLITE = ("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHM")


def disk_is_full(error: BaseException) -> bool:
    """Say whether an error comes of a write that found no room, at whatever depth libraries have wrapped it."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, BaseException) or one in seen:
            continue
        seen.append(one)
        if isinstance(one, OSError) and one.errno in _NO_ROOM:
            return True
        if str(getattr(one, "sqlite_errorname", "")).startswith(_NO_ROOM_IN_SQLITE):
            return True
        waiting += [one.__cause__, one.__context__, getattr(one, "orig", None), *one.args]
    return False
