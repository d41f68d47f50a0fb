"""`leadscout logs`: the lines of the log files, of all kinds and days in one, or figures over them."""

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import orjson
import typer

from leadscout_assets.cli.printing import print_json, print_pairs, print_table, visible
from leadscout_assets.settings import current_settings

if TYPE_CHECKING:
    from leadscout_assets.logs.reading import Line, Stats

HIDDEN = ("timestamp", "level", "event", "logger", "process_id")
"""Shown in their own place on a line, or not at all: `--json` shows everything."""

TIMES = ("operation", "times", "failed", "median_ms", "p95_ms", "max_ms", "total_ms")


def logs(
    run: Annotated[str | None, typer.Option(help="Only lines of this run.")] = None,
    batch: Annotated[str | None, typer.Option(help="Only lines of this batch.")] = None,
    level: Annotated[
        Literal["debug", "info", "warning", "error", "critical"], typer.Option(help="Least level shown.")
    ] = "debug",
    since: Annotated[str | None, typer.Option(help="Only since then: 30m, 2h, 7d, or a date or time.")] = None,
    stats: Annotated[bool, typer.Option("--stats", help="Figures instead of lines.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line; with --stats one in all.")] = False,
) -> None:
    """Show the log files' lines in the order of time, those of past days too."""
    from leadscout_assets.logs import reading

    settings, found, shown = current_settings(), reading.Found(), True
    start = reading.since(since, datetime.now(UTC)) if since else None
    lines = reading.read_lines(settings.logs_dir, reading.Wanted(run, batch, level, start), found)
    try:
        if stats:
            figures = reading.Stats()
            for line in lines:
                figures.add(line)
            _print_stats(figures, as_json)
        else:
            shown = _print_lines(lines, as_json)
        sys.stdout.flush()
    except BrokenPipeError:
        # `leadscout logs | head` has seen enough; the interpreter would complain when it flushes at its end.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not shown and (run or batch or since or level != "debug"):
        print("no line fits; `leadscout logs` without options shows all there are", file=sys.stderr)
    if found.unreadable:
        print(f"{found.unreadable} lines are torn, or not of LeadScout, and were left out", file=sys.stderr)


def _print_lines(lines: "Iterable[Line]", as_json: bool) -> bool:
    """Print the lines, and say whether there were any."""
    some = False
    for line in lines:
        some = True
        if as_json:
            sys.stdout.write(orjson.dumps(line).decode() + "\n")
            continue
        told = " ".join(f"{k}={_text(v)}" for k, v in line.items() if k not in HIDDEN and v is not None)
        print(visible(f"{line['timestamp']} {line['level']:<8} {line['event']} {told}".rstrip()))
    return some


def _text(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _print_stats(figures: "Stats", as_json: bool) -> None:
    told = figures.to_json()
    if as_json:
        print_json(told)
        return
    levels = ", ".join(f"{level} {count}" for level, count in figures.levels.items())
    print_pairs({"first": figures.first, "last": figures.last, "lines": told["lines"], "levels": levels or "-"})
    if figures.ended:
        print()
        print_table(figures.operations(), TIMES)
