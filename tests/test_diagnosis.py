"""The doctor: a finding for everything the platform needs, each failing one with its cure, and nothing changed."""

from __future__ import annotations

import os
import shutil
import socket
from collections import namedtuple
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pyarrow as pa
import pytest
import time_machine
from deltalake import write_deltalake
from pydantic import SecretStr

from leadscout_assets import batch_overview, contracts, diagnosis
from leadscout_assets.arrivals import MAX_ATTEMPTS
from leadscout_assets.batch_overview import BatchSummary
from leadscout_assets.database.models import llm_calls, llm_providers
from leadscout_assets.diagnosis import Finding, diagnose
from leadscout_assets.errors import EdgeFailed
from leadscout_assets.home import Home
from leadscout_assets.llm.evaluating import Evaluation
from leadscout_assets.llm.measurements import note_measured
from leadscout_assets.llm.schema import BANDS, form
from leadscout_assets.recovery.backup import take_backup
from leadscout_assets.recovery.drill import drill
from leadscout_assets.settings import Settings
from leadscout_assets.supervisor import readiness
from leadscout_assets.supervisor.lock import PID_FILE, hold_home
from tests import scenario
from tests.purposes import IN_TESTS

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def finding(settings: Settings, what: str) -> Finding:
    (found,) = [found for found in diagnose(settings) if found.what == what]
    return found


def test_a_home_that_is_in_use_is_sound(home, tmp_path):
    home.inbox_dir.mkdir(parents=True)
    Home(home).deliver(scenario.scenario_csv(tmp_path / "leads.csv"), now=datetime.now(UTC))
    assert [found for found in diagnose(home) if not found.ok] == []
    assert finding(home, "application database").found == "1 deliveries"


def test_looking_at_a_home_that_is_not_there_makes_nothing(home):
    diagnose(home)
    assert not home.home.exists()


def test_looking_at_a_home_in_use_changes_nothing(home):
    home.inbox_dir.mkdir(parents=True)
    before = sorted(home.home.rglob("*"))
    diagnose(home)
    assert sorted(home.home.rglob("*")) == before


def test_every_finding_that_needs_mending_says_how(home, monkeypatch):
    monkeypatch.setattr("sys.version_info", (3, 10, 1, "final", 0))
    monkeypatch.setattr(diagnosis, "PACKAGES", ("a-package-that-nobody-has",))
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 9, 1))
    failing = {found.what for found in diagnose(home) if not found.ok}
    assert failing >= {"python", "packages", "home", "inbox"}
    assert [found.what for found in diagnose(home) if not found.ok and not found.fix] == []


def test_a_misspelt_setting_is_named_with_the_one_that_is_meant_and_without_its_value(home, monkeypatch):
    # Nothing is said where it is read: the list was not classified, and the doctor called that design.
    monkeypatch.setenv("LEADSCOUT_CLASSIFCATION_PURPOSE", "outreach")
    found = finding(home, "settings")
    assert (found.ok, found.found) == (False, "no setting: LEADSCOUT_CLASSIFCATION_PURPOSE")
    assert "LEADSCOUT_CLASSIFICATION_PURPOSE;" in found.fix
    assert "outreach" not in str(found)


@pytest.mark.parametrize("variable", ["LEADSCOUT_PORT", "leadscout_port", "LEADSCOUT_BACKUPS_DIR", "LEADSCOUT_OF_OURS"])
def test_settings_and_variables_of_others_need_no_mending(home, monkeypatch, variable):
    monkeypatch.setenv(variable, "1")
    assert finding(home, "settings").ok


def test_a_file_in_place_of_the_home_needs_mending(home):
    home.home.write_text("in the way")
    assert not finding(home, "home").ok


def test_a_database_that_cannot_be_reached_shows_no_password(home, monkeypatch):
    from leadscout_assets.settings import read_settings

    monkeypatch.setenv("LEADSCOUT_DATABASE_URL", "postgresql://scout:s3cret@127.0.0.1:1/leads?connect_timeout=1")
    found = finding(read_settings(), "application database")
    assert not found.ok
    assert found.fix
    assert "s3cret" not in str(found)


def test_a_database_that_is_gone_from_a_home_with_tables_needs_mending(home):
    Home(home).tables.replace(contracts.RAW_LEADS, contracts.RAW_LEADS.empty(), ["2026-01-01_list_00000001"])
    found = finding(home, "application database")
    assert (found.ok, found.found, "restore" in found.fix) == (False, "something is lost", True)


