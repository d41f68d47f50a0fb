"""Sentry and OpenTelemetry, with the real SDKs against receivers of this machine: what arrives, and what never leaves."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from pydantic import SecretStr

from leadscout_assets import pipeline, telemetry
from leadscout_assets.errors import BadInput, BadSetting, Defect, EdgeFailed, Stopped
from leadscout_assets.logs import bound, get_logger, operation, private_errors
from leadscout_assets.settings import read_settings
from leadscout_assets.telemetry import begin_run, end_run, flush_telemetry, setup_telemetry
from tests.receiver import Receiver, attributes, receiving, to

NAME, PHONE, MAIL = "THANDI NKOSI", "082 123 4567", "thandi.nkosi@example.co.za"
SECRET = f"{NAME} {PHONE} {MAIL}"
RUN = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


def assert_nothing_personal(receiver: Receiver) -> None:
    flush_telemetry()
    for part in ("NKOSI", "thandi", "123 4567", "1234567", "example.co.za"):
        assert part.casefold() not in receiver.everything.casefold(), part


def test_without_an_address_nothing_is_imported_and_nothing_followed(home):
    code = (
        "import sys; from leadscout_assets.settings import read_settings; from leadscout_assets.logs import following; "
        "from leadscout_assets.telemetry import setup_telemetry; setup_telemetry(read_settings()); "
        "print(*(name for name in ('sentry_sdk', 'opentelemetry') if name in sys.modules), following._follower)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["None"]


def test_an_error_is_told_once_with_its_place_and_ids_and_without_its_message_or_values(home, receiver):
    setup_telemetry(to(receiver, home))

    def choke() -> None:
        director = SECRET
        error = ZeroDivisionError(f"cannot parse {director}")
        error.add_note(f"of {SECRET}")
        raise error from KeyError(SECRET)

    with pytest.raises(ZeroDivisionError), operation("command", command="run"), operation("raw_leads", run_id=RUN):
        choke()
    (error,) = receiver.errors()
    assert error["tags"] == {"operation": "raw_leads", "run_id": RUN}
    cause, value = error["exception"]["values"]
    assert [(one["type"], one["value"]) for one in (cause, value)] == [("KeyError", ""), ("ZeroDivisionError", "")]
    assert value["stacktrace"]["frames"][-1]["function"] == "choke"
    assert set(value["stacktrace"]["frames"][-1]) <= set(telemetry.KEPT_OF_FRAME)
    assert not {"server_name", "request", "user", "breadcrumbs", "modules", "extra", "contexts", "sdk"} & set(error)
    assert_nothing_personal(receiver)


def test_a_hostile_value_in_messages_contexts_and_log_lines_never_arrives(home, receiver):
    setup_telemetry(to(receiver, home))
    with bound(step=MAIL), operation("raw_leads", director_name=NAME, path=f"/in/{NAME}.csv", said=PHONE) as found:
        get_logger("leadscout_assets.any").error(
            "command.failed", error=SECRET, director_name=NAME, exc_info=ValueError(SECRET)
        )
        found["email"] = MAIL
        found["rows"] = {NAME: PHONE}
    with pytest.raises(EdgeFailed), operation("leads", batch_id=PHONE):
        raise EdgeFailed(f"the disk is full; director_name: {NAME}, call {PHONE} or {MAIL}") from ValueError(SECRET)
    with pytest.raises(Defect), private_errors():
        raise LookupError(SECRET)
    assert len(receiver.errors()) == 2
    assert len(receiver.spans()) == 2
    assert_nothing_personal(receiver)


def test_our_own_errors_keep_their_sentence_and_slips_and_interruptions_are_no_errors(home, receiver):
    setup_telemetry(to(receiver, home))
    for error in (EdgeFailed("the disk is full"), Stopped(), BadInput("there is no such file")):
        with pytest.raises(type(error)), operation("backup"):
            raise error
    (error,) = receiver.errors()
    assert error["exception"]["values"][0]["value"] == "the disk is full"
    assert [span.status.code for span in receiver.spans()] == [2, 0, 2]


def test_an_error_that_one_batch_brings_out_is_told_although_the_run_goes_on(home, receiver):
    setup_telemetry(to(receiver, home))
    refusals: list[pipeline.Refusal] = []
    with operation("raw_leads"), pipeline.refusing("2026-03-02_list_0123abcd", "raw_leads", refusals):
        raise ZeroDivisionError(SECRET)
    (error,) = receiver.errors()
    assert error["tags"] == {"operation": "raw_leads", "batch_id": "2026-03-02_list_0123abcd"}
    assert [refusal.code for refusal in refusals] == ["defect"]


def test_operations_are_spans_in_one_trace_with_their_outcome(home, receiver):
    setup_telemetry(to(receiver, home))
    with operation("command", command="run") as found, operation("raw_leads", batches=3) as told:
        found["exit_code"] = 0
        told.update(rows_in=500, rows_out=500)
    with pytest.raises(ZeroDivisionError), operation("lead_reports"):
        raise ZeroDivisionError(SECRET)
    inner, outer, failed = receiver.spans()
    assert (inner.name, outer.name, failed.name) == ("raw_leads", "command", "lead_reports")
    assert (inner.trace_id, inner.parent_span_id) == (outer.trace_id, outer.span_id)
    assert (
        attributes(inner).items()
        >= {"leadscout.batches": 3, "leadscout.rows_in": 500, "leadscout.rows_out": 500}.items()
    )
    assert attributes(outer).items() >= {"leadscout.exit_code": 0, "leadscout.success": True}.items()
    assert (failed.status.code, failed.status.message) == (2, "ZeroDivisionError")
    assert not failed.events


def test_a_run_is_a_span_around_its_steps_in_a_trace_that_has_its_id_and_is_sent_when_it_ends(home, receiver):
    setup_telemetry(to(receiver, home))
    with operation("command", command="backfill"):
        begin_run(RUN)
        for name in ("raw_leads", "leads"):
            with operation(name):
                pass
        with pytest.raises(ZeroDivisionError), operation("checks"):
            raise ZeroDivisionError(SECRET)
        sent_before_the_end = [path for path, _ in receiver.taken if path == "/v1/traces"]
        end_run()
        arrived = [path for path, _ in receiver.taken if path == "/v1/traces"]
    assert (sent_before_the_end, len(arrived)) == ([], 1)
    raw, leads, checks, run, command = receiver.spans()
    assert run.name == "run"
    assert attributes(run) == {"leadscout.run_id": RUN, "leadscout.failed_operations": 1}
    assert (run.status.code, run.status.message) == (2, "checks")
    assert {span.parent_span_id for span in (raw, leads, checks)} == {run.span_id}
    assert {span.trace_id.hex() for span in (raw, leads, checks, run)} == {RUN.replace("-", "")}
    assert command.trace_id != run.trace_id
    assert not run.parent_span_id


def test_a_run_whose_step_succeeded_when_it_was_tried_again_or_that_somebody_ended_is_no_failure(home, receiver):
    setup_telemetry(to(receiver, home))
    begin_run(RUN)
    with pytest.raises(ZeroDivisionError), operation("leads"):
        raise ZeroDivisionError(SECRET)
    with operation("leads"):
        pass
    with pytest.raises(KeyboardInterrupt), operation("checks"):
        raise KeyboardInterrupt
    end_run()
    run = next(span for span in receiver.spans() if span.name == "run")
    assert (run.status.code, attributes(run)["leadscout.failed_operations"]) == (0, 1)


def test_a_request_that_takes_longer_than_the_setting_is_marked_as_slow(home, receiver, monkeypatch):
    at = [100.0]
    monkeypatch.setattr(telemetry, "time", SimpleNamespace(perf_counter=lambda: at[0]))
    setup_telemetry(to(receiver, home, slow_request_seconds=0.4))
    for seconds in (0.35, 0.45):
        with operation("http_request", level="debug", route="/ready"):
            at[0] += seconds
    with operation("raw_leads"):
        at[0] += 0.45
    quick, slow, step = (attributes(span) for span in receiver.spans())
    assert slow["leadscout.slow"] is True
    assert "leadscout.slow" not in quick
    assert "leadscout.slow" not in step
    assert read_settings().slow_request_seconds == 1.0


ENDING = """
import sys, time
from leadscout_assets.settings import read_settings
from leadscout_assets.telemetry import setup_telemetry
from leadscout_assets.logs import operation
setup_telemetry(read_settings(sentry_dsn=sys.argv[1], otlp_endpoint=sys.argv[2]))
for _ in range(100):
    with operation("backup"):
        pass
