"""What the worst files cost a real process: peak memory by `wait4`, and time."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.hostile.containers import lying
from tests.hostile.registry import FILES
from tests.hostile.workbooks import list_of

MEGABYTE = 1 << 20
MOST_MEMORY = 300
"""Megabytes of a process that refuses, all of LeadScout's own included."""

MOST_SECONDS = 20.0
"""Ten times what is promised on a quiet machine: a busy one is no bug."""


@dataclass(frozen=True)
class Cost:
    code: int
    seconds: float
    megabytes: float
    said: str


MEASURE = """
import json, os, sys, time
start = time.perf_counter()
pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
answer = [os.waitstatus_to_exitcode(status), time.perf_counter() - start, usage.ru_maxrss / 1024]
open(sys.argv[1], "w").write(json.dumps(answer))
"""
"""Starts the command from a process that is small itself: the peak of a child begins with that of its parent."""


def cost_of(path: Path) -> Cost:
    """Run `leadscout run` on a file in a process of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LEADSCOUT_")}
    environment |= {"LEADSCOUT_HOME": str(path.parent / "home"), "LEADSCOUT_LOG_LEVEL": "CRITICAL"}
    command = [sys.executable, "-c", "from leadscout_assets.cli import main; main()"]
    answer = path.with_suffix(".json")
    said = subprocess.run(
        [sys.executable, "-S", "-c", MEASURE, answer, *command, "run", path, "--out", path.parent / "out"],
        capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    found = Cost(*json.loads(answer.read_text()), (said.stdout + said.stderr).strip())
    print(f"{path.name}, {path.stat().st_size:,} bytes: {found.seconds:.2f} s, {found.megabytes:.0f} MB: {found.said}")
    return found


def bomb(path: Path, *, size: int = 500) -> Path:
    """Write a good workbook with `size` megabytes of zeros beside its sheet."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, text in list_of(random.Random(1)).items():
            archive.writestr(name, text)
        with archive.open("xl/media/a.bin", "w") as part:
            for _ in range(size):
                part.write(bytes(MEGABYTE))
    return path


def lying_bomb(path: Path) -> Path:
    """Write the same, declaring a hundred bytes."""
    path.write_bytes(lying(bomb(path, size=100).read_bytes(), "xl/media/a.bin", 100))
    return path


def from_registry(name: str) -> Callable[[Path], Path]:
    """Return a writer of one file of the registry."""

    def write(path: Path) -> Path:
        path.write_bytes(next(file for file in FILES if file.name == name).content())
        return path

    return write


@pytest.mark.parametrize(
    ("name", "writer"),
    [
        ("bomb.xlsx", bomb),
        ("lying bomb.xlsx", lying_bomb),
        ("cell of 50 MB.csv", from_registry("a cell of 50 MB")),
        ("million columns.csv", from_registry("a million columns")),
        ("shared strings.xlsx", from_registry("four billion shared strings")),
    ],
)
def test_what_costs_a_sender_little_costs_the_platform_little(
    tmp_path: Path, name: str, writer: Callable[[Path], Path]
) -> None:
    path = writer(tmp_path / name)
    if writer is bomb:
        assert path.stat().st_size < 600_000
    cost = cost_of(path)
    assert cost.code == 2, cost.said
    assert len(cost.said.splitlines()) == 1
    assert cost.megabytes < MOST_MEMORY
    assert cost.seconds < MOST_SECONDS
