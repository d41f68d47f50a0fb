"""The registry of commands, and the one place where errors become exit codes and sentences."""

import sys
import uuid
import warnings
from collections.abc import Container, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cache

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from leadscout_assets.cli import (
    alerts,
    audit,
    background,
    batches,
    classify,
    code_location,
    consent,
    deliver,
    demo,
    doctor,
    explain,
    export,
    forget,
    generate,
    health,
    keys,
    llm,
    logs,
    performance,
    person,
    plan,
    platform,
    purposes,
    recovery,
    retention,
    review,
    run,
    suppression,
    undo,
)
from leadscout_assets.cli.long_work import ENDED_BY, followed
from leadscout_assets.errors import LeadScoutError, disk_is_full, is_interruption
from leadscout_assets.logs import describe, get_logger, operation, setup_logging
from leadscout_assets.settings import current_settings
from leadscout_assets.telemetry import setup_telemetry

FAILED = 3
INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""

COMMANDS = (
    run.run,
    deliver.deliver,
    plan.plan,
    generate.generate,
    classify.classify,
    explain.explain,
    export.export,
    batches.batches,
    batches.show,
    platform.backfill,
    undo.undo,
    platform.up,
    background.down,
    background.status,
    background.stop,
    code_location.code_location,
    demo.demo,
    doctor.doctor,
    health.health,
    health.exporter,
    logs.logs,
    recovery.backup,
    recovery.restore,
    retention.prune,
    forget.forget,
    person.person,
)

FOLLOW_THEMSELVES = frozenset(
    ("run", "deliver", "generate", "classify", "backfill", "undo", "up", "demo", "backup", "restore", "prune", "forget")
) | {"keys_rotate"}
"""Commands that tell their progress themselves. Of all others a progress file tells once they take long."""

WAITING = frozenset(("doctor", "down", "health", "status", "stop", "code_location", "exporter", "llm_stub"))
"""Commands that look at others, or serve until they are ended: no work of their own."""

LOOKING = frozenset({"none", "plan", "batches", "show", "doctor", "health", "logs"})
"""Commands that change nothing."""
GROUPS = {
    "alerts": alerts.app,
    "audit": audit.app,
    "llm": llm.app,
    "mappings": plan.mappings,
    "perf": performance.performance,
    "purposes": purposes.app,
    "review": review.app,
    "suppress": suppression.app,
    "consent": consent.app,
    "keys": keys.app,
    "spend": llm.spending,
}

app = typer.Typer(
    name="leadscout",
    help="From a lead list to a checked, classified, scored and reported batch.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in COMMANDS:
    app.command()(command)
for group, commands in GROUPS.items():
    app.add_typer(commands, name=group)


@cache
def _commands() -> TyperGroup:
    """Return all commands as Typer makes them of their functions: a tenth of a second, once per process."""
    group = typer.main.get_group(app)
    for name, leaf in _named(group):
        if leaf.callback is not None and name not in FOLLOW_THEMSELVES | WAITING:
            leaf.callback = followed(name, leaf.callback)
    return group


def _named(group: TyperGroup, prefix: str = "") -> Iterator[tuple[str, TyperCommand | TyperGroup]]:
    """Yield every command with its name as an operation: `audit`, `audit_verify`."""
    for word, command in group.commands.items():
        name = prefix + word.replace("-", "_")
        assert isinstance(command, TyperCommand | TyperGroup)  # noqa: S101  all of ours are made by Typer
        yield name, command
        if isinstance(command, TyperGroup):
            yield from _named(command, f"{name}_")


def run_application(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code. Results go to stdout, logs and errors to stderr."""
    # Dagster marks by these what may change in a minor release; its exact pin is our answer.
    warnings.filterwarnings("ignore", message=".*is currently in (beta|preview), and may have breaking changes")
    try:
        background.ARGUMENTS.set(tuple(arguments))
        setup_logging(current_settings(), files=True)
        setup_telemetry(current_settings())
        ENDED_BY.set(None)
        commands = _commands()
        with _told(arguments, commands.commands) as found:
            code = int(commands(args=list(arguments), standalone_mode=False) or 0)
            # Typer answers every interruption with SIGINT's code.
            code = 128 + number if code == INTERRUPTED and (number := ENDED_BY.get()) else code
            found["exit_code"] = code
        return code
    except TyperException as misuse:
        # A usage error prints itself, naming the command and the option at fault.
        show = getattr(misuse, "show", None)
        show() if show else _say(str(misuse))
        return misuse.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except LeadScoutError as error:
        _say(str(error))
        return error.exit_code
    except (SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001  the last resort: a defect, and its message may quote a personal value
        if is_interruption(error):
            return INTERRUPTED
        get_logger(__name__).error("command.failed", error=describe(error))
        if disk_is_full(error):
            _say("the disk is full, or a file may not grow: free space below the home, then type the command again")
            return FAILED
        _say(f"an unexpected {type(error).__name__} ended the command; this is a defect of LeadScout, please report it")
        return FAILED


def _told(arguments: Sequence[str], commands: Container[str]) -> AbstractContextManager[dict[str, object]]:
    """Log the command as one operation, without its arguments; what asks every few seconds, or only looks, at DEBUG."""
    name = next((each for each in arguments if each in commands), "none")
    level = "debug" if name in LOOKING else "info"
    return operation("command", level=level, command=name, request_id=uuid.uuid4().hex[:12])


def _say(sentence: str) -> None:
    print(f"leadscout: {sentence}", file=sys.stderr)
