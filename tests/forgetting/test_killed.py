"""`leadscout forget` in a process of its own, killed at random moments: repeated, it finishes, and nothing is found."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from leadscout_assets.home import Home
from tests.forgetting.conftest import PERSON
from tests.forgetting.test_forget import hits

KILLS = 20


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "leadscout_assets.cli", *arguments]


@pytest.mark.soak
@pytest.mark.processes
def test_killed_at_random_moments_it_finishes_when_repeated(canary, tmp_path, capsys):
    canary.database.close()
    person = tmp_path / "person.txt"
    person.write_text(PERSON)
    forget = command("forget", "--person", str(person))
    chance, killed = random.Random(20260302), 0
    for _ in range(KILLS):
        with subprocess.Popen(forget, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                process.wait(timeout=chance.uniform(1.0, 6.0))
            except subprocess.TimeoutExpired:
                process.kill()
                killed += 1
    assert killed >= KILLS // 4
    last = subprocess.run(forget, capture_output=True, text=True, check=False)
    assert last.returncode == 0, last.stderr
    assert hits(Home(canary.settings)) == {}
    with capsys.disabled():
        print(
            f"\n{KILLS} starts of `leadscout forget`, {killed} of them killed: the next one finished, and nothing is found"
        )


def test_the_platform_must_be_down_and_what_is_found_is_said(canary, tmp_path, monkeypatch, capsys):
    from leadscout_assets.cli.application import run_application
    from leadscout_assets.supervisor.lock import hold_home
    from tests.e2e.canary import traces_in

    monkeypatch.setattr("leadscout_assets.settings._in_use", canary.settings)
    person = tmp_path / "person.txt"
    person.write_text(PERSON)
    arguments = ["forget", "--person", str(person), "--dry-run"]
    with hold_home(canary.settings.home):
        assert run_application(arguments) == 3
    assert "already runs" in capsys.readouterr().err
    assert run_application(arguments) == 0
    said = capsys.readouterr()
    assert "nothing was changed" in said.out
    assert "share a number or an e-mail" in said.out
    assert traces_in(said.out + said.err) == []
    assert run_application(["forget", "--replay"]) == 0
    assert run_application(["forget"]) == 2
    assert run_application(["forget", "--person", str(person), "--lead", "0" * 16]) == 2
