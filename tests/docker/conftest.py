"""LeadScout installed as the image has it, and the services of compose.prod.yaml on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker.compose import DOCKER, ROOT
from tests.docker.stack import Stack
from tests.postgres import NoPostgres
from tests.purposes import ENVIRONMENT


@pytest.fixture(scope="session")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LeadScout, installed by the script that the Dockerfile runs, into a folder of the session's own."""
    prefix = tmp_path_factory.mktemp("installed") / "leadscout"
    # Compiling everything takes 40 s on two cores; the same files are compiled in this environment.
    install(prefix, UV_COMPILE_BYTECODE="0")
    _take_bytecode(Path(sysconfig.get_path("purelib")), Path(next(prefix.glob("lib/python*/site-packages"))))
    subprocess.run(
        [
            prefix / "bin" / "python",
            "-m",
            "compileall",
            "-q",
            *prefix.glob("lib/python*/site-packages/leadscout_assets"),
        ],
        check=True,
    )
    return prefix


def install(prefix: Path, **environment: str) -> None:
    """Run `docker/install.sh` with the checkout's uv."""
    uv = ROOT / ".tools" / "bin" / "uv"
    own = {"UV": str(uv), "PYTHON": sys.executable, **environment}
    done = subprocess.run(
        [DOCKER / "install.sh", prefix], env=os.environ | own, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def _take_bytecode(source: Path, target: Path) -> None:
    """Copy bytecode whose source is the same file in both places: uv links both to its cache, or copies times and sizes."""
    for compiled in source.rglob("*.pyc"):
        folder = compiled.parent.parent.relative_to(source)
        module = f"{compiled.name.split('.')[0]}.py"
        here, there = source / folder / module, target / folder / module
        if not (here.is_file() and there.is_file()):
            continue
        if _marks(here) == _marks(there):
            (target / folder / "__pycache__").mkdir(exist_ok=True)
            shutil.copyfile(compiled, target / folder / "__pycache__" / compiled.name)


def _marks(module: Path) -> tuple[int, int]:
    # What bytecode remembers of its source, in the precision in which it does.
    status = module.stat()
    return int(status.st_mtime), status.st_size


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, prefix: Path) -> Iterator[Stack]:
    """All services, up and healthy."""
    try:
        stack = Stack(tmp_path_factory.mktemp("stack"), prefix, **ENVIRONMENT)
    except NoPostgres as reason:
        pytest.skip(f"no PostgreSQL: {reason}")
    try:
        stack.up()
        yield stack
    finally:
        stack.down()
