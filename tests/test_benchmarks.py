"""The harness of the benchmarks: it judges, tells, keeps and ends what it should. How fast anything is, `make bench` says."""

import json
import os
import signal
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from benchmarks import logging_overhead as logging_cost
from benchmarks import machine, processes
from benchmarks.__main__ import BENCHMARKS, INTERRUPTED, ONLY_WHEN_NAMED, main
from benchmarks.inbox_latency import TICK_SECONDS, offsets
from benchmarks.overheads import STEPS, measure
from benchmarks.processes import Workplace, platform_up, timed
from benchmarks.results import BenchmarkFailed, Figure, Outcome, Report, highest, median

MACHINE = {
    "started_at": "2026-11-20T12:00:00+00:00",
    "cores": 2,
    "cpu": "a processor",
    "memory_mb": 8_000,
    "system": "Linux",
    "python": "3.11.7",
    "load_average": 0.1,
    "busy_percent": 2.0,
    "calibration_seconds": 0.1,
}

GOOD = median("a run", "s", [3.0, 1.0, 2.0], target=2.0)
BAD = median("names", "names/s", [100.0, 300.0], target=201.0, at_least=True)


@pytest.fixture(autouse=True)
def quiet_machine(monkeypatch):
    """No second of watching the processors, no compiling, and the test session's signal handlers kept."""
    monkeypatch.setattr("benchmarks.__main__.describe_machine", lambda: dict(MACHINE))
    monkeypatch.setattr("benchmarks.__main__.calibrate", lambda: 0.1)
    monkeypatch.setattr("benchmarks.__main__.compile_package", lambda: None)
    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def written(folder: Path) -> Report:
    (results,) = folder.glob("*.json")
    return Report.from_json(json.loads(results.read_text()))


def test_a_target_is_the_most_that_a_median_may_be_or_the_least():
    assert (GOOD.value, GOOD.reached) == (2.0, True)
    assert (BAD.value, BAD.reached) == (200.0, False)
    assert highest("memory", "MB", [1.0, 3.0, 2.0], target=2.5).reached is False
    assert median("told only", "s", [9.0]).reached is None


@pytest.mark.parametrize(
    ("figures", "arguments", "code"),
    [((GOOD,), [], 0), ((GOOD, BAD), [], 1), ((GOOD, BAD), ["--quick"], 0)],
    ids=["reached", "missed", "quick judges nothing"],
)
def test_the_exit_code_says_whether_every_target_is_reached(tmp_path, capsys, figures, arguments, code):
    assert main(["--out", str(tmp_path), *arguments], {"fake": lambda _: Outcome("fake", figures)}) == code
    assert "a run" in capsys.readouterr().out


def test_a_benchmark_that_fails_is_told_and_does_not_stop_the_others(tmp_path, capsys):
    def fails(_: Workplace) -> Outcome:
        raise BenchmarkFailed("it did not come up")

    assert main(["--out", str(tmp_path)], {"one": fails, "two": lambda _: Outcome("two", (GOOD,))}) == 3
    assert [outcome.failure for outcome in written(tmp_path).outcomes] == ["it did not come up", None]
    assert "it did not come up" in capsys.readouterr().out


def test_an_interruption_keeps_the_results_so_far_and_removes_the_folders(tmp_path):
    places = []

    def interrupted(workplace: Workplace) -> Outcome:
        places.append(workplace.folder)
        os.kill(os.getpid(), signal.SIGTERM)
        return Outcome("never")

    assert main(["--out", str(tmp_path)], {"one": lambda _: Outcome("one", (GOOD,)), "two": interrupted}) == INTERRUPTED
    assert [outcome.name for outcome in written(tmp_path).outcomes] == ["one"]
    assert not places[0].exists()


def test_only_the_named_benchmarks_run(tmp_path):
    main(["two", "--out", str(tmp_path)], {name: lambda _, n=name: Outcome(n) for name in ("one", "two", "three")})
    assert [outcome.name for outcome in written(tmp_path).outcomes] == ["two"]