with operation("restore_drill"):
    raise ValueError("THANDI NKOSI")
"""


def ending(*addresses: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", ENDING, *addresses], capture_output=True, text=True, timeout=120)


def test_a_process_that_ends_has_sent_what_it_had(home, receiver):
    assert ending(f"http://key@{receiver.host}/1", f"http://{receiver.host}").returncode == 1
    assert [span.name for span in receiver.spans()] == [*["backup"] * 100, "restore_drill"]
    assert len(receiver.errors()) == 1
    assert_nothing_personal(receiver)


def test_receivers_that_are_away_hold_up_neither_work_nor_end(home):
    began = time.monotonic()
    done = ending("http://key@127.0.0.1:9/1", "http://127.0.0.1:9")
    assert done.returncode == 1
    assert "ValueError" in done.stderr
    assert time.monotonic() - began < 100


@pytest.mark.parametrize("setting", ["sentry_dsn", "otlp_endpoint"])
def test_an_address_without_the_packages_is_one_sentence_with_the_fix(home, monkeypatch, setting):
    for package in ("sentry_sdk", "opentelemetry.sdk", "opentelemetry.exporter"):
        for module in [package, *(name for name in sys.modules if name.startswith(f"{package}."))]:
            monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(BadSetting) as caught:
        setup_telemetry(home.model_copy(update={setting: SecretStr("http://key@127.0.0.1:9/1")}))
    assert str(caught.value) == (
        f"LEADSCOUT_{setting.upper()} is set, but what it needs is not installed: install leadscout[telemetry], or leave "
        "the setting out"
    )


def test_an_address_that_is_none_is_refused_without_being_shown(home):
    with pytest.raises(BadSetting, match=r"^LEADSCOUT_SENTRY_DSN is no DSN: (?!.*hunter2)"):
        setup_telemetry(read_settings(sentry_dsn="hunter2"))
    with pytest.raises(BadSetting, match=r"LEADSCOUT_OTLP_ENDPOINT: (?!.*hunter2)"):
        read_settings(otlp_endpoint="hunter2")
    assert telemetry._open is None
