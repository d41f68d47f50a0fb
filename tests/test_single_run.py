"""The chain on one file: its result in one object, its report in one folder, nothing written where it is refused."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

import pytest

from leadscout_assets.errors import BadInput, TooManyRows, UnreadableFile
from leadscout_assets.pipeline import STEPS
from leadscout_assets.settings import Settings
from leadscout_assets.single_run import ChainResult, Clock, run_file
from leadscout_assets.terms import ALWAYS_REPORTED, TIME_ZONE
from tests import scenario
from tests.purposes import IN_TESTS

KEY = b"k" * 32
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=TIME_ZONE)
KEYS = {
    "batch_id", "rows", "leads", "rejected", "reasons", "warnings", "answered", "narrowed", "abstained", "seconds", "peak_rss_mb",
    "reports", "purpose", "purpose_refused",
}  # fmt: skip


@pytest.fixture
def run(home: Settings, tmp_path: Path):
    def run(source: Path, out: Path = tmp_path / "out", **altered: object) -> ChainResult:
        settings = home.model_copy(update=IN_TESTS | altered)
        return run_file(source, out, settings, lead_id_key=KEY, delivered_at=NOON)

    return run


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return scenario.scenario_csv(tmp_path / "leads.csv", ragged=True)


def test_the_scenario_comes_out_as_it_says(run, source):
    found = run(source).to_json()
    assert set(found) == KEYS
    assert (found["rows"], found["leads"]) == (scenario.delivered_rows(ragged=True), scenario.lead_rows())
    assert found["rejected"] == found["rows"] - found["leads"]
    assert found["answered"] + found["narrowed"] + found["abstained"] == found["leads"]
    assert found["answered"] > 0
    reasons = [str(code) for codes in scenario.expected_by_row(ragged=True).values() for code in codes]
    assert found["reasons"] == {code: reasons.count(code) for code in sorted(set(reasons))}
    assert json.loads(json.dumps(found)) == found


def test_every_step_is_timed_and_the_total_is_no_less_than_their_sum(run, source):
    seconds = run(source).to_json()["seconds"]
    assert set(seconds) == {*STEPS, "checks", "total"}
    assert seconds["total"] + 0.01 >= sum(time for step, time in seconds.items() if step != "total")


def test_the_report_is_one_file_of_each_kind_below_the_folder_asked_for(run, source, tmp_path):
    result = run(source)
    assert set(result.reports) == set(ALWAYS_REPORTED)
    for kind, path in result.reports.items():
        assert path.is_absolute()
        assert path.suffix == f".{kind}"
        assert path.stat().st_size > 0
        assert path.is_relative_to(tmp_path / "out")


def test_the_same_file_gives_the_same_ids_and_the_same_report(run, source, tmp_path):
    one, two = run(source, tmp_path / "one"), run(source, tmp_path / "two")
    assert one.delivery == two.delivery
    for kind in ALWAYS_REPORTED:
        assert one.reports[kind].read_bytes() == two.reports[kind].read_bytes()


def test_csv_and_workbook_of_one_list_have_the_same_outcome(run, tmp_path):
    outcomes = []
    for path in (scenario.scenario_csv(tmp_path / "a.csv"), scenario.scenario_xlsx(tmp_path / "b.xlsx")):
        found = run(path).to_json()
        outcomes.append({key: found[key] for key in KEYS - {"batch_id", "seconds", "peak_rss_mb", "reports"}})
    assert outcomes[0] == outcomes[1]


def test_conservation_checks_pass_and_a_limit_that_is_exceeded_is_named(run, source):
    failing = {f"{check.asset}.{check.name}" for check, _ in run(source, max_reject_rate=0.01).failing}
    assert "leads.reject_rate" in failing
    assert not any(name.endswith(("conservation", "report_totals")) for name in failing)


def test_a_file_name_of_another_encoding_does_not_stop_the_chain(run, source):
    foreign = source.rename(source.with_name(os.fsdecode("Kliënte.csv".encode("cp1252"))))
    assert run(foreign).facts.leads == scenario.lead_rows()


def test_a_missing_file_is_bad_input(run, tmp_path):
    with pytest.raises(BadInput, match="no such file"):
        run(tmp_path / "missing.csv")


@pytest.mark.parametrize(
    "content", [b"", b"%PDF-1.7", b"<html>", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"Col1,Col2\nMokoena,2\n"]
)
def test_an_unreadable_file_is_refused_with_one_sentence_and_nothing_written(run, tmp_path, content):
    path = tmp_path / "leads.xlsx"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile) as raised:
        run(path)
    assert raised.value.code
    assert len(str(raised.value)) > 20
    assert "Mokoena" not in str(raised.value)
    assert not (tmp_path / "out").exists()


def test_a_file_that_the_two_readers_count_differently_is_refused(run, source, tmp_path, monkeypatch):
    for place in ("single_run", "pipeline"):
        monkeypatch.setattr(f"leadscout_assets.{place}.count_rows", lambda *_, **__: 7)
    with pytest.raises(UnreadableFile, match="the other 7") as raised:
        run(source)
    assert raised.value.code == "not_reconciled"
    assert not (tmp_path / "out").exists()


def test_a_file_above_the_row_limit_names_the_setting(run, source):
    with pytest.raises(TooManyRows, match="LEADSCOUT_MAX_ROWS_PER_RUN"):
        run(source, max_rows_per_run=5)


def test_an_out_that_is_no_folder_is_bad_input(run, source, tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(BadInput, match="--out"):
        run(source, tmp_path / "taken")


def test_a_clock_adds_up_its_steps_and_what_lies_between_them():
    times = iter([0.0, 1.0, 3.0, 4.0, 5.5, 6.0])
    clock = Clock(lambda: next(times))
    with clock.of("one"):
        pass
    with clock.of("two"):
        pass
    assert clock.seconds() == {"one": 2.0, "two": 1.5, "total": 6.0}
