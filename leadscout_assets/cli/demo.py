"""`leadscout demo`: 500 generated leads, from the inbox to the report. Imports the chain in its functions: other commands wait for it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from leadscout_assets.cli.printing import print_pairs
from leadscout_assets.settings import Settings, current_settings, use_settings

if TYPE_CHECKING:
    from rich.progress import Progress

    from leadscout_assets.home import Home

FAILING = 1
"""Exit code: done with a failing check."""


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Execute the run in this process and exit; no server stays.")
    ] = False,
) -> int:
    """Show the platform at work on 500 generated leads; stays up until Ctrl-C unless --once."""
    from leadscout_assets import demonstration
    from leadscout_assets.home import Home

    settings = current_settings()
    purpose = settings.classification_purpose or demonstration.PURPOSE
    settings = use_settings(settings.model_copy(update={"classification_purpose": purpose}))
    if once:
        home = Home(settings)
        with _bar() as bar:
            batch, seconds = demonstration.run_once(home, _shower(bar))
        return _tell(home, batch, seconds)
    from leadscout_assets.supervisor import up as run_platform

    Home(settings).make_inbox()
    return run_platform(settings, on_ready=lambda url: _show(settings, url))


def _show(settings: Settings, url: str) -> int | None:
    """Drop the workbook, follow it to its report, print the summary; the platform stays up where all of it is good."""
    import time

    from leadscout_assets import demonstration
    from leadscout_assets.defs.orphans import open_instance
    from leadscout_assets.defs.ui import switch_inbox_on
    from leadscout_assets.home import Home

    home = Home(settings)
    with open_instance(settings.dagster_dir) as instance, _bar() as bar:
        switch_inbox_on(url)
        dropped = demonstration.drop_workbook(home)
        batch = demonstration.follow(home, instance, dropped, _shower(bar))
        seconds = time.monotonic() - dropped.at
    if code := _tell(home, batch, seconds):
        return code
    print(f"\nThe Dagster UI: {url}  (Ctrl-C stops everything)", flush=True)
    return None


def _tell(home: Home, batch: str, seconds: float) -> int:
    """Print the summary, and to stderr whatever should not be so; return the exit code."""
    from leadscout_assets import demonstration

    print_pairs(demonstration.summary(home, batch, seconds))
    wrong = demonstration.faults(home, batch)
    for sentence in wrong:
        print(f"leadscout: {sentence}", file=sys.stderr)
    return FAILING if wrong else 0


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    # On stderr, like all that is not a result.
    columns = (TextColumn("{task.description:<28}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    return Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True))


def _shower(bar: Progress) -> Callable[[int, str], None]:
    from leadscout_assets.pipeline import STEPS

    task = bar.add_task("starting", total=len(STEPS))
    return lambda done, doing: bar.update(task, completed=done, description=doing)
