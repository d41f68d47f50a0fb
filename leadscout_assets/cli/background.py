"""`leadscout status`, `stop` and `down`, and what `--background` does for the commands that have it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadscout_assets.cli.printing import print_json
from leadscout_assets.errors import EdgeFailed
from leadscout_assets.settings import Settings, current_settings

if TYPE_CHECKING:
    from rich.table import Table

    from leadscout_assets.background import Job

ARGUMENTS: ContextVar[Sequence[str]] = ContextVar("arguments", default=())
"""What was typed behind `leadscout`, for the command that starts itself again without a terminal."""

Background = Annotated[
    bool, typer.Option("--background", help="Do it apart from this terminal; `leadscout status` follows it.")
]

LOOK_SECONDS = 0.5
BEGINS_SECONDS = 1.5
"""How long is looked whether a command that was started refuses: most do within a second, before they begin."""

PLATFORM_STOPS_SECONDS = 20.0
STARTS_SECONDS = 240.0
LAST_LINES = 15
LATELY = 5
"""Ended operations shown, those that ended last."""
WIDE = 200


def in_background(operation: str) -> Job:
    """Start the command that was typed in the background, say how to follow and stop it, and return its job.

    Where it refuses at once, its last lines are said instead, and its exit code is this command's.
    """
    from leadscout_assets.background import refused, start

    settings = current_settings()
    job = start(settings, operation, [word for word in ARGUMENTS.get() if word != "--background"])
    if code := refused(settings, job, BEGINS_SECONDS):
        print(_end_of(job.log), file=sys.stderr)
        raise typer.Exit(code)
    print(f"{job.name} has started; its output goes to {job.log}")
    print(f"follow it: leadscout status --watch; stop it: leadscout stop {job.name}", flush=True)
    return job


def up_in_background(url: str) -> None:
    """Start the platform in the background and return once it is up. Raises `EdgeFailed` with its last lines where it is not."""
    from leadscout_assets.progress import read_all

    job = in_background("up")
    settings, deadline = current_settings(), time.monotonic() + STARTS_SECONDS
    while time.monotonic() < deadline:
        stages = [seen.told["stage"] for seen in read_all(settings.progress_dir) if seen.told["pid"] == job.pid]
        if "serving" in stages:
            print(f"LeadScout is up: {url}  (leadscout down stops it)")
            return
        if not job.runs:
            break
        time.sleep(LOOK_SECONDS)
    raise EdgeFailed(f"the platform did not come up; the end of its log:\n{_end_of(job.log)}")


def status(
    watch: Annotated[bool, typer.Option("--watch", help="Show it live until nothing but the platform runs.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Show what runs, in any process, what ended lately, and what can be gone on with."""
    settings = current_settings()
    if as_json:
        print_json(_found(settings))
        return 0
    if watch:
        _watch(settings)
    _print_all(_found(settings))
    return 0


def stop(
    operation: Annotated[
        str, typer.Argument(help="As `leadscout status` names it: operation, operation-pid, or run id.")
    ],
    now: Annotated[bool, typer.Option("--now", help="At once, without letting it end what it is at.")] = False,
) -> int:
    """Stop something that runs, in the background or in another terminal; what it has finished is kept."""
    from leadscout_assets.background import find
    from leadscout_assets.background import stop as stop_job
    from leadscout_assets.supervisor import running_pid

    settings = current_settings()
    if operation == "up":
        return down()
    if running_pid(settings.home) is not None and (run_id := _run_of(settings, operation)):
        return _terminate(settings, run_id)
    job = find(settings, operation)
    by_itself = stop_job(job, at_once=now)
    print(f"{job.name} has ended" if by_itself else f"{job.name} did not end by itself and was killed")
    _print_resumable(_found(settings)["resumable"])
    return 0


def down() -> int:
    """Stop the platform of this home, wherever it was started; interrupted runs start anew when it is up again."""
    from leadscout_assets.background import Job, gone
    from leadscout_assets.background import stop as stop_job
    from leadscout_assets.processes import identity
    from leadscout_assets.supervisor import running_pid

    settings = current_settings()
    pid = running_pid(settings.home)
    if pid is None:
        killed = _end_leftovers(settings)
        print("the platform was killed; what it left is ended now" if killed else "the platform is not running")
        return 0
    stop_job(Job("up", pid, identity(pid), None), seconds=PLATFORM_STOPS_SECONDS)
    if not gone(lambda: running_pid(settings.home) is None, PLATFORM_STOPS_SECONDS):
        raise EdgeFailed(f"the platform, process {pid}, does not end; look at the files in {settings.logs_dir}")
    print("the platform is down")
    return 0


def _end_leftovers(settings: Settings) -> bool:
    """End what a killed platform of this home left behind, its UI and its daemon above all; say whether there was any.

    Raises `AlreadyRunning` where another platform starts at this moment, to which they are no leftovers.
    """
    from leadscout_assets.supervisor.children import end_leftovers
    from leadscout_assets.supervisor.lock import PID_FILE, hold_home

    home = settings.home.resolve()
    if not (home / PID_FILE).is_file():
        return False
    with hold_home(home):
        return bool(end_leftovers(home))


def _run_of(settings: Settings, name: str) -> str | None:
    """Return the run that is meant, by its id or by one of its steps that is under way; between two steps none is."""
    from leadscout_assets.progress import read_all

    for seen in read_all(settings.progress_dir):
        run_id = seen.told.get("run_id")
        step = seen.state == "running" and name in (
            seen.name,
            seen.told["operation"],
            f"{seen.told['operation']}-{seen.told['pid']}",
        )
        if run_id and (name == run_id or step):
            return str(run_id)
    return None


