"""Backups and restores killed at any moment, while the home is written to: what counts is always whole."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time

import pyarrow as pa
import pytest

from leadscout_assets.contracts import REJECTED_LEADS
from leadscout_assets.recovery.repository import Repository
from leadscout_assets.tables import Tables
from tests.recovery.conftest import ONE, TWO, rejected

NEVER = "1000000"
"""A step that is never reached: these are killed from outside."""

KILLS = 20


def killed_after(seconds: float, what: str, target) -> bool:
    """Start a backup or restore, kill it after some seconds, and say whether it was under way."""
    command = [sys.executable, "-m", "tests.recovery.killed", what, NEVER, str(target)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        return process.wait() == -signal.SIGKILL


@pytest.mark.soak
def test_whatever_is_killed_at_whatever_moment_what_counts_is_whole(living, tmp_path, monkeypatch):
    monkeypatch.setenv("LEADSCOUT_BACKUP_DIR", str(tmp_path / "backups"))
    backups, dice, stop = tmp_path / "backups", random.Random(7), threading.Event()
    started = time.monotonic()
    living.back_up(to=backups)
    living.repository = Repository(backups)
    whole = 1.5 + time.monotonic() - started

    def write() -> None:
        tables, number = Tables(living.settings.tables_dir), 0
        while not stop.wait(0.01):
            number += 1
            rows = [rejected(batch, 50 + number % 3, f'{{"n": {number}}}') for batch in (ONE, TWO)]
            tables.replace(REJECTED_LEADS, pa.concat_tables(rows), [ONE, TWO])

    writer = threading.Thread(target=write)
    writer.start()
    under_way = 0
    try:
        for number in range(KILLS):
            under_way += killed_after(dice.uniform(0.5, whole), "backup", backups)
            target = tmp_path / f"killed {number}"
            under_way += killed_after(dice.uniform(0.5, whole), "restore", target)
            if not target.exists():
                living.restore(target)
            (said,) = set(Tables(target / "tables").read(REJECTED_LEADS, [ONE, TWO])["row"].to_pylist())
            assert said.startswith("{")
    finally:
        stop.set()
        writer.join()
    assert under_way > KILLS
    for number, backup_id in enumerate(living.repository.ids()):
        living.restore(tmp_path / f"every {number}", backup_id)
