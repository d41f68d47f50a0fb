"""A process that asks, submits and collects, killed at any moment. Run as `python -m tests.llm.killed DATABASE URL KILLS SEED`.

Everything is imported once; each life is a fork, so that a thousand of them take minutes. No connection is open across a fork.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from dataclasses import replace

import anthropic  # imported here, once, as each life would take a second for it
import openai

from leadscout_assets.database.engine import Database
from leadscout_assets.llm.answered import Offer, Pace
from leadscout_assets.llm.jobs import Jobs
from leadscout_assets.llm.ledger import Ledger
from leadscout_assets.llm.prices import nano
from leadscout_assets.llm.providers import PROVIDERS
from leadscout_assets.llm.schema import form
from leadscout_assets.llm.stage import Stage
from tests.llm.conftest import CAPS, KEY, PRICE, SECRET, name_of

SDKS = (anthropic, openai)

ROOMY = replace(CAPS, batch=nano(1_000), day=nano(1_000), month=nano(1_000))
"""Caps that a thousand lives do not reach: beyond one nothing is asked, and nothing can be lost."""

LIVES = 5
"""Lives for each kill that is wanted, at most."""


def live(path: str, url: str, number: int) -> None:
    """Ask about some names, submit a job about others, collect what is back: as vendors in turn."""
    database = Database(f"sqlite:///{path}")
    vendor = ("openai", "anthropic")[number % 2]
    offer = Offer(
        vendor, "small", PRICE, lambda: PROVIDERS[vendor]("small", KEY, f"{url}/v1" if vendor == "openai" else url)
    )
    stage = Stage(Ledger(database, ROOMY), [offer], form(reveal_religion=False), SECRET, Pace(names=5, workers=2))
    jobs = Jobs(stage, lambda kind, model: PRICE)
    jobs.collect()
    fresh = [name_of(n) for n in range(12 * number, 12 * (number + 1))]
    stage.ask(dict.fromkeys(fresh[:8], f"2026-03-02_list_{number % 7:08}"))
    jobs.submit(dict.fromkeys(fresh[8:], f"2026-03-02_list_{number % 7:08}"))
    jobs.collect()
    database.close()


def main(path: str, url: str, kills: int, seed: int) -> None:
    """Live and be killed so many times."""
    dice = random.Random(seed)
    killed = 0
    # Other names for each seed: where all of them are answered, nothing is reserved, and nothing can be lost.
    first = seed * (kills * LIVES + 5)
    for number in range(first, first + 4):
        # Not killed, and in this process: the clients load half of themselves at their first use. Measured is the third of
        # a vendor's lives.
        live(path, url, number)
    began = time.perf_counter()
    live(path, url, first + 4)
    whole = time.perf_counter() - began
    for number in range(first + 5, first + 5 + kills * LIVES):
        if killed == kills:
            break
        child = os.fork()
        if child == 0:
            try:
                live(path, url, number)
            finally:
                os._exit(0)
        time.sleep(dice.uniform(0, 1.1 * whole))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        killed += os.WIFSIGNALED(status)
        # The machine may be busier by now, or less: so that about one life in eleven is not cut off, as where `whole` is true.
        whole *= 1.01 if os.WIFSIGNALED(status) else 0.9
    print(killed)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