def test_deliveries_that_are_in_no_backup_need_mending_once_they_are_older_than_allowed(home, tmp_path):
    assert finding(home, "backups").ok
    with time_machine.travel(datetime.now(UTC) - timedelta(days=3)):
        Home(home).deliver(scenario.scenario_csv(tmp_path / "leads.csv"), now=datetime.now(UTC))
    found = finding(home, "backups")
    assert (found.ok, "no backup was taken yet" in found.found, "leadscout backup" in found.fix) == (False, True, True)
    take_backup(home)
    assert drill(home).ok
    assert finding(home, "backups").ok


def test_channels_of_alerts_are_named(home):
    assert finding(home, "alerts").found == "told through the log alone"
    slack = home.model_copy(update={"alert_slack_url": SecretStr("https://hooks.example.org/x")})
    assert finding(slack, "alerts").found == "told through the log, slack"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"alert_slack_url": SecretStr("hooks.example.org/T1")}, "LEADSCOUT_ALERT_SLACK_URL: not the address"),
        ({"alert_webhook_url": SecretStr("https://a.example.org")}, "LEADSCOUT_ALERT_WEBHOOK_SECRET is not set"),
        ({"alert_smtp_host": "mail.example.org"}, "LEADSCOUT_ALERT_EMAIL_FROM"),
        ({"alert_levels": "disk_full=0.1:0.05"}, "LEADSCOUT_ALERT_LEVELS: there is no rule disk_full"),
        ({"alert_levels": "memory_high=80:85"}, "LEADSCOUT_ALERT_LEVELS: memory_high is a share"),
    ],
)
def test_alerts_that_cannot_be_told_as_they_are_set_up_are_a_fault(home, changes, told):
    found = finding(home.model_copy(update=changes), "alerts")
    assert not found.ok
    assert told in found.found
    assert "T1" not in found.found


def test_a_missing_purpose_is_no_fault_but_is_said(home):
    assert finding(home, "classification purpose") == Finding(
        "classification purpose", True, "none recorded: names are not classified, by design"
    )
    purpose = home.model_copy(update=IN_TESTS)
    assert finding(purpose, "classification purpose").found == "tests, valid until 2099-12-31"


def test_a_purpose_that_is_not_registered_or_has_expired_is_a_fault(home, tmp_path):
    found = finding(
        home.model_copy(update={"classification_purpose": "market research 2026"}), "classification purpose"
    )
    assert (found.ok, found.found, "Register yours" in found.fix) == (False, "refused", True)
    path = tmp_path / "purposes.toml"
    path.write_text(IN_TESTS["purposes"].read_text().replace("2099", "2020"))
    found = finding(home.model_copy(update=IN_TESTS | {"purposes": path}), "classification purpose")
    assert (found.ok, "2020-12-31" in found.found) == (False, True)


@pytest.mark.parametrize(
    "what",
    ["python", "packages", "home", "application database", "tables", "deliveries", "inbox", "backups", "platform"],
)
def test_findings_are_plain_values(home, what):
    found = finding(home, what).to_json()
    assert set(found) == {"what", "ok", "found", "fix"}
    assert isinstance(found["ok"], bool)


BATCHES = ["2026-03-02_list_00000001", "2026-03-02_list_00000002"]


class TestTables:
    @pytest.fixture
    def table(self, home) -> Path:
        """The folder of a table of two batches."""
        rows = [
            {"batch_id": batch, "kind": "pdf", "path": f"{batch}/{batch}.pdf", "bytes": 1, "sha256": "0" * 64}
            for batch in BATCHES
        ]
        frame = pa.Table.from_pylist(rows, contracts.LEAD_REPORTS.schema)
        Home(home).tables.replace(contracts.LEAD_REPORTS, frame, BATCHES)
        return home.tables_dir / "lead_reports"

    def test_a_table_that_is_whole_opens(self, home, table):
        (home.tables_dir / "leads").mkdir()  # what a writer leaves that was killed before its first commit
        assert finding(home, "tables").ok
        (home.tables_dir / "leads").rmdir()
        assert finding(home, "tables").found == "1 open"

    def test_a_file_that_is_gone_is_found_although_the_table_opens(self, home, table):
        next(table.glob("batch_id=*/*.parquet")).unlink()
        found = finding(home, "tables")
        assert (found.ok, found.found) == (False, "lead_reports lacks 1 of its 2 files")
        assert "leadscout backfill --all" in found.fix

    def test_a_damaged_log_is_found(self, home, table):
        for commit in (table / "_delta_log").glob("*.json"):
            commit.write_text("{ Zwelibanzi")
        found = finding(home, "tables")
        assert (found.ok, found.found) == (False, "lead_reports cannot be opened")

    def test_a_log_that_is_gone_is_found(self, home, table):
        shutil.rmtree(table / "_delta_log")
        assert finding(home, "tables").found == "lead_reports has rows but no log"

    def test_a_table_of_another_version_is_found(self, home):
        write_deltalake(home.tables_dir / "leads", pa.table({"batch_id": BATCHES}))
        assert finding(home, "tables").found == "leads lacks columns of this version"


