"""`make bench-check`: a step that has become twice as slow fails it, and what else the machine does does not."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from benchmarks import check
from benchmarks.check import HISTORY, SLOWED, as_entries, chain_steps, main, measure, read_history, record

STEPS = ("count", "raw_leads", "leads", "classifications", "lead_scores", "lead_reports", "tables")
BEFORE = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def quick(monkeypatch):
    """Few looks at few rows."""
    monkeypatch.setattr(check, "LEAST_LOOKS", 3)
    monkeypatch.setattr(check, "MOST_SECONDS", 0.05)


@pytest.fixture
def measured_as(monkeypatch):
    """Plays looks at the steps, the one after the other, in multiples of the loop."""

    def play(*looks: dict[str, float]) -> None:
        coming = iter(looks)
        monkeypatch.setattr(check, "chain_steps", lambda *_: dict.fromkeys(looks[0]))
        monkeypatch.setattr(check, "measure", lambda steps, _=1: {step: next(coming)[step] for step in steps})

    return play


@pytest.fixture
def history(tmp_path):
    """Twelve runs in which every step took about five loops."""
    for number in range(12):
        record(tmp_path, dict.fromkeys(STEPS, 5 + 0.1 * (number % 3)), check.ROWS)
    return tmp_path


def test_what_is_recorded_reads_back(tmp_path):
    record(tmp_path, {"leads": 7.5}, 100)
    (entry,) = read_history(tmp_path)
    assert (entry.record.asset, entry.record.rows_in) == ("leads", 100)
    assert entry.record.seconds == 7.5 * check.SECONDS_PER_LOOP


def test_the_history_in_the_repository_is_long_enough_to_judge_every_step():
    runs = [entry for entry in read_history(HISTORY) if entry.record.machine_class == "x86_64-py3.11"]
    for step in STEPS:
        assert sum(entry.record.asset == step for entry in runs) >= 15, step


def test_as_usual_passes_after_one_look(history, measured_as, capsys):
    measured_as({"leads": 5.2})
    assert main(["--history", str(history)]) == 0
    assert "5.200 loops against a median of 5.100 over" in capsys.readouterr().out


@pytest.mark.parametrize("looks", [(11.0, 5.0), (11.0, 12.0, 5.0)])
def test_what_is_slow_is_looked_at_again_and_passes_where_it_is_not_always(history, measured_as, looks):
    measured_as(*({"leads": look} for look in looks))
    assert main(["--history", str(history)]) == 0


def test_slow_at_every_look_fails_and_names_the_step(history, measured_as, capsys):
    measured_as({"leads": 11.0}, {"leads": 10.5}, {"leads": 10.0})
    assert main(["--history", str(history)]) == 1
    assert "slower than recorded: leads" in capsys.readouterr().err


def test_a_step_that_is_slower_by_a_third_is_told_and_fails_nothing(history, measured_as, capsys):
    measured_as(*[{"leads": 7.0}] * 3)
    assert main(["--history", str(history)]) == 0
    assert "note                  leads " in capsys.readouterr().out


def test_on_another_kind_of_machine_it_says_that_it_cannot_judge(history, measured_as, monkeypatch, capsys):
    monkeypatch.setattr(check, "family", lambda: "another-py3.13")
    measured_as({"leads": 50.0})
    assert main(["--history", str(history)]) == 0
    assert "too few runs recorded on another-py3.13" in capsys.readouterr().out


@pytest.mark.soak
def test_a_run_can_be_recorded_and_a_step_that_does_its_work_twice_is_found(quick, tmp_path, monkeypatch, capsys):
    assert main(["--record", "--rows", "100", "--history", str(tmp_path / "recorded")]) == 0
    (usual,) = ({e.record.asset: e.record.seconds for e in read_history(tmp_path / "recorded")},)
    assert tuple(usual) == STEPS
    for number in range(12):
        ratios = {step: seconds / check.SECONDS_PER_LOOP for step, seconds in usual.items()}
        record(tmp_path / "history", {step: ratio * (1 + 0.02 * (number % 3)) for step, ratio in ratios.items()}, 100)
    monkeypatch.setenv(SLOWED, "leads")
    main(["--rows", "100", "--history", str(tmp_path / "history")])
    assert "regression            leads " in capsys.readouterr().out


@pytest.fixture
def busy() -> Iterator[None]:
    """Another process that uses a processor all the time."""
    other = multiprocessing.get_context("spawn").Process(target=_burn, daemon=True)
    other.start()
    yield
    other.kill()
    other.join()


def _burn() -> None:
    while True:
        sum(range(100_000))


@pytest.mark.soak
def test_ten_unchanged_runs_in_a_row_pass_beside_a_busy_process(busy):
    assert [main([]) for _ in range(10)] == [0] * 10


@pytest.mark.soak
@pytest.mark.parametrize("step", STEPS)
def test_any_step_that_does_its_work_twice_fails(step, monkeypatch, capsys):
    monkeypatch.setenv(SLOWED, step)
    assert main([]) == 1
    assert step in capsys.readouterr().err


def test_a_step_that_waits_counts_as_slower_than_one_that_does_not(quick):
    import time

    def work() -> None:
        # Little beside the wait, also where a busy machine makes it ten times as long.
        sum(range(20_000))

    def waits() -> None:
        work()
        time.sleep(0.2)

    found = measure({"works": work, "waits": waits})
    assert found["waits"] > 2 * found["works"]


def test_every_step_of_the_chain_is_there(tmp_path, quick):
    assert tuple(chain_steps(tmp_path, 20)) == STEPS
    entries = as_entries({"leads": 1.0}, 20, BEFORE + timedelta(days=1), "somewhere")
    assert entries[0].record.kind[2] == "somewhere"
