"""The registry of events, the calls in the code and the document say the same. That real lines do, too: tests/defs/test_run_log.py."""

from __future__ import annotations

import ast
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadscout_assets.logs.events import EVENTS, LINES, OPERATIONS, OUTCOME, WHERE_IT_FAILED, Event, event_of, file_of
from leadscout_assets.logs.files import FRAME

ROOT = Path(__file__).parent.parent.parent
DOCUMENT = (ROOT / "docs" / "logging.md").read_text(encoding="utf-8")
METHODS = {"debug", "info", "warning", "error", "exception", "critical"}
IDS = {"run_id", "batch_id", "asset", "step", "request_id"}
COMMON = {*OUTCOME, *WHERE_IT_FAILED, "phase"}


def calls() -> Iterator[tuple[str, str, set[str], bool]]:
    """Yield (place, event, keys, whether more keys come by `**`) of each line logged, and of each operation, in the package."""
    for path in sorted((ROOT / "leadscout_assets").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
                continue
            called = node.func
            logs = isinstance(called, ast.Attribute) and called.attr in METHODS and is_logger(called.value)
            operates = isinstance(called, ast.Name) and called.id == "operation"
            if isinstance(node.args[0].value, str) and (logs or operates):
                keys = {keyword.arg for keyword in node.keywords if keyword.arg} - IDS - {"level"}
                more = any(keyword.arg is None for keyword in node.keywords)
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.args[0].value, keys, more


def is_logger(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "get_logger"
    return isinstance(node, ast.Name) and node.id in ("log", "_log", "logger")


def test_whatever_the_code_logs_is_in_the_registry_with_its_keys():
    unknown, wrong = [], []
    for place, name, keys, more in calls():
        event = EVENTS.get(name)
        if event is None:
            unknown.append(f"{place}: {name!r} is not in leadscout_assets/logs/events.py")
        elif surplus := keys - {*event.keys, *event.may}:
            wrong.append(f"{place}: {name!r} logs {sorted(surplus)}, which the registry does not name")
        elif event in LINES and not more and (missing := set(event.keys) - keys):
            wrong.append(f"{place}: {name!r} does not log {sorted(missing)}, which the registry promises")
    assert unknown + wrong == []


def test_whatever_is_in_the_registry_is_logged_by_the_code():
    logged = {name for _, name, _, _ in calls()}
    # The steps of the chain are operations by their assets' names; the steps are given them as variables.
    from leadscout_assets.pipeline import STEPS

    assert set(EVENTS) - logged - {*STEPS, "known_leads"} == set()


def test_no_event_is_registered_twice_and_no_key_is_one_of_the_frames():
    assert len(EVENTS) == len(OPERATIONS) + len(LINES)
    for event in EVENTS.values():
        assert not {*event.keys, *event.may} & set(FRAME), event.name
        assert len({*event.keys, *event.may}) == len(event.keys) + len(event.may), event.name


def cells(*keys: str) -> str:
    return ", ".join(f"`{key}`" for key in keys) or "-"


def rows_of(event: Event) -> str:
    ui = "yes" if event.in_ui else "-"
    if event in OPERATIONS:
        return f"| `{event.name}` | {event.means} | {cells(*(k for k in event.may if k not in COMMON))} | {ui} |"
    return f"| `{event.name}` | {event.means} | {cells(*event.keys)} | {cells(*event.may)} | {ui} |"


def test_the_document_shows_the_registry_and_nothing_else():
    told = DOCUMENT.split("\n## Events\n")[1].split("\n## ")[0]
    assert re.findall(r"^\| `.*", told, re.MULTILINE) == [rows_of(event) for event in EVENTS.values()]


def examples() -> list[dict]:
    block = DOCUMENT.split("```json\n")[1].split("```")[0]
    return [json.loads(line) for line in block.splitlines()]


@pytest.mark.parametrize("example", examples(), ids=lambda example: example["event"])
def test_each_example_of_the_document_is_a_line_as_the_registry_has_it(example):
    event = EVENTS[example["event"]]
    held = set(example) - set(FRAME)
    assert tuple(example)[: len(FRAME)] == FRAME
    if "phase" in example:
        assert held <= set(event.may)
    else:
        assert set(event.keys) <= held <= {*event.keys, *event.may}


def test_what_operators_ask_for_has_an_example():
    assert {example["event"] for example in examples()} >= {
        "raw_leads", "batch.started", "batch.done", "batch.refused", "stage.attempted", "classification.attempts",
        "api.call", "database.slow_query", "command",
    }  # fmt: skip


def test_a_line_of_a_library_belongs_to_the_operations_or_to_the_errors():
    for name in ("any text", {"a": 1}, None):
        assert file_of(event_of(name), logging.WARNING) == "production/operations"
        assert file_of(event_of(name), logging.CRITICAL) == "production/errors"
        assert file_of(event_of(name), logging.DEBUG) == "debug/performance"


def test_the_document_names_every_file():
    from leadscout_assets.logs import events

    named = set(re.findall(r"`((?:production|debug)/[a-z-]+)-DATE\.log`", DOCUMENT))
    assert named == {f"production/{kind}" for kind in events.PRODUCTION} | {f"debug/{kind}" for kind in events.DEBUG}
