"""`leadscout llm stub`, `leadscout spend`, and the demonstration with the stand-in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request


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
