"""A stand-in server and a ledger of the test's own; stages are made by `make_stage`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from leadscout_assets.database.engine import Database
from leadscout_assets.llm.answered import Offer, Pace
from leadscout_assets.llm.booked import Caps
from leadscout_assets.llm.ledger import Ledger
from leadscout_assets.llm.prices import Price, nano
from leadscout_assets.llm.providers import PROVIDERS
from leadscout_assets.llm.schema import form
from leadscout_assets.llm.stage import Stage
from leadscout_assets.llm.stub import StubServer

SECRET = b"k" * 32
PRICE = Price(100, 400)
CAPS = Caps(call=nano(0.05), batch=nano(1), day=nano(2), month=nano(10), requests=1_000, tokens=10_000_000)
KEY = SecretStr("sk-not-a-real-key")

FAST = Pace(call_seconds=30.0, total_seconds=120.0)
"""Nobody waits that long: the stand-in answers at once, however busy the machine."""


@pytest.fixture
def ledger(sqlite: Database) -> Ledger:
    return Ledger(sqlite, CAPS)


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with StubServer() as server:
        yield server


def offer(stub: StubServer, kind: str = "openai", price: Price | None = PRICE, **changes: Any) -> Offer:
    url = changes.pop("url", stub.url if kind == "anthropic" else stub.openai_url)
    model = changes.pop("model", "small")
    return Offer(changes.pop("name", kind), model, price, lambda: PROVIDERS[kind](model, KEY, url))


MakeStage = Callable[..., Stage]


@pytest.fixture
def make_stage(ledger: Ledger, stub: StubServer) -> MakeStage:
    def make(*offers: Offer, pace: Pace = FAST, **changes: Any) -> Stage:
        used = changes.pop("ledger", ledger)
        wanted = form(reveal_religion=False)
        return Stage(
            used,
            offers or (offer(stub),),
            wanted,
            SECRET,
            pace,
            sleep=lambda seconds: time.sleep(min(seconds, 0.05)),
            **changes,
        )

    return make


def names(count: int, batch: str = "2026-03-02_list_00000001") -> dict[str, str]:
    """Made-up names, one and the same at each call."""
    return {name_of(n): batch for n in range(count)}


def name_of(n: int) -> str:
    """One made-up name, another for each number below 456,976."""
    ends = "abcdefghijklmnopqrstuvwxyz"
    more = ends[n // 17_576] if n >= 17_576 else ""
    return f"Q{ends[n // 26 % 26]}zor{ends[n % 26]} Vext{ends[n // 676 % 26]}{more}lum"
