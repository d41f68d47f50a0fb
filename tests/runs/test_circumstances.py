"""What a run's speed depends on: machines that are alike have one name, changed code another version."""

from __future__ import annotations

import os
import re

import pytest

from leadscout_assets.runs.circumstances import PACKAGE, code_version, machine_class


def test_the_class_of_a_machine_tells_system_processors_memory_and_python_and_no_name(tmp_path):
    found = machine_class(tmp_path / "none")
    assert re.fullmatch(r"[a-z]+-\w+-\d+cpu-\d+gb-py3\.\d+", found)
    assert os.uname().nodename not in found


@pytest.mark.parametrize(("quota", "processors"), [("150000 100000", 2), ("50000 100000", 1), ("max 100000", None)])
def test_a_containers_quota_counts_as_its_processors(tmp_path, monkeypatch, quota, processors):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    file = tmp_path / "cpu.max"
    file.write_text(quota)
    assert f"-{processors or 8}cpu-" in machine_class(file)


def test_the_version_changes_with_any_module_and_with_nothing_else(tmp_path):
    def version(name: str, **files: str) -> str:
        folder = tmp_path / name
        (folder / "inner").mkdir(parents=True)
        for file, text in files.items():
            (folder / "inner" / f"{file}.py").write_text(text)
        (folder / "notes.txt").write_text(name)
        return code_version(folder)

    assert version("one", a="x", b="y") == version("two", a="x", b="y")
    assert len({version("three", a="x", b="z"), version("four", a="x", c="y"), version("one more", a="x", b="y")}) == 3
    assert re.fullmatch(r"[0-9a-f]{12}", code_version(PACKAGE))
