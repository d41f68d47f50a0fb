"""The runs of a code server: looked after while it serves, interrupted with it, failed where their process is gone.

For whoever supervises a code server: the whole platform on one machine, or the code location in a container.
"""

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from leadscout_assets.logs import get_logger
from leadscout_assets.supervisor.children import Child, belongs_to

if TYPE_CHECKING:
    from leadscout_assets.defs.orphans import EmbeddedInstance

LOOK_SECONDS = 5.0
"""Seconds between two looks for orphaned runs. Two in a row must find a run, since its code server, which learns of a
worker's death within half a second, says more about it."""

log = get_logger(__name__)


class Runs:
    """The runs of one instance, as far as processes of this machine execute them for one home."""

    def __init__(self, folder: Path, home: Path) -> None:
        """Open the instance configured in `folder`; makes its storage where there is none."""
        from leadscout_assets.defs import orphans

        self._home = home
        self._instance: EmbeddedInstance = orphans.open_instance(folder)
        self._suspects: frozenset[str] = frozenset()

    def fail_before_serving(self) -> None:
        """Fail what an earlier code server left under way. Only while no daemon and no code server run. Raises what storage raises."""
        from leadscout_assets.defs import orphans

        _report(orphans.fail_orphaned_runs(self._instance, launching=False))

    def take_over(self) -> None:
        """Find what an earlier code server left under way, while a daemon runs. Only before the new one takes launches.

        What lost its process is failed at the first look: the daemon retries at once, and needs a code server for it. What
        was launched but never named a process is failed now, since later it could be on its way. Raises what storage raises.
        """
        from leadscout_assets.defs import orphans

        lost = frozenset(orphans.orphaned_runs(self._instance, launching=True))
        never_begun = frozenset(orphans.orphaned_runs(self._instance, launching=False)) - lost
        _report(orphans.fail_orphaned_runs(self._instance, launching=False, only=never_begun))
        self._suspects = lost

    def look(self, answers: Callable[[], bool]) -> None:
        """Fail the runs that lost their process, and ask again for retries that got lost; while the code server answers."""
        from leadscout_assets.defs import orphans

        if not answers():
            # The daemon retries a failed run at once, and only once: not while nothing can be launched.
            self._suspects = frozenset()
            return
        try:
            found = frozenset(orphans.orphaned_runs(self._instance, launching=True))
            _report(orphans.fail_orphaned_runs(self._instance, launching=True, only=found & self._suspects))
            for run_id in orphans.repeat_lost_retries(self._instance, datetime.now(UTC)):
                log.warning("lost retry asked for again", run_id=run_id)
        except Exception as error:  # noqa: BLE001
            # Whatever the storage may raise (locked, full, slow, away), the platform goes on, and looks again in a moment.
            log.warning("looking for orphaned runs failed", error=type(error).__name__)
        else:
            self._suspects = found

    def interrupt(self, code_server: Child, asked: set[psutil.Process]) -> bool:
        """Ask each process that executes a run, and is not among `asked`, to end; add it there. Say whether none is left."""
        workers = self._workers(code_server)
        for worker in workers - asked:
            signal_process(worker, signal.SIGTERM)
        asked |= workers
        return not workers

    def close(self) -> None:
        """Fail what was interrupted, and close the instance."""
        from leadscout_assets.defs import orphans

        try:
            _report(orphans.fail_orphaned_runs(self._instance, launching=False))
        except Exception as error:  # noqa: BLE001
            # The next start does the same; an error here must not hide the one that may have brought us here.
            log.warning("marking interrupted runs failed", error=type(error).__name__)
        self._instance.dispose()

    def _workers(self, code_server: Child) -> set[psutil.Process]:
        """Return the processes that execute runs: those that the code server started, and those that outlived one."""
        from leadscout_assets.defs import orphans

        found = code_server.workers()
        try:
            reported = orphans.run_workers(self._instance)
        except Exception as error:  # noqa: BLE001
            # Storage that does not answer must not keep us from ending the processes; their group is ended in any case.
            log.warning("looking for run workers failed", error=type(error).__name__)
            reported = {}
        for workers in reported.values():
            found |= {process for worker in workers if (process := orphans.worker_process(worker))}
        # A run may also be executed by a command in another terminal, which is nobody's to end but its user's.
        return {process for process in found if process.pid != os.getpid() and belongs_to(process, self._home)}


def signal_process(process: psutil.Process, number: signal.Signals) -> None:
    """Send a signal to a process that may have ended meanwhile."""
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def _report(run_ids: list[str]) -> None:
    for run_id in run_ids:
        log.warning("run without a process ended", run_id=run_id)