class TestDeliveries:
    def test_a_delivery_given_up_is_named(self, home, tmp_path):
        parts = Home(home)
        batch = parts.deliver(scenario.scenario_csv(tmp_path / "leads.csv"), now=NOW).delivery.batch_id
        assert finding(home, "deliveries").found == "1, none given up"
        for attempt in range(MAX_ATTEMPTS):
            parts.records.note_request([batch], f"key-{attempt}")
        found = finding(home, "deliveries")
        assert (found.ok, found.found) == (False, f"1 without a report after {MAX_ATTEMPTS} runs: {batch}")
        assert "leadscout backfill" in found.fix

    def test_many_of_them_are_counted_and_the_newest_named(self, home, monkeypatch):
        assert Home(home).records.all() == []
        summaries = [
            BatchSummary(f"2026-03-02_list_{n:08}", "", None, 0, 0, "failed" if n < 9 else "waiting") for n in range(10)
        ]
        monkeypatch.setattr(batch_overview, "overview", lambda _: summaries)
        found = finding(home, "deliveries").found
        assert found.startswith("9 without a report")
        assert found.endswith("_00000007, 2026-03-02_list_00000008, ...")
        assert "00000003" not in found

    def test_deliveries_that_cannot_be_counted_are_a_finding(self, home, monkeypatch):
        def fail(_: object) -> None:
            raise EdgeFailed("put it right")

        assert Home(home).records.all() == []
        monkeypatch.setattr(batch_overview, "overview", fail)
        assert finding(home, "deliveries") == Finding("deliveries", False, "cannot be looked through", "put it right")


class TestPlatform:
    @pytest.fixture
    def up(self, home) -> Iterator[None]:
        with hold_home(home.home):
            yield

    def test_one_that_answers_is_up(self, home, up, monkeypatch):
        monkeypatch.setattr(readiness, "awaited", lambda url, since: None)
        found = finding(home, "platform")
        assert (found.ok, found.found) == (True, f"up, process {os.getpid()}, http://127.0.0.1:3000")

    def test_one_whose_ui_does_not_answer_needs_mending(self, home, up):
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            found = finding(home.model_copy(update={"port": nobody.getsockname()[1]}), "platform")
        assert not found.ok
        assert "without the UI's answer" in found.found
        assert "LEADSCOUT_PORT" in found.fix

    def test_one_that_cannot_be_asked_after_needs_mending(self, home):
        home.home.mkdir()
        (home.home / PID_FILE).symlink_to(PID_FILE)  # a circle
        found = finding(home, "platform")
        assert (found.ok, found.found) == (False, "cannot be asked")
        assert PID_FILE in found.fix


SWITCHED_ON = {
    "classification_purpose": "demonstration", "llm_providers": "local/own,openai/gpt-4.1-nano", "llm_openai_key": SecretStr("sk-of-nobody"),
    "llm_prices": "local/own=0:0",
}  # fmt: skip
OWN, VENDOR = "language models: local/own", "language models: openai/gpt-4.1-nano"


@pytest.fixture
def server() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"


def test_where_no_language_model_is_asked_that_is_no_fault(home):
    assert finding(home, "language models").ok
    assert "by design" in finding(home, "language models").found


def measured(settings: Settings, model: str, *, right: int) -> None:
    """Record that a model was asked about the golden set today, and so many of 100 answers were right."""
    wanted = form(reveal_religion=False)
    bands = {band: {"right": 1, "all": 1, "share": 1.0, "calibrated": 0.5} for band in BANDS}
    found = Evaluation(
        model, wanted.prompt_hash, wanted.schema_hash, 100, 100, right, 0, 1.0, bands, 2, 0.0, 1.0, 1.0, {}
    )
    note_measured(Home(settings).database, found, "0" * 12, now=datetime.now(UTC))


