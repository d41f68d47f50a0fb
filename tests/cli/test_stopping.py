"""SIGTERM and SIGINT at random moments of a run: it ends in time, says what it kept, goes on from there, and what is
there is always whole."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from leadscout_assets.background import COMMAND
from leadscout_assets.kept_steps import FOLDER
from leadscout_assets.leads.synthetic import write_delivery
from tests.waiting import until

pytestmark = pytest.mark.processes

ENDS_WITHIN = 10.0
"""Seconds; the two of `make test`, beside whatever else runs, are given more."""

SEED = 20261122


class Runs:
    """One lead list, the report that a run makes of it undisturbed, and runs of it that are disturbed."""

    def __init__(self, folder: Path, rows: int) -> None:
        self.source, self.out, self.home = folder / "leads.csv", folder / "out", folder / "home"
        write_delivery(self.source, rows, seed=7)
        began = time.monotonic()
        assert self.finish(folder / "undisturbed", resume=False).returncode == 0
        self.seconds = time.monotonic() - began
        self.report = files(folder / "undisturbed")
        self.took: list[float] = []

    def begin(self, out: Path, *, resume: bool) -> subprocess.Popen[str]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LEADSCOUT_")}
        environment |= {"LEADSCOUT_HOME": str(self.home), "LEADSCOUT_LOG_LEVEL": "ERROR"}
        arguments = ["run", str(self.source), "--out", str(out), "--delivered", "2026-03-02"]
        if resume:
            arguments = [*arguments[:-2], "--resume"]
        return subprocess.Popen(
            [*COMMAND, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def finish(self, out: Path, *, resume: bool) -> subprocess.CompletedProcess[str]:
        process = self.begin(out, resume=resume)
        told, errors = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, told, errors)

    def disturb(self, dice: random.Random, ends_within: float, within: float = 0.5) -> bool:
        """Begin, or go on with, a run; stop it at a random moment; say whether it was stopped in its work.

        `within`: the latest moment, as a share of the time that the undisturbed run took.
        """
        resume = any(self.out.glob(f"{FOLDER}/*/state.json"))
        process = self.begin(self.out, resume=resume)
        told = self.home / "logs" / "progress" / f"run-{process.pid}.json"
        # From when it works: a second or more goes to imports, on a busy machine most of it.
        while process.poll() is None and not told.exists():
            time.sleep(0.02)
        time.sleep(dice.uniform(0.0, self.seconds * within))
        number = dice.choice([signal.SIGTERM, signal.SIGINT])
        asked = time.monotonic()
        process.send_signal(number)
        _, errors = process.communicate(timeout=120)
        took = time.monotonic() - asked
        self.took.append(took)
        assert took < ends_within, (took, number, process.returncode, errors)
        for name, content in files(self.out).items():
            assert content == self.report[name], f"{name} is half written"
        if process.returncode == 0 or not told.exists() or process.returncode == -number:
            # Done before the signal, or not begun, or done but for the end of the process.
            return False
        assert process.returncode == 128 + number, errors
        state = json.loads(told.read_text())["state"]
        if state == "succeeded":
            # The signal found all of it done, and the process about to end.
            assert files(self.out) == self.report
            return False
        assert state == "cancelled"
        # The latter where a busy machine let it not get there in its grace.
        assert "leadscout: stopped; " in errors or "ended at once; what was finished is kept" in errors
        return True


def files(out: Path) -> dict[str, bytes]:
    """Return the report's files that anyone would read."""
    found = (path for path in out.rglob("*") if path.is_file() and not path.relative_to(out).parts[0].startswith("."))
    return {path.name: path.read_bytes() for path in found if ".writing-" not in str(path)}


def stop_often(folder: Path, times: int, rows: int, ends_within: float) -> str:
    """Stop a run so often, go on with it to its end, and say what was seen."""
    runs, dice = Runs(folder, rows), random.Random(SEED)
    stopped = sum(runs.disturb(dice, ends_within) for _ in range(times))
    for number in range(2 * times):
        # Where the machine was busier, or is by now, the moments drawn may all lie before the work or behind it.
        if stopped >= max(1, times // 4):
            break
        stopped += runs.disturb(dice, ends_within, (0.5, 0.25, 0.1, 0.02)[number % 4])
    assert stopped >= max(1, times // 4)
    last = runs.finish(runs.out, resume=any(runs.out.glob(f"{FOLDER}/*/state.json")))
    assert last.returncode == 0, last.stderr
    assert files(runs.out) == runs.report
    assert not (runs.out / FOLDER).exists()
    return f"{len(runs.took)} signals, {stopped} of them to a run in its work, which was gone after {max(runs.took):.1f} s at the most"


def test_twice(tmp_path):
    stop_often(tmp_path, 2, rows=1_000, ends_within=6 * ENDS_WITHIN)


@pytest.mark.soak
def test_fifty_times(tmp_path):
    print(stop_often(tmp_path, 50, rows=20_000, ends_within=ENDS_WITHIN))


def test_a_backfill_that_was_stopped_goes_on_behind_the_steps_that_it_had_finished(tmp_path):
    source, home = tmp_path / "leads.csv", tmp_path / "home"
    write_delivery(source, 20_000, seed=7)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LEADSCOUT_")}
    environment |= {"LEADSCOUT_HOME": str(home)}

    def leadscout(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments], env=environment, capture_output=True, text=True, timeout=240, check=False
        )

    batch = json.loads(leadscout("deliver", str(source), "--json").stdout)["batch_id"]
    process = subprocess.Popen(
        [*COMMAND, "backfill", batch], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    # A step is finished when Dagster has noted it so, a moment after its progress file says it: the next one has begun then.
    until(lambda: told(home, "classifications") or process.poll() is not None, "the third step has begun")
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + signal.SIGTERM, said
    # The latter where a busy machine let it not get there in its grace.
    assert "0 of 1 batches are run, and raw_leads, leads" in said or "ended at once; what was finished is kept" in said
    before = finished(home, "leads")
    gone_on = leadscout("backfill", "--resume")
    assert gone_on.returncode in (0, 1), gone_on.stderr
    assert finished(home, "leads") == before, "a finished step was done again"
    assert leadscout("status", "--json").stdout.count("backfill --resume") == 0
    shown = json.loads(leadscout("batches", "--json").stdout)
    assert [one["state"] for one in shown] == ["reported"]


def told(home: Path, step: str) -> list[dict[str, object]]:
    """Return what the progress files of a step tell, one per run."""
    return [json.loads(path.read_text()) for path in (home / "logs" / "progress").glob(f"{step}-*.json")]


def finished(home: Path, step: str) -> int:
    """Return how many runs have finished the step."""
    return sum(one["state"] == "succeeded" for one in told(home, step))
