"""The language model stage against the stand-in: 500 undecided names with 1.5 s a call and 5 % faults, and the same once more."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from benchmarks.processes import Workplace
from benchmarks.results import Outcome, highest, median
from leadscout_assets.database.engine import Database, upgrade
from leadscout_assets.llm.answered import Asked, Offer, Pace
from leadscout_assets.llm.booked import Caps
from leadscout_assets.llm.ledger import Ledger
from leadscout_assets.llm.prices import dollars, nano, price_of
from leadscout_assets.llm.providers import PROVIDERS
from leadscout_assets.llm.schema import form
from leadscout_assets.llm.stage import Stage
from leadscout_assets.llm.stub import Faults, StubServer

NAMES = 500

LEADS = 10_000
"""Of a typical batch at most one name in twenty is undecided: 500 names stand for so many leads."""

LATENCY, FAULTS = 1.5, 0.05

CAPS = Caps(call=nano(0.02), batch=nano(0.1), day=nano(10), month=nano(10), requests=120, tokens=500_000)

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def llm_stage(workplace: Workplace) -> Outcome:
    """Ask about 500 names by either vendor's protocol, each time in a ledger of its own; then about the same again."""
    seeds = (1,) if workplace.quick else (1, 2, 3)
    rounds = [_round(workplace, vendor, seed) for vendor in ("openai", "anthropic") for seed in seeds]
    return Outcome(
        "llm_stage",
        (
            highest(
                f"{NAMES} undecided names, {LATENCY} s a call, 5 % faults", "s", _of(rounds, "seconds"), target=10.0
            ),
            highest("calls for these", "calls", _of(rounds, "calls"), target=12.0),
            highest("calls for the same names again", "calls", _of(rounds, "calls_again"), target=0.0),
            highest(
                "cost per lead at a small model's list price", "millionths of $", _of(rounds, "per_lead"), target=20.0
            ),
            median("names that stayed undecided by faults", "names", _of(rounds, "undecided")),
            highest("bill above the ledger", "millionths of $", _of(rounds, "above"), target=0.0),
        ),
        {"rounds": rounds},
    )


def _round(workplace: Workplace, vendor: str, seed: int) -> dict[str, Any]:
    price = price_of("openai", "gpt-4.1-nano", "")
    assert price is not None
    database = Database(f"sqlite:///{workplace.folder / f'llm-{vendor}-{seed}.sqlite'}")
    upgrade(database)
    with StubServer(latency=LATENCY, faults=Faults(share=FAULTS, seed=seed), seed=seed) as stub:
        url = stub.url if vendor == "anthropic" else stub.openai_url
        offer = Offer(vendor, "small", price, lambda: PROVIDERS[vendor]("small", None, url))
        pace = Pace(call_seconds=5.0, total_seconds=60.0)
        stage = Stage(Ledger(database, CAPS), [offer], form(reveal_religion=False), b"s" * 32, pace)
        started = time.perf_counter()
        asked = stage.ask(dict.fromkeys(_names(), "2026-01-01_list_00000000"))
        seconds = time.perf_counter() - started
        # What a fault left undecided is asked about, or in doubt; what was answered is not asked about again.
        again = stage.ask(dict.fromkeys(asked.answers, "2026-01-01_list_00000000"))
        usage = stub.bill.usage()
    database.close()
    billed = price.cost(usage["tokens_in"], usage["tokens_out"])
    booked = asked.figures.booked_nano + again.figures.booked_nano
    return {
        "seconds": seconds, "calls": asked.figures.calls, "calls_again": again.figures.calls,
        "per_lead": dollars(asked.figures.booked_nano) * 1e6 / LEADS, "undecided": len(asked.undecided),
        "above": max(billed - booked, 0) / 1000, "vendor": vendor, **_told(asked),
    }  # fmt: skip


def _told(asked: Asked) -> dict[str, Any]:
    return {"figures": {key: value for key, value in asdict(asked.figures).items() if key != "seconds"}}


def _of(rounds: list[dict[str, Any]], key: str) -> list[float]:
    return [float(one[key]) for one in rounds]


def _names() -> list[str]:
    return [f"Q{LETTERS[n % 26]}zor Vext{LETTERS[n // 26]}lum" for n in range(NAMES)]