def test_each_language_model_that_can_be_asked_says_so_with_its_price_and_its_caps(home, server):
    settings = home.model_copy(update={**SWITCHED_ON, "llm_local_url": server})
    measured(settings, "local/own", right=91)
    measured(settings, "openai/gpt-4.1-nano", right=91)
    assert finding(settings, "language models").ok
    assert finding(settings, OWN).ok
    assert finding(settings, OWN).found.startswith("takes connections; $0 in and $0 out")
    assert finding(settings, VENDOR).ok
    assert (
        "$0.1 in and $0.4 out per million tokens; at most $0.02 a call, $0.1 a batch" in finding(settings, VENDOR).found
    )
    assert f"passed the golden set on {datetime.now(UTC):%Y-%m-%d}, 91% right" in finding(settings, VENDOR).found


@pytest.mark.parametrize(("right", "told"), [(None, "was never asked about the golden set"), (31, "did not pass")])
def test_a_language_model_that_has_not_passed_the_golden_set_says_how_to_measure_it_unless_it_is_asked_all_the_same(
    home, server, right, told
):
    settings = home.model_copy(update={**SWITCHED_ON, "llm_local_url": server})
    if right is not None:
        measured(settings, "local/own", right=right)
    found = finding(settings, OWN)
    assert (found.ok, told in found.found) == (False, True)
    assert "leadscout llm evaluate --provider local/own" in found.fix
    allowed = finding(settings.model_copy(update={"llm_unmeasured": True}), OWN)
    assert (allowed.ok, told in allowed.found, "LEADSCOUT_LLM_UNMEASURED" in allowed.found) == (True, True, True)


@pytest.mark.parametrize(
    ("changes", "what", "told", "fix"),
    [
        ({"llm_openai_key": None}, VENDOR, "not set up", "LEADSCOUT_LLM_OPENAI_KEY: set the key"),
        ({"llm_local_url": None}, OWN, "not set up", "LEADSCOUT_LLM_LOCAL_URL"),
        ({"llm_local_url": "http://127.0.0.1:9/v1"}, OWN, "does not answer", "LEADSCOUT_LLM_LOCAL_URL"),
        ({"llm_prices": ""}, OWN, "without a price", "LEADSCOUT_LLM_PRICES=local/own=INPUT:OUTPUT"),
        ({"llm_max_usd_per_day": 0.0}, VENDOR, "and a day $0", "LEADSCOUT_LLM_MAX_USD_PER_DAY"),
        ({"llm_max_usd_per_call": 0.0001}, VENDOR, "and a call $0.0001", "LEADSCOUT_LLM_MAX_USD_PER_CALL"),
        ({"llm_providers": "openai"}, "language models", "cannot be looked at", "KIND/MODEL"),
        ({"classification_purpose": None}, "language models", "no purpose holds", "LEADSCOUT_CLASSIFICATION_PURPOSE"),
    ],
)  # fmt: skip
def test_a_language_model_that_cannot_be_asked_says_why_and_what_to_mend(home, server, changes, what, told, fix):
    settings = home.model_copy(update={**SWITCHED_ON, "llm_local_url": server, **changes})
    found = finding(settings, what)
    assert not found.ok
    assert told in found.found
    assert fix in found.fix
    assert "sk-of-nobody" not in str(diagnose(settings))


def test_language_models_that_a_purpose_does_not_allow_are_told(home, tmp_path):
    text = (files("leadscout_assets.governance") / "purposes.toml").read_text("utf-8")
    entry = text[text.index("[demonstration]") : text.index("[evaluation]")]
    own = tmp_path / "purposes.toml"
    own.write_text(entry.replace("[demonstration]", "[kept_here]").replace("llm = true", "llm = false"))
    settings = home.model_copy(update={**SWITCHED_ON, "purposes": own, "classification_purpose": "kept_here"})
    assert "the purpose kept_here does not allow it" in finding(settings, "language models").found


def test_a_language_model_that_is_left_alone_and_a_day_that_is_spent_are_told(home, server):
    settings = home.model_copy(update={**SWITCHED_ON, "llm_local_url": server})
    now = datetime.now(UTC)
    with Home(settings).database.begin() as connection:
        connection.execute(llm_providers.insert().values(name="local", failures=3, opened_at=now))
        connection.execute(
            llm_calls.insert().values(
                id="one", at=now, provider="openai", model="gpt-4.1-nano", kind="call", state="settled", names=1, most_tokens=1,
                most_nano=999_900_000, booked_nano=999_900_000, prompt_hash="",
            )
        )  # fmt: skip
    assert "left alone" in finding(settings, OWN).found
    assert "this day has $0.0001" in finding(settings, VENDOR).found
    assert "wait until the day is over" in finding(settings, VENDOR).fix
