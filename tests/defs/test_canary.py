"""Personal values that occur nowhere else go through runs that succeed and fail: they lie with the data, nowhere else.

`leadscout show` is left out: it answers the explicit question what a batch's file was called, or what stood in a row.
A platform whose runs crash as well is in tests/e2e/test_canary.py.
"""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg
import pyarrow as pa
import pytest
from dagster._utils.error import serializable_error_info_from_exc_info

import leadscout_assets.defs.lead_checks
from leadscout_assets import contracts, facts, pipeline
from leadscout_assets.cli.application import run_application
from leadscout_assets.defs import inbox_sensor
from leadscout_assets.defs.execution import evaluate_inbox
from leadscout_assets.errors import Defect
from leadscout_assets.home import Home
from leadscout_assets.tables import Tables
from tests.defs.ground import BROKEN, Ground
from tests.e2e.canary import BUSINESS, DIRECTOR, FILE_NAME, canary_list, traces_below, traces_in

QUOTING: dict[str, Callable[[], Exception]] = {
    "ValueError": lambda: ValueError(f"could not convert string to float: '{DIRECTOR}'"),
    "ArrowInvalid": lambda: pa.ArrowInvalid(f"CSV parse error: Expected 6 columns, got 13: {BUSINESS}"),
    "KeyError": lambda: KeyError(DIRECTOR),
    "ExceptionGroup": lambda: ExceptionGroup(f"errors of {BUSINESS}", [ValueError(DIRECTOR)]),
    "UnicodeDecodeError": lambda: UnicodeDecodeError("utf-8", DIRECTOR.encode(), 0, 1, "invalid start byte"),
    "FileNotFoundError": lambda: FileNotFoundError(2, "No such file or directory", f"/inbox/{FILE_NAME}"),
}


def failing(error: str) -> Callable[..., None]:
    """Return a function that fails the way libraries do: with a cause, and quoting values."""

    def fail(*_: object, **__: object) -> None:
        raise QUOTING[error]() from ValueError(f"while reading {BUSINESS}, {DIRECTOR}")

    return fail


class TestInOneProcess:
    PLACES = (
        (("raw_leads",), pipeline, "read"),
        (("leads", "rejected_leads"), pipeline, "validate"),
        (("classifications",), pipeline, "classify"),
        (("lead_scores",), pipeline, "score"),
        (("lead_reports",), pipeline, "report"),
        (("lead_scores",), Tables, "replace"),
        (("classifications",), Tables, "read"),
        (("lead_reports",), facts, "gather"),
        (("raw_leads",), leadscout_assets.defs.lead_checks, "judge_contract"),
    )
    """Everything of ours that a step of a run calls with frames, and the asset of whose run that is one."""

    def test_nothing_of_a_delivery_lies_outside_the_data_after_a_run_that_succeeds(self, ground, capfd):
        ground.drop(FILE_NAME, canary_list())
        ground.drop(FILE_NAME.replace("csv", "xlsx"), BROKEN)
        assert evaluate_inbox(ground.instance) == 1
        good, _ = ground.home.records.all()
        assert ground.rows(contracts.LEADS, good.batch_id).num_rows
        assert good.batch_id.split("_")[1] == "list"
        self.assert_silent(ground, capfd)
        assert traces_below(ground.settings.home, apart_from=()), "the search finds what is there"

    def test_nothing_of_it_is_told_by_steps_and_checks_that_fail_quoting_it(self, ground, capfd, monkeypatch):
        delivery = ground.deliver(FILE_NAME, canary_list())
        ground.run([delivery.batch_id])
        for number, (assets, owner, name) in enumerate(self.PLACES):
            with monkeypatch.context() as patch:
                patch.setattr(owner, name, failing(list(QUOTING)[number % len(QUOTING)]))
                assert not ground.run_only(assets, delivery.batch_id), name
        self.assert_silent(ground, capfd)

    @pytest.mark.parametrize("error", QUOTING)
    def test_nothing_of_it_is_told_by_a_tick_that_fails_quoting_it(self, ground, capfd, monkeypatch, error):
        ground.drop(FILE_NAME, canary_list())
        with monkeypatch.context() as patch:
            patch.setattr(Home, "deliver", failing(error))
            assert evaluate_inbox(ground.instance) == 0
        monkeypatch.setattr(inbox_sensor, "decide", failing(error))
        with pytest.raises(Defect) as raised:
            evaluate_inbox(ground.instance)
        told = serializable_error_info_from_exc_info((raised.type, raised.value, raised.tb))
        assert "defect of LeadScout" in told.to_string()
        assert traces_in(told.to_string()) == []
        self.assert_silent(ground, capfd)

    def test_nothing_of_it_is_told_about_damaged_tables(self, ground, capfd):
        delivery = ground.deliver(FILE_NAME, canary_list())
        ground.run([delivery.batch_id])
        tables = ground.settings.tables_dir
        for damaged in ("raw_leads", "leads"):
            for path in (tables / damaged).rglob("*.parquet"):
                path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] + DIRECTOR.encode())
        for log in (tables / "classifications" / "_delta_log").iterdir():
            if log.is_file():
                log.write_text(f'{{"add": "{DIRECTOR}"')
        assert ground.run([delivery.batch_id]).status is dg.DagsterRunStatus.FAILURE
        self.assert_silent(ground, capfd)

    def test_nothing_of_it_is_told_by_the_answers_of_commands(self, ground, capfd):
        ground.drop(FILE_NAME, canary_list())
        evaluate_inbox(ground.instance)
        source, again = ground.file(FILE_NAME, canary_list()), ground.file("Quagga.csv", canary_list(mark=1))
        broken, out = ground.file("Fandango.xlsx", BROKEN), source.parent / "out"
        missing = source.parent / "not" / FILE_NAME
        for code, *arguments in (
            (0, "deliver", again),
            (0, "deliver", source, "--json"),
            (0, "batches"),
            (0, "batches", "--json"),
            (1, "run", source, "--out", out),
            (1, "run", source, "--out", out, "--json"),
            (2, "run", broken, "--out", out),
            (2, "run", missing, "--out", out),
            (2, "deliver", missing),
            (2, "show", FILE_NAME),
            (2, "backfill", FILE_NAME),
            (1, "backfill", "--all"),
            (2, "classify", source, "--column", DIRECTOR, "--out", out / "origins.csv", "--purpose", "evaluation"),
        ):
            assert run_application([str(argument) for argument in arguments]) == code, arguments[0]
        self.assert_silent(ground, capfd)

    @staticmethod
    def assert_silent(ground: Ground, capfd: pytest.CaptureFixture[str]) -> None:
        said = capfd.readouterr()
        assert traces_in(said.out + said.err) == []
        assert traces_below(ground.settings.home) == []


def test_a_file_name_of_harmless_words_is_shown_and_any_other_is_not(ground):
    shown = ground.deliver("leads march 2026.csv", canary_list(mark=1))
    hidden = ground.deliver("leads march Quagga.csv", canary_list(mark=2))
    assert [delivery.batch_id.split("_")[1] for delivery in (shown, hidden)] == ["leads-march-2026", "list"]