def _terminate(settings: Settings, run_id: str) -> int:
    """End a run as the UI's button does: its worker signalled alone would look killed, and the run would start anew."""
    from leadscout_assets.background import STOP_SECONDS, gone
    from leadscout_assets.defs.ui import terminate_on_platform
    from leadscout_assets.progress import read_all
    from leadscout_assets.supervisor.readiness import url_of

    terminate_on_platform(url_of(settings.host, settings.port), run_id)

    def at_rest() -> bool:
        steps = [seen for seen in read_all(settings.progress_dir) if seen.told.get("run_id") == run_id]
        return all(seen.state != "running" for seen in steps)

    ended = gone(at_rest, STOP_SECONDS)
    print(f"run {run_id} {'ends' if ended else 'is asked to end, and still at it: leadscout status'}")
    _note_stopped(settings, run_id)
    return 0


def _note_stopped(settings: Settings, run_id: str) -> None:
    """Note what a run that was ended had still to do, unless a backfill that follows it does so itself."""
    from leadscout_assets.cli.platform import BACKFILL
    from leadscout_assets.defs.instance import batches_of
    from leadscout_assets.defs.orphans import open_instance
    from leadscout_assets.resumable import batches_of as noted
    from leadscout_assets.resumable import note
    from leadscout_assets.supervisor import prepare_instance

    with open_instance(prepare_instance(settings).folder) as instance:
        batches = batches_of(instance, run_id)
    if batches and not noted(settings, BACKFILL):
        note(settings, BACKFILL, "backfill", ["backfill", "--resume"], batches=batches)
        print("its batches can be gone on with: leadscout backfill --resume")


def _found(settings: Settings) -> dict[str, Any]:
    from leadscout_assets.progress import read_all
    from leadscout_assets.resumable import resumables
    from leadscout_assets.supervisor import running_pid

    operations = [seen.to_json() for seen in read_all(settings.progress_dir)]
    ended = [one for one in reversed(operations) if one["state"] not in ("running", "stalled")]
    return {
        "platform": running_pid(settings.home),
        "running": [one for one in operations if one["state"] == "running"],
        "stalled": [one for one in operations if one["state"] == "stalled"],
        # By their ends: a command over many runs began before all of their steps, and is what people look for. Times are
        # told to the millisecond: of two that ended in the same one, the one that began first held the other.
        "ended": sorted(ended, key=lambda one: str(one["timestamp"])),
        "resumable": [one.to_json() for one in resumables(settings)],
    }


def _print_all(found: dict[str, Any]) -> None:
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        # A file or a program has no width of its own.
        console = Console(width=WIDE)
    console.print(_table(found))
    _print_resumable(found["resumable"])


def _print_resumable(resumable: list[dict[str, Any]]) -> None:
    for one in resumable:
        done = f" (done: {', '.join(one['finished'])})" if one["finished"] else ""
        print(f"can be gone on with{done}: {one['command']}")


def _watch(settings: Settings) -> None:
    from rich.console import Console
    from rich.live import Live

    console = Console()
    if not console.is_terminal:
        for line in _lines(settings):
            print(line, flush=True)
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while _at_work(found := _found(settings)):
            live.update(_table(found), refresh=True)
            time.sleep(LOOK_SECONDS)


def _lines(settings: Settings) -> Iterator[str]:
    """Yield a line whenever an operation has a new stage, state or tenth of its way."""
    found = _found(settings)
    before = {one["name"]: _seen(one) for one in found["ended"]}
    while True:
        for one in (*found["running"], *found["stalled"], *found["ended"]):
            if before.get(one["name"]) != (seen := _seen(one)):
                before[one["name"]] = seen
                yield f"{one['name']}: {one['state']}, {one['stage']}, {_percent(one)}"
        if not _at_work(found):
            return
        time.sleep(LOOK_SECONDS)
        found = _found(settings)


def _seen(one: dict[str, Any]) -> tuple[object, ...]:
    return one["stage"], one["state"], int((one["percentage"] or 0) // 10)


def _at_work(found: dict[str, Any]) -> bool:
    return any(one["operation"] != "up" for one in found["running"])


def _table(found: dict[str, Any]) -> Table:
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    shown = [*found["ended"][-LATELY:], *found["stalled"], *found["running"]]
    if not shown:
        nothing = Table(box=None, show_header=False)
        nothing.add_row(Text("nothing runs, and nothing has run lately"))
        return nothing
    table = Table(box=None, pad_edge=False)
    for heading in ("operation", "state", "", "%", "done", "a second", "took", "left"):
        table.add_column(heading, no_wrap=True, justify="right" if heading in _FIGURES else "left")
    table.add_column("at", no_wrap=True, overflow="ellipsis", ratio=1)
    for one in shown:
        total = f" of {one['total']:,}" if one["total"] else ""
        table.add_row(
            Text(one["name"]),
            Text(one["state"], style=_STYLES.get(one["state"], "")),
            ProgressBar(total=100, completed=one["percentage"] or 0, width=12) if one["total"] else "",
            _percent(one),
            Text(f"{one['processed']:,}{total} {one.get('unit', '')}"),
            f"{one['rate_per_second']:,.0f}",
            _clock(one["elapsed_seconds"]),
            _clock(one["eta_seconds"]),
            Text(one["remark"] or " ".join(filter(None, (one["stage"], one["current_item"])))),
        )
    return table


_FIGURES = ("%", "done", "a second", "took", "left")
_STYLES = {"running": "cyan", "succeeded": "green", "failed": "red", "cancelled": "yellow", "stalled": "bold red"}


def _percent(one: dict[str, Any]) -> str:
    return "-" if one["percentage"] is None else f"{one['percentage']:.0f} %"


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _end_of(log: Path | None) -> str:
    if log is None or not log.is_file():
        return "(none)"
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:])
