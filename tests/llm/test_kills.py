"""Killed at any point between reserving and storing: no job twice, no stored answer lost, never less booked than is billed."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from leadscout_assets.database.models import llm_answers, llm_calls, llm_jobs
from leadscout_assets.llm.jobs import NEVER_ARRIVED, Jobs
from tests.llm.conftest import PRICE, offer
from tests.llm.test_jobs import custom_ids
from tests.llm.test_stage import booked

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("kills", [20, pytest.param(1_000, marks=[pytest.mark.soak, pytest.mark.timeout(3_000)])])
def test_random_kills(make_stage, stub, ledger, sqlite, kills, capsys):
    # Longer where there is time for it: the more kills come while a call is under way.
    stub.latency = 0.005 if kills < 100 else 0.05
    path = str(sqlite.url.database)
    rounds = max(kills // 100, 1)
    seen: set[str] = set()
    for number in range(rounds):
        sqlite.close()
        command = [sys.executable, "-m", "tests.llm.killed", path, stub.url, str(kills // rounds), str(number)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=2_000, check=True)
        assert int(done.stdout) == kills // rounds
        assert booked(ledger) >= billed(stub)
        stored = keys(sqlite)
        assert seen <= stored
        seen = stored
    left = of_state(sqlite, "reserved")
    assert left or kills < 100, "a kill in a hundred comes between reserving and the end of a call"
    collect_all(make_stage, stub)
    assert booked(ledger) >= billed(stub)
    before = booked(ledger) - billed(stub)
    ids = custom_ids(stub)
    assert len(ids) == len(set(ids))
    with sqlite.read() as connection:
        assert (
            connection.execute(sa.select(llm_jobs.c.id).where(llm_jobs.c.state.in_(("intended", "submitted")))).all()
            == []
        )
        settled = connection.execute(sa.select(sa.func.count()).where(llm_calls.c.state == "settled")).scalar_one()
    assert settled
    for vendor in ("openai", "anthropic"):
        ledger.reconcile(vendor, PRICE.cost(*charged(stub, vendor)), before=datetime.now(UTC))
    assert booked(ledger) == billed(stub)
    if kills < 100:
        return
    with capsys.disabled():
        print(
            f"\n{kills:,} kills: {settled:,} calls settled, {left:,} cut off between being reserved and their end, {len(ids):,} jobs, "
            f"none twice; {len(seen):,} answers stored, none lost; booked above the bill before it was compared: {before:,} nano"
        )


def of_state(database, state):
    with database.read() as connection:
        return connection.execute(
            sa.select(sa.func.count()).where(llm_calls.c.state == state, llm_calls.c.kind == "call")
        ).scalar_one()


def charged(stub, vendor):
    mine = [entry for entry in stub.bill.entries if entry["vendor"] == vendor]
    return sum(entry["tokens_in"] for entry in mine), sum(entry["tokens_out"] for entry in mine)


def billed(stub):
    usage = stub.bill.usage()
    return PRICE.cost(usage["tokens_in"], usage["tokens_out"])


def keys(database):
    with database.read() as connection:
        return set(connection.execute(sa.select(llm_answers.c.key)).scalars())


def collect_all(make_stage, stub):
    late = datetime.now(UTC) + NEVER_ARRIVED * 2
    for _ in range(3):
        both = make_stage(*(offer(stub, vendor) for vendor in ("openai", "anthropic")))
        Jobs(both, lambda kind, model: PRICE).collect(late + timedelta(seconds=1))
