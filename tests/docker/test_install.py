"""What `docker/install.sh` installs, into a folder as into an image."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.docker.compose import ROOT
from tests.docker.conftest import install


def site_packages(prefix: Path) -> Path:
    return next(prefix.glob("lib/python*/site-packages"))


def test_the_package_is_copied_and_not_linked_to_the_source(prefix):
    assert (site_packages(prefix) / "leadscout_assets" / "definitions.py").is_file()
    assert [path for path in site_packages(prefix).glob("*.pth") if "leadscout" in path.name.lower()] == []
    assert [path for path in site_packages(prefix).rglob("*editable*") if "leadscout" in path.name.lower()] == []


def test_nothing_is_there_to_install_or_to_test_with(prefix):
    programs = {path.name for path in (prefix / "bin").iterdir()}
    assert {"leadscout", "dagster", "dagster-webserver", "dagster-daemon"} <= programs
    assert programs & {"pip", "pip3", "uv", "pytest", "hatchling", "ruff"} == set()


def test_what_dagsters_loader_looks_for_is_in_the_package_since_no_project_lies_above_it(prefix):
    # That the definitions load from it is shown by the code location in test_stack.
    own = site_packages(prefix) / "leadscout_assets"
    assert [folder for folder in own.parents if (folder / "pyproject.toml").exists()] == []
    assert (own / "dg.toml").read_bytes() == (ROOT / "leadscout_assets" / "dg.toml").read_bytes()


@pytest.mark.soak
def test_everything_is_compiled_so_that_a_read_only_image_starts_fast(tmp_path):
    install(tmp_path / "prefix")
    modules = list((site_packages(tmp_path / "prefix") / "leadscout_assets").rglob("*.py"))
    assert [m for m in modules if not list(m.parent.glob(f"__pycache__/{m.stem}.*.pyc"))] == []


def test_a_lock_whose_hash_is_wrong_installs_nothing(tmp_path):
    checkout = tmp_path / "checkout"
    (checkout / "docker").mkdir(parents=True)
    for name in ("docker/install.sh", "docker/runtime_lock.py"):
        (checkout / name).write_bytes((ROOT / name).read_bytes())
    (checkout / "pyproject.toml").write_text('[project]\ndependencies = ["typer"]\n')
    entry = f"typer==0.20.0 \\\n    --hash=sha256:{'0' * 64}\n    # via leadscout (pyproject.toml)\n"
    (checkout / "requirements.lock").write_text(entry)
    uv = {"UV": str(ROOT / ".tools" / "bin" / "uv"), "UV_COMPILE_BYTECODE": "0"}
    done = subprocess.run(
        ["sh", checkout / "docker" / "install.sh", tmp_path / "prefix"],
        env=os.environ | uv,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "typer" in done.stderr
    assert list(site_packages(tmp_path / "prefix").glob("typer*")) == []
