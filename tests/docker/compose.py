"""Compose files as data: variables filled in, and places of containers replaced by places of this machine.

What is asked of the files stands in `test_files`, the processes in `stack`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"

PRODUCTION = "compose.prod.yaml"
DEVELOPMENT = "compose.yaml"


class Refused(Exception):
    """A compose file that does not start as things are; the message is the file's own."""


def read(name: str, variables: Mapping[str, str]) -> dict[str, Any]:
    """Return a compose file with its variables filled in as `docker compose` does. Raises `Refused`."""

    def fill(found: re.Match[str]) -> str:
        value, operator, word = variables.get(found["name"], ""), found["operator"], found["word"]
        if operator == ":?" and not value:
            raise Refused(word)
        return value or (word if operator == ":-" else "")

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [filled(item) for item in value]
        if isinstance(value, str):
            return re.sub(r"\$\{(?P<name>\w+)(?:(?P<operator>:[?-])(?P<word>[^}]*))?\}", fill, value)
        return value

    return dict(filled(yaml.safe_load((DOCKER / name).read_text(encoding="utf-8"))))


def ports(services: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Return the ports that services listen on, as their commands and health checks name them."""
    return set().union(*(ports_in([*one["command"], *one["healthcheck"]["test"]]) for one in services.values()))


def ports_in(words: Iterable[object]) -> set[str]:
    """Return the numbers of four digits in the words of a command."""
    return {number for word in words for number in re.findall(r"(?<![\w.])\d{4}(?![\w.])", str(word))}


def image_environment() -> dict[str, str]:
    """Return what the Dockerfile's last stage sets in the environment, `$PATH` left as it stands there."""
    stage = (DOCKER / "Dockerfile").read_text(encoding="utf-8").rsplit("\nFROM ", 1)[1].replace("\\\n", " ")
    settings = [line.removeprefix("ENV ") for line in stage.splitlines() if line.startswith("ENV ")]
    return dict(re.findall(r"(\w+)=(\S+)", " ".join(settings)))
