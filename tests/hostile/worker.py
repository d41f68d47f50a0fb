"""A process that runs `leadscout run` on one file after the other, so that what crashes or hangs is not the test itself."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
from pathlib import Path

MEMORY = 4_000_000_000
"""Bytes of address space; what wants more fails in this process instead of taking the machine with it."""


def main() -> None:
    """Answer each line on stdin, a command's arguments and the file for its output as JSON, with its exit code."""
    from leadscout_assets.cli.application import run_application

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        arguments, said = json.loads(line)
        with _redirected(Path(said)):
            code = run_application(arguments)
        print(code, file=answers, flush=True)


@contextlib.contextmanager
def _redirected(said: Path):
    """Send what this process says to two files; by descriptor, since panics of libraries in Rust know no `sys.stderr`."""
    kept = os.dup(1), os.dup(2)
    for number, suffix in ((1, ".out"), (2, ".err")):
        with said.with_suffix(suffix).open("wb") as file:
            os.dup2(file.fileno(), number)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, old in enumerate(kept, 1):
            os.dup2(old, number)
            os.close(old)


if __name__ == "__main__":
    main()
