"""A process of the platform runs the module that it is told to, and looks for no garbage while it starts, as do those that it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SPAWNS = """
import gc, multiprocessing, sys

def tell():
    print(gc.isenabled())

if __name__ == "__main__":
    print(sys.argv, flush=True)
    import spawning
    process = multiprocessing.get_context("spawn").Process(target=spawning.tell)
    process.start()
    process.join()
    sys.exit(7)
"""


def test_the_module_runs_with_its_arguments_and_its_exit_code_and_processes_that_it_starts_are_set_up_as_well(
    tmp_path: Path,
) -> None:
    (tmp_path / "spawning.py").write_text(SPAWNS)
    command = [sys.executable, "-m", "leadscout_assets.dagster_process", "spawning", "--with", "an argument"]
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(tmp_path)}, check=False
    )
    assert (done.returncode, done.stderr) == (7, "")
    assert done.stdout == "['spawning', '--with', 'an argument']\nFalse\n"
