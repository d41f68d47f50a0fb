"""Print the part of requirements.lock that the platform needs to run: no test tools, no build backend; of the extras those named.

    python docker/runtime_lock.py [EXTRA...] > runtime.lock

The lock says beside each entry who wants it; what a declared dependency wants, directly or through others, is printed as
it stands, hashes included. So there is one lock, and nothing to keep equal to it. Needs nothing but Python.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def runtime_lock(lock: str, dependencies: list[str]) -> str:
    """Return the entries of `lock` that `dependencies` (lines of pyproject.toml) need. Raises `SystemExit` where one is missing."""
    # A package may have several entries, each for some versions of Python.
    entries: list[tuple[str, str, set[str]]] = []
    for entry in re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE):
        if name := re.match(r"[a-z0-9.-]+(?===)", entry):
            wanted_by = re.findall(r"^    #(?: via)? +([a-z0-9.-]+)(?: \(pyproject\.toml\))?$", entry, re.MULTILINE)
            entries.append((name[0], entry, set(wanted_by)))
    needed = {_name(line) for line in dependencies}
    if missing := needed - {name for name, _, _ in entries}:
        sys.exit(f"not in requirements.lock: {', '.join(sorted(missing))}; run `make lock`")
    while more := {name for name, _, wanted_by in entries if name not in needed and wanted_by & needed}:
        needed |= more
    return "".join(entry for name, entry, _ in entries if name in needed)


def _name(requirement: str) -> str:
    name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(line for extra in sys.argv[1:] for line in project["optional-dependencies"][extra]),
    ]
    sys.stdout.write(runtime_lock((ROOT / "requirements.lock").read_text(encoding="utf-8"), wanted))
