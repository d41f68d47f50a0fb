"""The language model stage against the stand-in: 500 undecided names with 1.5 s a call and 5 % faults, the same once more, and a
provider that is dead for an hour. And how many names of a generated list there are to be sent at all.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.processes import Workplace
from benchmarks.results import Outcome, highest, median
from leadscout_assets.database.engine import Database, upgrade
from leadscout_assets.llm.answered import Asked, Offer, Pace
from leadscout_assets.llm.booked import Caps
from leadscout_assets.llm.ledger import Ledger
from leadscout_assets.llm.prices import dollars, nano, price_of
from leadscout_assets.llm.providers import PROVIDERS
from leadscout_assets.llm.questions import cleaned, is_name
from leadscout_assets.llm.schema import form
from leadscout_assets.llm.stage import Stage
from leadscout_assets.llm.stub import Faults, StubServer
from leadscout_assets.terms import Method

NAMES = 500

LEADS = 10_000
"""Of a typical batch at most one name in twenty is undecided: 500 names stand for so many leads."""

LATENCY, FAULTS = 1.5, 0.05

DEAD_FOR, ASKED_EVERY = timedelta(hours=1), timedelta(seconds=20)
"""How long the provider is dead, and how often a run asks it meanwhile, by a clock that is moved on."""

CAPS = Caps(call=nano(0.02), batch=nano(0.1), day=nano(10), month=nano(10), requests=120, tokens=500_000)

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def llm_stage(workplace: Workplace) -> Outcome:
    """Ask about 500 names by either vendor's protocol, each time in a ledger of its own; then about the same again."""
    # Every fault is told as a warning; here they are made.
    logging.getLogger("leadscout_assets").setLevel(logging.ERROR)
    seeds = (1,) if workplace.quick else (1, 2, 3)
    rounds = [_round(workplace, vendor, seed) for vendor in ("openai", "anthropic") for seed in seeds]
    dead, sent = _dead(workplace), _sent(workplace)
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
            highest("names sent of a generated list, and of the labelled cases", "%", sent["percent"], target=5.0),
            highest(
                "calls in a minute to a provider that is dead for an hour, once that is known",
                "calls",
                [dead["in_any_minute"]],
                target=1.0,
            ),
            highest("500 names while the provider is dead", "s", [dead["seconds"]]),
            median("names that stayed undecided by faults", "names", _of(rounds, "undecided")),
            highest("bill above the ledger", "millionths of $", _of(rounds, "above"), target=0.0),
        ),
        {"rounds": rounds, "dead": dead, "sent": sent},
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


def _dead(workplace: Workplace) -> dict[str, Any]:
    """Ask a provider that answers nothing but errors, every twenty seconds for an hour; then in earnest, by the true clock."""
    price = price_of("openai", "gpt-4.1-nano", "")
    database = Database(f"sqlite:///{workplace.folder / 'llm-dead.sqlite'}")
    upgrade(database)
    now = [datetime(2026, 1, 1, 8, tzinfo=UTC)]
    names = dict.fromkeys(_names(), "2026-01-01_list_00000000")
    with StubServer(faults=Faults(then="server_error")) as stub:
        offer = Offer("openai", "small", price, lambda: PROVIDERS["openai"]("small", None, stub.openai_url))
        wanted, ledger = form(reveal_religion=False), Ledger(database, CAPS)
        moved = Stage(ledger, [offer], wanted, b"s" * 32, Pace(), clock=lambda: now[0], sleep=lambda _: None)
        called, before, first, until = list[datetime](), 0, now[0], now[0] + DEAD_FOR
        while now[0] < until:
            moved.ask(names)
            called += [now[0]] * (stub.bill.requests - before)
            before = stub.bill.requests
            now[0] += ASKED_EVERY
        fresh = Database(f"sqlite:///{workplace.folder / 'llm-dead-too.sqlite'}")
        upgrade(fresh)
        started = time.perf_counter()
        asked = Stage(Ledger(fresh, CAPS), [offer], wanted, b"s" * 32, Pace()).ask(names)
        seconds = time.perf_counter() - started
    for each in (database, fresh):
        each.close()
    # The calls of the first run, side by side, are how it is found out that the provider is dead.
    probes = [at for at in called if at > first]
    most = max((sum(at <= other < at + timedelta(minutes=1) for other in probes) for at in probes), default=0)
    why = dict(Counter(asked.undecided.values()))
    return {"in_any_minute": float(most), "calls": len(called), "seconds": seconds, "undecided": why}


def _sent(workplace: Workplace) -> dict[str, Any]:
    """Count the distinct names of a generated list of leads that are to be sent, and those of all labelled cases."""
    import pyarrow as pa

    from leadscout_assets import pipeline
    from leadscout_assets.leads.reading import read_lead_list
    from leadscout_assets.leads.synthetic import write_delivery
    from leadscout_assets.names.asked import full_names, undecided_rows
    from leadscout_assets.names.cascade import classify_leads, classify_names, load_classifier
    from leadscout_assets.names.cases import find_cases, read_cases
    from leadscout_assets.names.normalising import split_names
    from leadscout_assets.settings import read_settings

    settings, batch = read_settings(home=workplace.home), "2026-01-01_list_00000000"
    path = workplace.folder / "list.csv"
    write_delivery(path, LEADS // 10 if workplace.quick else LEADS, 1)
    raw = read_lead_list(path, batch_id=batch, limits=pipeline.read_limits(settings))
    leads, _, _ = pipeline.validate(raw, b"l" * 32)
    classified = classify_leads(leads, load_classifier(), purpose="benchmark", reveal_religion=False)
    rows = undecided_rows(classified["method"], leads)
    names = {name.casefold() for name in map(cleaned, full_names(leads, rows)) if is_name(name)}
    path = find_cases()
    assert path is not None, "the labelled cases lie beside the package in a checkout"
    cases = pa.array(sorted({case.name for case in read_cases(path)}))
    parts = split_names(cases)
    methods = classify_names(parts["given_names"], parts["surname"], load_classifier())["method"]
    hard = sum(
        method == Method.ABSTAINED and is_name(cleaned(name))
        for method, name in zip(methods.to_pylist(), cases.to_pylist(), strict=True)
    )
    return {
        "percent": [100 * len(names) / leads.num_rows, 100 * hard / len(cases)],
        "names": len(names), "leads": leads.num_rows, "labelled": hard, "cases": len(cases),
    }  # fmt: skip


def _told(asked: Asked) -> dict[str, Any]:
    return {"figures": {key: value for key, value in asdict(asked.figures).items() if key != "seconds"}}


def _of(rounds: list[dict[str, Any]], key: str) -> list[float]:
    return [float(one[key]) for one in rounds]


def _names() -> list[str]:
    return [f"Q{LETTERS[n % 26]}zor Vext{LETTERS[n // 26]}lum" for n in range(NAMES)]
