"""`leadscout demo`: 500 generated leads, from the inbox to the report."""

from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from leadscout_assets import demonstration
from leadscout_assets.cli.printing import print_pairs
from leadscout_assets.home import Home
from leadscout_assets.pipeline import STEPS
from leadscout_assets.settings import Settings, current_settings, use_settings


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Execute the run in this process and exit; no server stays.")
    ] = False,
) -> int:
    """Show the platform at work on 500 generated leads; stays up until Ctrl-C unless --once."""
    settings = current_settings()
    purpose = settings.classification_purpose or demonstration.PURPOSE
    settings = use_settings(settings.model_copy(update={"classification_purpose": purpose}))
    if once:
        home = Home(settings)
        with _bar() as bar:
            batch, seconds = demonstration.run_once(home, _shower(bar))
        print_pairs(demonstration.summary(home, batch, seconds))
        return 0
    from leadscout_assets.supervisor import up as run_platform

    settings.inbox_dir.mkdir(parents=True, exist_ok=True)
    return run_platform(settings, on_ready=lambda url: _show(settings, url))


def _show(settings: Settings, url: str) -> None:
    """Drop the workbook, follow it to its report, print the summary; the platform stays up."""
    import time

    from leadscout_assets.defs.execution import switch_inbox_on
    from leadscout_assets.defs.orphans import open_instance

    home = Home(settings)
    with open_instance(settings.dagster_dir) as instance, _bar() as bar:
        switch_inbox_on(url)
        dropped = demonstration.drop_workbook(home)
        batch = demonstration.follow(home, instance, dropped, _shower(bar))
        seconds = time.monotonic() - dropped.at
    print_pairs(demonstration.summary(home, batch, seconds))
    print(f"\nThe Dagster UI: {url}  (Ctrl-C stops everything)", flush=True)


def _bar() -> Progress:
    # On stderr, like all that is not a result.
    columns = (TextColumn("{task.description:<28}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    return Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True))


def _shower(bar: Progress) -> Callable[[int, str], None]:
    task = bar.add_task("starting", total=len(STEPS))
    return lambda done, doing: bar.update(task, completed=done, description=doing)
