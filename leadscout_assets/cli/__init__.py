"""The terminal shell: each command parses, calls the library and prints. One file per group of commands."""

import os
import signal
import sys
from contextlib import suppress
from types import FrameType

from leadscout_assets.garbage import look_later


def main() -> None:
    """Run `leadscout`.

    Exit codes: 0 done, 1 done with a failing check, 2 bad input or usage, 3 failed, 128 + its number for a signal.
    """
    # Until a command has begun its work, and takes signals itself, there is nothing to end well. An exception would
    # not do: libraries swallow it while they are imported, and the command would go on as if nobody had asked.
    signal.signal(signal.SIGINT, _leave)
    _open_closed_streams()
    look_later()
    from leadscout_assets.cli.application import run_application

    code = run_application(sys.argv[1:])
    if code > 128:
        # Ended by a signal: whoever sent it waits, and taking the interpreter apart takes seconds on a busy machine.
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


def _open_closed_streams() -> None:
    """Let a stream that was closed before we began (`2>&-`) lead nowhere.

    Left closed, its number goes to the next file that is opened, and what libraries and child processes say is written into
    that: the database, say.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free: those below are open by now.
            os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115


def _leave(number: int, _frame: FrameType | None) -> None:
    os._exit(128 + number)