def test_an_unknown_benchmark_is_a_usage_error_that_names_the_known_ones(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["run_five"])
    assert "run_500" in capsys.readouterr().err


def test_earlier_results_are_shown_again_as_rows_of_the_document(tmp_path, capsys):
    report = Report(MACHINE, False, (Outcome("fake", (GOOD, BAD), {"steps": [1]}),))
    results = tmp_path / "results.json"
    results.write_text(json.dumps(report.to_json()))
    assert main(["--show", str(results), "--markdown"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| a run | at most 2 s | 2 s | 1 to 3 (3) | yes | `make bench` |"
    assert lines[1] == "| names | at least 201 names/s | 200 names/s | 100 to 300 (2) | no | `make bench` |"
    assert lines[3].startswith("Measured 2026-11-20 on 2 x a processor")


def test_a_busy_machine_is_warned_of():
    assert machine.warnings(MACHINE) == []
    assert len(machine.warnings(MACHINE | {"load_average": 0.6, "busy_percent": 80.0})) == 2


def test_drops_fall_into_all_parts_of_the_sensors_period():
    import random

    places = sorted(offsets(8, random.Random(3)))
    assert [int(place / TICK_SECONDS * 8) for place in places] == list(range(8))


def test_a_timed_process_tells_its_time_memory_and_output(tmp_path):
    ended = timed([sys.executable, "-c", "print('done')"], Workplace(tmp_path))
    assert ended.output == "done\n"
    assert ended.seconds >= ended.cpu_seconds / (os.cpu_count() or 1) > 0
    # The kernel counts what a process had before it became another program: the memory of the one that started it.
    assert 1 < ended.peak_mb < 500 + psutil.Process().memory_info().rss / 1e6


def test_processes_see_the_settings_of_their_workplace_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("LEADSCOUT_SHEET", "another")
    code = "import os; print(os.environ.get('LEADSCOUT_SHEET'), os.environ['LEADSCOUT_HOME'])"
    assert timed([sys.executable, "-c", code], Workplace(tmp_path)).output == f"None {tmp_path / 'home'}\n"


def test_a_process_that_fails_is_a_failed_benchmark_with_its_last_words(tmp_path):
    with pytest.raises(BenchmarkFailed, match=r"ended with 1: .*no such thing"):
        timed([sys.executable, "-c", "raise SystemExit('no such thing')"], Workplace(tmp_path))


def test_a_process_that_hangs_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "PATIENCE_SECONDS", 0.2)
    with pytest.raises(BenchmarkFailed, match="ended with -9"):
        timed([sys.executable, "-c", "input_ = __import__('signal').pause()"], Workplace(tmp_path))


def test_ctrl_c_ends_the_process_that_is_being_timed(tmp_path):
    code = f"import os, signal; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); os.kill(os.getppid(), 2); signal.pause()"
    with pytest.raises(KeyboardInterrupt):
        timed([sys.executable, "-c", code], Workplace(tmp_path))
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


# Starts a process in a session of its own, as the supervisor does, and leaves it behind when it is stopped.
FORGETFUL = """
import os, subprocess, sys, time
home = os.environ["LEADSCOUT_HOME"]
left = subprocess.Popen(
    [sys.executable, "-c", "import signal; signal.pause()"],
    env=os.environ | {"LEADSCOUT_PLATFORM_OF": home}, start_new_session=True,
)
print(left.pid, flush=True)
print("LeadScout is up: somewhere", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("error", [BenchmarkFailed, KeyboardInterrupt])
def test_no_process_of_a_platform_outlives_its_benchmark(tmp_path, error):
    command = [sys.executable, "-c", textwrap.dedent(FORGETFUL)]
    seen = []

    def benchmark() -> None:
        with platform_up(Workplace(tmp_path), command):
            seen.append(psutil.Process(int((tmp_path / "platform.log").read_text().split()[0])))
            raise error

    with pytest.raises(error):
        benchmark()
    (left,) = seen
    assert not left.is_running() or left.status() == psutil.STATUS_ZOMBIE


def test_a_platform_that_does_not_come_up_is_told_with_its_last_words(tmp_path):
    with (
        pytest.raises(BenchmarkFailed, match="did not come up: no port"),
        platform_up(Workplace(tmp_path), [sys.executable, "-c", "raise SystemExit('no port')"]),
    ):
        pytest.fail("it is not up")


def test_every_benchmark_is_documented_with_its_targets():
    text = (processes.ROOT / "docs" / "benchmarks.md").read_text()
    assert [name for name in BENCHMARKS if f"`{name}`" not in text] == []


FIGURES_ELSEWHERE = (
    *sorted(ONLY_WHEN_NAMED),
    "tests/e2e/test_memory.py",
    "tests/e2e/test_kills.py",
    "tests/e2e/test_stress.py",
    "tests/cli/test_stopping.py",
    "tests/llm/test_kills.py",
    "tests/forgetting",
    "tests/runs/test_judge.py",
    "tests/defs/test_alerts.py",
    "tests/progress/test_tracking.py",
    "tests/hostile/test_costs.py",
    "tests/hostile/test_chain.py",
    "tests/docker/test_stack.py",
)
"""What gives figures that `make bench` does not, and that stand in the table all the same."""


@pytest.mark.parametrize("source", FIGURES_ELSEWHERE)
def test_a_figure_that_is_measured_apart_has_its_row(source):
    rows = [line.split("|") for line in (processes.ROOT / "docs" / "benchmarks.md").read_text().splitlines()]
    assert [row for row in rows if len(row) == 8 and source in row[6]]


@pytest.mark.processes
def test_the_chain_is_measured_with_the_real_command(tmp_path):
    assert main(["run_500", "--quick", "--out", str(tmp_path)]) == 0
    (outcome,) = written(tmp_path).outcomes
    (time_figure, memory) = outcome.figures
    assert isinstance(time_figure, Figure)
    assert 0 < outcome.details["seconds_to_last_report"][0] <= time_figure.value
    assert memory.value > 50
    assert outcome.details["leads"][0] > 40
    assert outcome.details["imports"]["by_package"]["leadscout_assets"] > 0
    # What costs seconds to import is not for the chain. (pandas is there: pyarrow itself imports it where it is installed.)
    # SQLAlchemy is: the command writes to the audit trail.
    assert not {"dagster", "pandera", "sklearn"} & set(outcome.details["imports"]["by_package"])


def test_the_cost_of_logging_is_that_of_totals_and_its_interval_holds_it():
    seconds = {"off": [1.0, 2.0, 1.0, 2.0], "production": [2.0, 1.0, 1.1, 2.2], "debug": [1.1, 2.2, 1.1, 2.2]}
    assert logging_cost.ratio(seconds, "production") == pytest.approx(6.3 / 6.0)
    low, high = logging_cost.interval(seconds, "production")
    assert low < 1.05 < high
    assert logging_cost.interval(seconds, "debug") == pytest.approx((1.1, 1.1))


def test_runs_with_and_without_logging_are_side_by_side(tmp_path):
    command = [sys.executable, "-m", "benchmarks.logging_overhead", str(tmp_path), "--rows", "20", "--rounds", "2"]
    told = json.loads(timed(command, Workplace(tmp_path), folder=processes.ROOT).output)
    places = {len(runs) for kind in ("seconds", "processor_seconds") for runs in told[kind].values()}
    assert places == {2 * len(logging_cost._processors())}
    assert set(told["seconds"]) == {"off", "production", "debug"}
    assert all(0 < share < 100 for shares in told["percent_in_log_calls"].values() for share in shares)


def test_the_overheads_are_measured_on_every_step_of_the_chain(tmp_path):
    (seconds,) = measure(tmp_path, rows=100, repetitions=1)
    assert tuple(seconds) == STEPS
    assert all(taken > 0 for taken in seconds.values())
    assert (tmp_path / "measured" / "tables" / "lead_reports").is_dir()
