"""The project's own promises: lock, dependencies, documents and commands say the same thing."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "leadscout_assets"
LOCK = (ROOT / "requirements.lock").read_text()
README = (ROOT / "README.md").read_text()
# Variables of the tests and the gate, not of the platform.
NOT_SETTINGS = {"LEADSCOUT_REQUIRE_BROWSER"}


def declared() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    return [Requirement(line) for group in groups for line in group]


def locked() -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9.-]+)==([^\s;\\]+)", LOCK, re.MULTILINE))


def documents() -> Iterator[Path]:
    yield from ROOT.glob("*.md")
    yield from (ROOT / "docs").rglob("*.md")


@pytest.mark.parametrize("requirement", declared(), ids=lambda r: r.name)
def test_lock_holds_every_declared_dependency_in_an_admitted_version(requirement):
    version = locked().get(canonicalize_name(requirement.name))
    assert version is not None, f"{requirement.name} is not in requirements.lock: run `make lock`"
    assert requirement.specifier.contains(version, prereleases=True), (
        f"{requirement} against {version}: run `make lock`"
    )


def test_lock_hashes_every_entry():
    entries = re.split(r"^(?=[a-z0-9])", LOCK, flags=re.MULTILINE)[1:]
    assert entries
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_lock_names_no_host():
    surplus = [
        line
        for line in LOCK.splitlines()
        if not re.fullmatch(
            r"[a-z0-9.-]+==\S+( ; [^/@:]+)?( \\)?"  # a version, perhaps for some machines
            r"|    --hash=sha256:[0-9a-f]{64}( \\)?"  # its hashes
            r"|    #( via)?(   )?( ?[a-z0-9._-]+( \(pyproject\.toml\))?)?",  # who wants it
            line,
        )
    ]
    assert surplus == []


def test_every_dependency_has_its_line_of_reason():
    text = (ROOT / "docs" / "dependencies.md").read_text().split("## Considered and not taken")[0]
    reasons = dict(re.findall(r"^\| `([^`]+)` \| (\S.*\S) \|$", text, re.MULTILINE))
    assert set(reasons) == {requirement.name for requirement in declared()}


def test_every_decision_record_is_listed_and_complete():
    records = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
    index = (ROOT / "docs" / "adr" / "README.md").read_text()
    assert [record.name[:4] for record in records] == [f"{n:04}" for n in range(1, len(records) + 1)]
    assert re.findall(r"^\| \[\d{4}\]\(([^)]+)\) \|", index, re.MULTILINE) == [record.name for record in records]
    for record in records:
        headings = re.findall(r"^## (.*)$", record.read_text(), re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences", "Rejected"], record.name


@pytest.mark.parametrize("document", sorted(documents()), ids=lambda d: str(d.relative_to(ROOT)))
def test_links_within_the_documents_lead_somewhere(document):
    targets = re.findall(r"\]\((?![a-z]+:)([^)#\s]+)[^)]*\)", document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_help_names_every_make_target():
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)", makefile, re.MULTILINE)
    assert phony is not None
    targets = {t for t in phony[1].replace("\\", "").split() if not t.startswith("check-")} - {"help"}
    assert targets == set(re.findall(r"make ([a-z-]+) ", "\n".join(re.findall(r"^#   (.*)", makefile, re.MULTILINE))))


def test_every_folder_of_code_is_a_package():
    folders = {path.parent for root in (PACKAGE, ROOT / "tests") for path in root.rglob("*.py")}
    assert sorted(str(f.relative_to(ROOT)) for f in folders if not (f / "__init__.py").exists()) == []


def test_readme_names_every_setting_and_no_other():
    from leadscout_assets.settings import Settings

    settings = {f"LEADSCOUT_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"\bLEADSCOUT_[A-Z0-9_]+\b", README)) - NOT_SETTINGS == settings


def test_readme_shows_every_command():
    import typer

    from leadscout_assets.cli.application import app

    names = [command.name for command in typer.main.get_group(app).commands.values()]
    assert [name for name in names if f"leadscout {name}" not in README] == []


@pytest.mark.parametrize("module", ["leadscout_assets.pipeline", "leadscout_assets.cli.application"])
def test_what_takes_long_to_import_is_not_imported_by(module):
    slow = ["alembic", "dagster", "pandas", "pandera", "sklearn", "sqlalchemy"]
    code = f"import sys, {module}; print(*(name for name in {slow} if name in sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
