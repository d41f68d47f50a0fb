"""`leadscout llm` and `leadscout spend` against the stand-in, over its sockets; and the demonstration with it."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest

from leadscout_assets import contracts, pipeline
from leadscout_assets.batch_purposes import grant
from leadscout_assets.home import Home
from leadscout_assets.leads.synthetic import write_delivery
from leadscout_assets.llm.calibration import Calibration, load_calibration
from leadscout_assets.llm.stub import Faults, StubServer
from leadscout_assets.llm.stub.model import answer
from leadscout_assets.settings import read_settings

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
STRANGERS = 6


@dataclass(frozen=True)
class Made:
    """A home with one batch that was run while no model was asked, and its names without an answer."""

    folder: Path
    batch: str
    names: tuple[str, ...]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    base = tmp_path_factory.mktemp("asked")
    write_delivery(base / "list.csv", 60, 3, strangers=STRANGERS)
    settings = read_settings(home=base / "home", classification_purpose="demonstration")
    home = Home(settings)
    delivery = home.deliver(base / "list.csv", now=NOW).delivery
    raw = pipeline.read([delivery], home.store.path, settings).raw
    leads, rejected, _ = pipeline.validate(raw, home.lead_id_key)
    grants = grant(home, [delivery], run_id="run", actor="tests", now=NOW, raw=raw)
    for contract, frame in (
        (contracts.RAW_LEADS, raw), (contracts.LEADS, leads), (contracts.REJECTED_LEADS, rejected),
        (contracts.CLASSIFICATIONS, pipeline.classify(leads, settings, grants)),
    ):  # fmt: skip
        home.tables.replace(contract, frame, [delivery.batch_id])
    names = tuple(home.undecided_names([delivery.batch_id]))
    home.database.close()
    assert len(names) > STRANGERS // 2
    return Made(settings.home, delivery.batch_id, names)


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with StubServer() as server:
        yield server


@pytest.fixture
def asking(home, made, stub, monkeypatch) -> Home:
    """The home, with the stand-in for its provider; in the environment, as commands read it."""
    shutil.copytree(made.folder, home.home)
    monkeypatch.setenv("LEADSCOUT_LLM_PROVIDERS", "stub/stub-small")
    monkeypatch.setenv("LEADSCOUT_LLM_STUB_URL", stub.openai_url)
    monkeypatch.setenv("LEADSCOUT_CLASSIFICATION_PURPOSE", "demonstration")
    return Home(read_settings())


def pairs(text: str) -> dict[str, str]:
    """Read what `print_pairs` printed."""
    return dict(line.split("  ", 1) for line in text.splitlines() if "  " in line)


def value(text: str, name: str) -> str:
    return pairs(text)[name].strip()


def test_the_stand_in_serves_until_it_is_told_to_stop(home):
    code = "from leadscout_assets.cli import main; main()"
    command = [sys.executable, "-c", code, "llm", "stub", "--latency", "0", "--script", "rate_limited"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ}) as process:
        try:
            lines = [process.stdout.readline() for _ in range(5)]
            pairs = dict(line.split(maxsplit=1) for line in lines[:3] if line.startswith("LEADSCOUT"))
            assert pairs["LEADSCOUT_LLM_PROVIDERS"].strip() == "stub/stub-small"
            url = pairs["LEADSCOUT_LLM_STUB_URL"].strip().removesuffix("/v1")
            with urllib.request.urlopen(f"{url}/stub/usage") as answer:
                assert json.loads(answer.read())["requests"] == 0
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_wrong_options_are_told(leadscout):
    assert "no such fault" in leadscout("llm", "stub", "--script", "earthquake").err
    assert leadscout("llm", "stub", "--faults", "2").code == 2
    assert leadscout("demo", "--once", "--llm", "oracle").code == 2


def test_where_nothing_was_spent_that_is_said(leadscout):
    assert leadscout("spend").out == "no call was ever made\n"
    assert leadscout("spend", "--json").json["total"]["calls"] == 0


def test_the_demonstration_asks_the_stand_in_and_the_spend_shows_it(leadscout, monkeypatch):
    monkeypatch.setattr("leadscout_assets.demonstration.ROWS", 60)
    monkeypatch.setattr("leadscout_assets.demonstration_history.DAYS", 0)
    monkeypatch.setattr("leadscout_assets.cli.demo.STUB_LATENCY", 0.0)
    found = leadscout("demo", "--once", "--llm", "stub")
    assert found.code == 0, found.err
    assert "names that nothing else decides were decided by a language model" in found.out
    assert "cost per decided name" in found.out
    spent = leadscout("spend", "--json").json
    assert spent["total"]["calls"] == 1
    assert 0 < spent["total"]["usd"] < 0.001
    shown = leadscout("spend")
    assert "stub/stub-small" in shown.out
    assert "left today $" in shown.out


def test_each_command_says_how_a_model_is_switched_on(leadscout):
    for command in (
        ("llm", "submit", "2026-03-02_list_00000000"),
        ("llm", "collect"),
        ("spend", "forecast", "2026-03-02_list_00000000"),
    ):
        found = leadscout(*command)
        assert found.code == 2
        assert "LEADSCOUT_LLM_PROVIDERS" in found.err


@pytest.mark.parametrize("command", [("up",), ("backfill", "--all"), ("code-location",)])
def test_nothing_begins_while_a_provider_is_not_set_up_right(leadscout, home, monkeypatch, command):
    monkeypatch.setenv("LEADSCOUT_LLM_PROVIDERS", "openai/gpt-4.1-nano")
    found = leadscout(*command)
    assert (found.code, "LEADSCOUT_LLM_OPENAI_KEY: set the key" in found.err) == (2, True)


def test_a_batch_that_there_is_not_is_named(leadscout, asking):
    for command in (("llm", "submit"), ("spend", "forecast")):
        found = leadscout(*command, "2026-03-02_nowhere_00000000")
        assert found.code == 2
        assert "2026-03-02_nowhere_00000000" in found.err


def test_a_forecast_asks_nobody_and_a_job_costs_no_more_than_it_said(leadscout, asking, made, stub):
    told = leadscout("spend", "forecast", made.batch)
    assert told.code == 0, told.err
    assert value(told.out, "names to ask about") == str(len(made.names))
    forecast = leadscout("spend", "forecast", made.batch, "--json").json
    assert (forecast["names"], forecast["cached"], forecast["calls"]) == (len(made.names), 0, 1)
    assert 0 < forecast["usual_usd"] < forecast["most_usd"]
    assert stub.bill.requests == 0

    submitted = leadscout("llm", "submit", made.batch)
    assert submitted.code == 0, submitted.err
    assert "with 1 requests" in submitted.out
    assert 0 < leadscout("spend", "--json").json["total"]["in_doubt_usd"] <= forecast["most_usd"]
    # They are in a job: nobody asks, or pays, for them twice.
    assert "nothing is submitted" in leadscout("llm", "submit", made.batch).out
    assert len(stub.batches.submitted) == 1

    assert "submitted" in leadscout("llm", "collect").out
    assert "done" in leadscout("llm", "collect").out
    assert leadscout("llm", "collect").out == "no job is open\n"
    spent = leadscout("spend", "--json").json["total"]
    assert (spent["calls"], spent["names"], spent["in_doubt_usd"]) == (1, len(made.names), 0)
    assert 0 < spent["usd"] < forecast["most_usd"]
    after = leadscout("spend", "forecast", made.batch, "--json").json
    assert (after["names"], after["cached"], after["most_usd"]) == (0, len(made.names), 0)
    known = {
        name: each.item.origin
        for name, each in asking.llm_stage().ask(dict.fromkeys(made.names, made.batch)).answers.items()
    }
    assert {name: str(origin or "cannot_tell") for name, origin in known.items()} == {
        name: answer(0, name, 0)["origin"] for name in made.names
    }  # fmt: skip


def test_a_job_is_collected_where_it_was_submitted_though_another_provider_is_named_first_now(
    leadscout, asking, made, stub, monkeypatch
):
    assert leadscout("llm", "submit", made.batch).code == 0
    monkeypatch.setenv("LEADSCOUT_LLM_LOCAL_URL", stub.openai_url)
    monkeypatch.setenv("LEADSCOUT_LLM_PROVIDERS", "local/small")
    left = leadscout("llm", "collect")
    assert "submitted" in left.out
    assert "stub: is not among LEADSCOUT_LLM_PROVIDERS" in left.err
    assert stub.batches.files
    monkeypatch.setenv("LEADSCOUT_LLM_PROVIDERS", "local/small,stub/stub-small")
    assert "submitted" in leadscout("llm", "collect").out
    done = leadscout("llm", "collect")
    assert (done.out.split()[-3:], done.err) == (["stub", "done", str(len(made.names))], "")


def test_a_job_that_went_wrong_says_how_many_names_have_no_answer_and_why(leadscout, asking, made, stub):
    stub.faults = Faults(script=["submit:late_error", "job:failed"])
    submitted = leadscout("llm", "submit", made.batch)
    assert submitted.code == 0
    assert "stub did not confirm it" in submitted.err
    for _ in range(4):
        found = leadscout("llm", "collect")
        if "without an answer" in found.err:
            break
    assert f"are {len(made.names)} names: {len(made.names)} were not answered by their job" in found.err
    assert "leadscout backfill BATCH" in found.err
    assert leadscout("spend", "--json").json["total"]["usd"] == 0
    assert len(stub.batches.submitted) == 1


def test_a_job_that_the_first_provider_does_not_take_goes_to_the_next(leadscout, asking, made, stub, monkeypatch):
    monkeypatch.setenv("LEADSCOUT_LLM_OPENAI_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("LEADSCOUT_LLM_OPENAI_KEY", "sk-of-nobody")
    monkeypatch.setenv("LEADSCOUT_LLM_PROVIDERS", "openai/gpt-4.1-nano,stub/stub-small")
    monkeypatch.setenv("LEADSCOUT_LLM_UNMEASURED", "true")
    monkeypatch.setattr("leadscout_assets.llm.jobs.FIRST_PAUSE", 0.001)
    found = leadscout("llm", "submit", made.batch)
    assert found.code == 0
    assert "openai takes no job: the provider cannot be reached" in found.err
    assert "at stub" in found.out
    assert len(stub.batches.submitted) == 1


def test_a_forecast_of_a_model_without_a_price_says_that_nothing_will_be_asked(leadscout, asking, made, monkeypatch):
    monkeypatch.setenv("LEADSCOUT_LLM_PROVIDERS", "stub/unheard-of")
    assert "no price is known" in leadscout("spend", "forecast", made.batch).out
    refused = leadscout("llm", "submit", made.batch)
    assert refused.code == 2
    assert "a known price" in refused.err


def test_names_of_a_batch_whose_purpose_does_not_allow_it_are_not_sent(leadscout, asking, made, stub):
    own = asking.settings.home / "purposes.toml"
    text = (files("leadscout_assets.governance") / "purposes.toml").read_text("utf-8")
    entry = text[text.index("[demonstration]") : text.index("[evaluation]")]
    own.write_text(entry.replace("[demonstration]", "[kept_here]").replace("llm = true", "llm = false"))
    changes = {"purposes": own, "classification_purpose": "kept_here"}
    here = Home(asking.settings.model_copy(update=changes))
    grant(here, here.deliveries([made.batch]), run_id="run", actor="tests", now=NOW)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEADSCOUT_PURPOSES", str(own))
        found = leadscout("llm", "submit", made.batch)
    assert "does not allow a language model" in found.err
    assert "nothing is submitted" in found.out
    assert stub.batches.submitted == []


def test_a_job_that_a_cap_forbids_is_not_submitted(leadscout, asking, made, stub, monkeypatch):
    monkeypatch.setenv("LEADSCOUT_LLM_MAX_USD_PER_DAY", "0.0001")
    found = leadscout("llm", "submit", made.batch)
    assert found.code == 1
    assert "would cost more than the day may" in found.out
    assert stub.batches.submitted == []


def test_a_bill_books_what_a_call_in_doubt_did_cost_and_one_that_cannot_be_is_refused(leadscout, asking, made, stub):
    stub.faults = Faults(script=["reset"])
    asking.llm_stage().ask(dict.fromkeys(made.names, made.batch))
    before = leadscout("spend", "--json").json["total"]
    assert before["in_doubt_usd"] == before["usd"] > 0
    usage = stub.bill.usage()
    billed = (usage["tokens_in"] * 0.10 + usage["tokens_out"] * 0.40) / 1e6
    refused = leadscout("spend", "reconcile", "--provider", "stub", "--billed", "5")
    assert refused.code == 2
    assert "the bill does not fit" in refused.err
    done = leadscout("spend", "reconcile", "--provider", "stub", "--billed", billed)
    assert done.code == 0, done.err
    after = leadscout("spend", "--json").json["total"]
    assert after["usd"] == pytest.approx(billed)
    assert (after["in_doubt_usd"], after["usd"] < before["usd"]) == (0, True)


def test_a_bill_of_a_provider_that_was_never_asked_is_refused(leadscout, asking):
    found = leadscout("spend", "reconcile", "--provider", "opnai", "--billed", "0")
    assert found.code == 2
    assert "opnai" in found.err


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    """Labelled names, labelled as the stand-in answers, whatever they mean."""
    rows = []
    for one in "bdfghjklmn":
        for two in "aeiou":
            name = f"Q{two}zor V{one}xtalum"
            origin = answer(0, name, 0)["origin"]
            rows.append((name, "european" if origin == "cannot_tell" else origin, "made_up", "calibrate"))
    path = tmp_path / "cases.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("name", "origin", "group", "part"), *rows])
    return path


def test_a_model_that_is_right_passes_and_its_figures_are_told(leadscout, asking, cases, stub):
    arguments = ("llm", "evaluate", "--provider", "stub/stub-small", "--cases", cases)
    found = leadscout(*arguments, "--json")
    assert found.code == 0, found.err
    told = found.json
    assert (told["accuracy"], told["passes"], told["names"]) == (1.0, True, 50)
    assert told["answered"] + told["could_not_tell"] == 50
    assert told["cost_usd"] > 0
    assert told["calls"] == stub.bill.requests == 1
    assert told["p95_seconds"] >= told["p50_seconds"] > 0
    for band in told["bands"].values():
        assert band["share"] == 1.0
        assert band["calibrated"] < 1.0
    assert told["recorded"] is False


def test_a_repeated_measurement_asks_again_so_that_its_cost_and_its_seconds_are_no_zeros(
    leadscout, asking, cases, stub
):
    arguments = ("llm", "evaluate", "--provider", "stub/stub-small", "--cases", cases)
    first, again = leadscout(*arguments), leadscout(*arguments)
    assert again.code == 0
    assert "calibrated" in again.out
    assert (value(again.out, "model"), value(again.out, "calls")) == ("stub/stub-small", "1")
    assert value(again.out, "cost_usd") == value(first.out, "cost_usd") != "0.000000"
    assert float(value(again.out, "p50_seconds")) > 0
    assert stub.bill.requests == 2


def test_a_model_that_is_seldom_right_does_not_pass(leadscout, asking, cases):
    wrong = cases.read_text().replace("african", "chinese").replace("european", "african")
    cases.write_text(wrong)
    found = leadscout("llm", "evaluate", "--provider", "stub/stub-small", "--cases", cases, "--json")
    assert (found.code, found.json["passes"]) == (1, False)
    assert found.json["accuracy"] < 0.6


def test_an_evaluation_stays_within_its_cap_and_says_why_names_have_no_answer(leadscout, asking, cases, stub):
    arguments = ("llm", "evaluate", "--provider", "stub/stub-small", "--cases", cases, "--cap", "0.0001", "--json")
    found = leadscout(*arguments)
    assert (found.code, found.json["undecided"]) == (1, {"over_cap_per_batch": 50})
    assert stub.bill.requests == 0


def test_a_prompt_that_was_never_measured_can_be_measured_but_is_not_used(leadscout, asking, made, cases, monkeypatch):
    known = load_calibration()
    monkeypatch.setattr(
        "leadscout_assets.llm.setup.load_calibration", lambda: Calibration((), known.unmeasured, known.measured)
    )
    refused = leadscout("llm", "submit", made.batch)
    assert refused.code != 0
    assert "the prompt has changed" in refused.err
    assert leadscout("llm", "evaluate", "--provider", "stub/stub-small", "--cases", cases).code == 0


@pytest.mark.parametrize("provider", ["stub/stub-small,local/own", ""])
def test_models_are_measured_one_at_a_time(leadscout, asking, cases, provider):
    found = leadscout("llm", "evaluate", "--provider", provider, "--cases", cases)
    assert (found.code, "name one KIND/MODEL" in found.err) == (2, True)


def test_cases_that_are_not_there_are_asked_for(leadscout, asking, tmp_path):
    found = leadscout("llm", "evaluate", "--provider", "stub/stub-small", "--cases", tmp_path / "none.csv")
    assert found.code == 2
    assert "--cases FILE" in found.err
