"""`python -m benchmarks`: runs the benchmarks, writes their results as JSON, and prints a table.

Exit codes: 0 every target reached, 1 one missed, 2 usage, 3 a benchmark failed, 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import NoReturn

from benchmarks.backfill import backfill
from benchmarks.chain import run_20k, run_500
from benchmarks.classification import explain_cold, names_1m
from benchmarks.growth import growth
from benchmarks.inbox_latency import inbox_latency
from benchmarks.known_leads import known_leads
from benchmarks.llm_stage import llm_stage
from benchmarks.logging_overhead import logging_overhead
from benchmarks.machine import calibrate, describe_machine, warnings
from benchmarks.native_calls import native_calls
from benchmarks.overheads import overheads
from benchmarks.performance_history import performance_history
from benchmarks.processes import ROOT, Workplace, compile_package
from benchmarks.recovery import restore_1m
from benchmarks.results import BenchmarkFailed, Outcome, Report
from benchmarks.scrape import scrape
from benchmarks.undo import undo
from benchmarks.volume import volume

Benchmark = Callable[[Workplace], Outcome]

BENCHMARKS: Mapping[str, Benchmark] = {
    "run_500": run_500,
    "inbox_latency": inbox_latency,
    "run_20k": run_20k,
    "names_1m": names_1m,
    "explain_cold": explain_cold,
    "overheads": overheads,
    "logging_overhead": logging_overhead,
    "llm_stage": llm_stage,
    "volume": volume,
    "native_calls": native_calls,
    "backfill": backfill,
    "growth": growth,
    "performance_history": performance_history,
    "scrape": scrape,
    "undo": undo,
    "known_leads": known_leads,
    "restore_1m": restore_1m,
}
"""What there is to run, in the order in which it runs."""

ONLY_WHEN_NAMED = frozenset({"known_leads", "restore_1m"})
"""Take minutes, and change seldom."""

RESULTS = ROOT / "artefacts" / "benchmarks"
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None, benchmarks: Mapping[str, Benchmark] = BENCHMARKS) -> int:
    """Run what the arguments ask for and return the exit code."""
    options = _options(arguments, benchmarks)
    if options.show:
        report = Report.from_json(json.loads(options.show.read_text(encoding="utf-8")))
        _print(report, options.markdown)
        return report.exit_code
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Like Ctrl-C: an exception, on whose way out every process started here is ended.
        signal.signal(number, _interrupt)
    compile_package()
    machine = describe_machine()
    _say(*warnings(machine))
    report = Report(machine, options.quick, ())
    results = options.out / f"{datetime.fromisoformat(machine['started_at']):%Y-%m-%d-%H%M%S}.json"
    try:
        for name in options.names or [name for name in benchmarks if name not in ONLY_WHEN_NAMED]:
            _say(f"{name} ...")
            report = Report(machine, options.quick, (*report.outcomes, _run(name, benchmarks[name], options.quick)))
            _write(report, results)
    except KeyboardInterrupt:
        _say("interrupted; what was started has been ended")
        return INTERRUPTED
    _print(report, options.markdown)
    _say(f"results: {results}")
    return report.exit_code


def _options(arguments: Sequence[str] | None, benchmarks: Mapping[str, Benchmark]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measures what docs/benchmarks.md promises."
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"which to run: {', '.join(benchmarks)}; default all but {', '.join(sorted(ONLY_WHEN_NAMED))}",
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, judged against nothing: does it work?")
    parser.add_argument("--markdown", action="store_true", help="print the rows of docs/benchmarks.md")
    parser.add_argument("--show", type=Path, metavar="FILE", help="print earlier results instead of measuring")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FOLDER", help="where the JSON goes")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in benchmarks]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(benchmarks)}")
    return options


def _run(name: str, benchmark: Benchmark, quick: bool) -> Outcome:
    """Run one benchmark in a folder of its own; the calibration loop around it tells whether the machine kept its speed."""
    before = _state()
    with tempfile.TemporaryDirectory(prefix="leadscout-bench-", ignore_cleanup_errors=True) as folder:
        try:
            outcome = benchmark(Workplace(Path(folder), quick))
        except BenchmarkFailed as failure:
            outcome = Outcome(name, failure=str(failure))
    details = {**outcome.details, "machine": {"before": before, "after": _state()}}
    return Outcome(outcome.name, outcome.figures, details, outcome.failure)


def _state() -> dict[str, float]:
    return {"calibration_seconds": calibrate(), "load_average": round(os.getloadavg()[0], 2)}


def _write(report: Report, path: Path) -> None:
    """Write the results so far: whoever interrupts the rest keeps them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report.to_json(), indent=1) + "\n", encoding="utf-8")


def _print(report: Report, markdown: bool) -> None:
    print(report.markdown() if markdown else f"{report.table()}\n\n{report.sentence()}")


def _say(*lines: str) -> None:
    for line in lines:
        print(line, file=sys.stderr, flush=True)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
