"""`leadscout forget` in a process of its own, killed at random moments: repeated, it finishes, and nothing is found."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from leadscout_assets import facts
from leadscout_assets.batch_overview import facts_of
from leadscout_assets.database.decisions import Decisions
from leadscout_assets.database.deliveries import Deliveries
from leadscout_assets.database.reviews import Reviews
from leadscout_assets.forgetting import elsewhere, erasing
from leadscout_assets.forgetting import forget as forgetting
from leadscout_assets.forgetting.request import Request
from leadscout_assets.governance.ledger import Ledger
from leadscout_assets.home import Home
from leadscout_assets.inbox import DeliveryStore
from leadscout_assets.tables import Tables
from tests.e2e.canary import DIRECTOR
from tests.forgetting.conftest import NOW, PERSON
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
    # As long as one takes that changes nothing, on this machine: an erasure takes a little longer.
    began = time.monotonic()
    subprocess.run([*forget, "--dry-run"], stdout=subprocess.DEVNULL, check=True)
    whole = time.monotonic() - began
    for _ in range(KILLS):
        with subprocess.Popen(forget, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                process.wait(timeout=chance.uniform(0.3, 1.3) * whole)
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


class Killed(BaseException):
    """The process ends here, as far as the code under test can tell."""


EFFECTS = (
    (Ledger, "append"), (Ledger, "replace"), (Decisions, "apply"), (Decisions, "finish"), (Decisions, "forget_wordings"),
    (Tables, "replace"), (Tables, "scrub"), (DeliveryStore, "rewrite"), (Deliveries, "note_rewritten"), (Reviews, "forget"),
    (elsewhere, "_in_place"), (Path, "unlink"), (erasing, "write_report"), (forgetting, "compact_databases"),
    (forgetting, "prove"),
)  # fmt: skip
"""All that an erasure changes anything by."""


def interrupted(home: Home, person: Request, effects: int) -> int:
    """Begin an erasure that ends before one of its effects, and return how many of the allowed ones were left."""
    left = effects

    def counted(real):
        def run(*arguments, **named):
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            return real(*arguments, **named)

        return run

    with pytest.MonkeyPatch.context() as patch:
        for owner, name in EFFECTS:
            patch.setattr(owner, name, counted(getattr(owner, name)))
        with suppress(Killed):
            forgetting.forget(home, person, now=NOW)
    return left


@pytest.mark.parametrize("seed", [*range(2), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 30))])
def test_ended_before_any_of_its_effects_it_finishes_when_repeated(canary, person, seed):
    expected = forgetting.forget(canary, person, now=NOW, dry_run=True).places
    dice, killed = random.Random(seed), 0
    for _ in range(2):
        killed += interrupted(canary, person, dice.randrange(60)) < 0
    assert killed
    assert forgetting.forget(canary, person, now=NOW).proof.gone
    assert hits(canary) == {}
    assert Reviews(canary.database).all() == []
    assert canary.answers_about([DIRECTOR]) == []
    for batch, rows in expected.rows.items():
        (found,) = facts_of(canary, list(facts.NEEDED), [batch])
        assert found.leads + found.rejected == canary.records.get(batch).rows_counted
        assert found.reasons["erased"] == len(rows)
    forgetting.check_replayed(canary)


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


def test_no_row_is_shown_or_written_out_of_a_home_whose_erasure_is_not_done(
    canary, person, tmp_path, monkeypatch, capsys
):
    from leadscout_assets.cli.application import run_application

    monkeypatch.setattr("leadscout_assets.settings._in_use", canary.settings)
    batch, out = canary.records.all()[0].batch_id, tmp_path / "out.csv"
    source = tmp_path / "list.csv"
    source.write_text("EntityName,DirectorName\nBaobab,Thandi Nkosi\n")
    commands = (
        ["show", batch, "--row", "2"],
        ["export", batch, "--out", str(out)],
        ["review", "export", batch, "--out", str(out)],
        ["run", str(source), "--out", str(tmp_path / "report")],
    )
    assert interrupted(canary, person, 12) < 0
    for command in commands:
        assert run_application(command) == 3, command
        assert "leadscout forget --replay" in capsys.readouterr().err
    assert not out.exists()
    assert run_application(["show", batch]) == 0, "counts are nobody's"
    assert forgetting.forget(canary, person, now=NOW).proof.gone
    assert run_application(commands[1]) == 0
