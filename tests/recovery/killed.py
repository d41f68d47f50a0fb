"""`python -m tests.recovery.killed backup|restore STEP TARGET`: does it, and is killed in the midst of it by its own hand.

STEP counts contents stored or files restored; `manifest` and `rename` are the last moments before it counts.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from leadscout_assets.recovery import restore as restoring
from leadscout_assets.recovery.repository import Repository
from leadscout_assets.settings import current_settings
from tests.recovery.conftest import Living


def kill_at(owner: type, name: str, step: int) -> None:
    original, calls = getattr(owner, name), []

    def counted(*args, **kwargs):
        calls.append(1)
        if len(calls) == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **kwargs)

    setattr(owner, name, counted)


def main(what: str, step: str, target: str) -> None:
    living = Living(current_settings())
    if what == "backup":
        kill_at(Repository, "write" if step == "manifest" else "_keep", 1 if step == "manifest" else int(step))
        living.back_up(to=Path(target))
    else:
        if step == "rename":
            kill_at(restoring, "_force", 1)
        else:
            kill_at(Repository, "copy_out", int(step))
        living.restore(Path(target))


if __name__ == "__main__":
    main(*sys.argv[1:])
