"""`leadscout demo`: 500 generated leads, from the inbox to the report. Imports the chain in its functions: other commands wait for it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from leadscout_assets.cli.background import Background, in_background
from leadscout_assets.cli.printing import print_pairs
from leadscout_assets.errors import BadInput
from leadscout_assets.settings import Settings, current_settings, use_settings

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from leadscout_assets.home import Home
    from leadscout_assets.progress import Progress

STUB_LATENCY = 0.5
"""Seconds that the stand-in takes for an answer: a small model's usual time."""

FAILING = 1
"""Exit code: done with a failing check."""


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Execute the run in this process and exit; no server stays.")
    ] = False,
    llm: Annotated[
        str | None,
        typer.Option("--llm", help="`stub`: ask a stand-in for a language model about names nothing else decides."),
    ] = None,
    background: Background = False,
) -> int:
    """Show the platform at work on 500 generated leads; stays up until Ctrl-C unless --once."""
    if llm not in (None, "stub"):
        raise BadInput("--llm knows `stub` only; to ask a real model, set LEADSCOUT_LLM_PROVIDERS")
    from leadscout_assets import demonstration
    from leadscout_assets.batch_purposes import require_registered
    from leadscout_assets.cli.long_work import long_work
    from leadscout_assets.demonstration_history import DAYS, deliver_past_days
    from leadscout_assets.governance.anchors import anchor
    from leadscout_assets.home import Home
    from leadscout_assets.pipeline import STEPS
    from leadscout_assets.progress import LONG_SECONDS
    from leadscout_assets.supervisor import running_pid
    from leadscout_assets.supervisor.readiness import check_port_is_free

    settings = current_settings()
    if background:
        in_background("demo")
        return 0
    purpose = settings.classification_purpose or demonstration.PURPOSE
    with _asking_stub(llm is not None) as asking:
        settings = use_settings(settings.model_copy(update={"classification_purpose": purpose, **asking}))
        home = Home(settings)
        require_registered(home, "demo")
        if not once and running_pid(settings.home) is None:
            # Before anything is made: else it would be told ten seconds later, of a home with a past and no demonstration.
            check_port_is_free(settings.host, settings.port)
        anchor(settings, home.database, why="up")
        with long_work(settings, "demo_history", total=DAYS, unit="days", after=LONG_SECONDS):
            deliver_past_days(home)
        if once:
            with long_work(settings, "demo", total=len(STEPS), unit="steps") as work, _bar() as bar:
                batch, seconds = demonstration.run_once(home, _shower(bar, work.progress))
            return _tell(home, batch, seconds)
        from leadscout_assets.supervisor import up as run_platform

        home.make_inbox()
        return run_platform(settings, on_ready=lambda url: _show(settings, url))


@contextmanager
def _asking_stub(on: bool) -> Iterator[dict[str, object]]:
    """Start the stand-in for a language model, where it is wanted, and yield the settings that name it."""
    if not on:
        yield {}
        return
    from leadscout_assets.llm.stub import StubServer

    with StubServer(latency=STUB_LATENCY) as stub:
        yield {"llm_providers": "stub/stub-small", "llm_stub_url": stub.openai_url}


def _show(settings: Settings, url: str) -> int | None:
    """Drop the workbook, follow it to its report, print the summary; the platform stays up where all of it is good."""
    import time

    from leadscout_assets import demonstration
    from leadscout_assets.defs.orphans import open_instance
    from leadscout_assets.defs.ui import switch_inbox_on
    from leadscout_assets.home import Home
    from leadscout_assets.pipeline import STEPS
    from leadscout_assets.progress import tracked

    home = Home(settings)
    following = tracked(settings, "demo", total=len(STEPS), unit="steps")
    with open_instance(settings.dagster_dir) as instance, following as progress, _bar() as bar:
        switch_inbox_on(url)
        dropped = demonstration.drop_workbook(home)
        batch = demonstration.follow(home, instance, dropped, _shower(bar, progress))
        seconds = time.monotonic() - dropped.at
    if code := _tell(home, batch, seconds):
        return code
    print("\nWhat each step costs, judged against its own history: leadscout perf, leadscout perf report")
    print(f"The Dagster UI: {url}  (Ctrl-C stops everything)", flush=True)
    return None


def _tell(home: Home, batch: str, seconds: float) -> int:
    """Print the summary, and to stderr whatever should not be so; return the exit code."""
    from leadscout_assets import demonstration

    print_pairs(demonstration.summary(home, batch, seconds))
    wrong = demonstration.faults(home, batch)
    for sentence in wrong:
        print(f"leadscout: {sentence}", file=sys.stderr)
    return FAILING if wrong else 0


def _bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    # On stderr, like all that is not a result.
    columns = (TextColumn("{task.description:<28}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    return Bar(*columns, TimeElapsedColumn(), console=Console(stderr=True))


def _shower(bar: Bar, progress: Progress) -> Callable[[int, str], None]:
    from leadscout_assets.pipeline import STEPS

    task = bar.add_task("starting", total=len(STEPS))

    def show(done: int, doing: str) -> None:
        bar.update(task, completed=done, description=doing)
        progress.stage(doing)
        progress.reach(done)

    return show
