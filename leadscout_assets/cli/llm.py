"""`leadscout llm` and `leadscout spend`: the stand-in, jobs and evaluation of language models, and what they cost."""

from __future__ import annotations

import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leadscout_assets.cli.printing import print_json, print_pairs, print_table
from leadscout_assets.errors import BadInput
from leadscout_assets.settings import Settings, current_settings
from leadscout_assets.terms import TIME_ZONE

if TYPE_CHECKING:
    from leadscout_assets.home import Home
    from leadscout_assets.llm.evaluating import Evaluation

FAILING = 1
"""Exit code: done, and the model did not pass."""

app = typer.Typer(help="The language model stage.", no_args_is_help=True)
spending = typer.Typer(invoke_without_command=True, help="What language models cost.")

COLUMNS = ("of", "calls", "names", "tokens_in", "tokens_out", "usd", "in_doubt_usd", "decided", "usd_per_decided")


@app.command()
def stub(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 0,
    latency: Annotated[float, typer.Option(help="Seconds until an answer.")] = 0.5,
    faults: Annotated[float, typer.Option(help="Share of requests, 0 to 1, that something befalls.")] = 0.0,
    script: Annotated[
        str,
        typer.Option(help="What befalls the first requests: FAULT, or STEP:FAULT of a batch job; divided by commas."),
    ] = "",
    seed: Annotated[int, typer.Option(help="Same seed, same faults and answers.")] = 0,
) -> None:
    """Serve a stand-in for both vendors' chat and batch protocols on this machine, until Ctrl-C. It knows nothing of names."""
    from leadscout_assets.llm.stub import Faults, StubServer

    if not 0 <= faults <= 1 or latency < 0:
        raise BadInput("--faults is a share from 0 to 1, --latency no less than 0")
    try:
        chosen = Faults(script=[each for each in script.split(",") if each], share=faults, seed=seed)
    except ValueError as error:
        raise BadInput(f"--script: {error}") from None
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with StubServer(port=port, latency=latency, faults=chosen, seed=seed) as server:
        print_pairs(
            {
                "stand-in": server.url,
                "LEADSCOUT_LLM_PROVIDERS": "stub/stub-small",
                "LEADSCOUT_LLM_STUB_URL": server.openai_url,
                "its own bill": f"{server.url}/stub/usage",
            }
        )
        print("Ctrl-C stops it", flush=True)
        ended.wait()


@spending.callback()
def spend(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what language models cost, by day, batch, provider and model; never less than the vendors charge."""
    if context.invoked_subcommand is not None:
        return
    from leadscout_assets.home import Home
    from leadscout_assets.llm import spend as spent
    from leadscout_assets.llm.setup import caps_of

    settings = current_settings()
    found = spent.spend(Home(settings).database, caps_of(settings), datetime.now(UTC))
    if as_json:
        print_json(found.to_json())
        return
    if not found.total.calls:
        print("no call was ever made")
        return
    lines = [*found.days, *found.batches, *found.providers, *found.models, found.total]
    print_table([_dollars(line.to_json()) for line in lines], COLUMNS)
    print(f"\nleft today ${found.left_usd['day']:.4f}, this month ${found.left_usd['month']:.4f}")


def _dollars(line: dict[str, object]) -> dict[str, object]:
    money = {key: f"{value:.6f}" for key, value in line.items() if "usd" in key and value is not None}
    return {**line, **money}


@spending.command()
def forecast(
    batch: Annotated[str, typer.Argument(help="Batch id.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say what asking about a batch's undecided names would cost, at most and usually. Asks nobody."""
    from dataclasses import asdict

    from leadscout_assets.home import Home
    from leadscout_assets.llm.evaluating import forecast as foretell
    from leadscout_assets.names.outcome import TELLS

    home = Home(_switched_on())
    found = foretell(home.llm_stage(), list(home.undecided_names(_may_be_sent(home, [batch]))))
    if as_json:
        print_json(asdict(found))
        return
    why_not = TELLS.get(found.why_not, found.why_not) if found.why_not else None
    if why_not is None and not found.price_known:
        why_not = "no price is known"
    print_pairs(
        {
            "names to ask about": found.names,
            "answered before": found.cached,
            "calls": found.calls,
            "cost at most": f"{why_not}: nothing will be asked" if why_not else f"${found.most_usd:.6f}",
            "cost usually": None if why_not else f"${found.usual_usd:.6f}",
        }
    )


@spending.command()
def reconcile(
    provider: Annotated[str, typer.Option(help="Kind of the provider, as `openai`.")],
    billed: Annotated[float, typer.Option(help="All that it ever charged by its own usage report, US dollars.")],
) -> None:
    """Book for calls in doubt what the provider's own usage report shows of them, in place of their worst case."""
    from leadscout_assets.home import Home
    from leadscout_assets.llm.prices import dollars, nano

    left = Home(current_settings()).book_by_bill(provider, nano(billed))
    print(f"calls in doubt are booked at ${dollars(left):.6f} now")


@app.command()
def submit(batch: Annotated[list[str], typer.Argument(help="Batch ids.")]) -> int:
    """Ask about the undecided names of large backlogs by the vendor's batch API: half the price, within a day."""
    from leadscout_assets.home import Home
    from leadscout_assets.llm.booked import Denied
    from leadscout_assets.names.outcome import TELLS

    home = Home(_switched_on())
    found = home.llm_jobs().submit(home.undecided_names(_may_be_sent(home, batch)))
    for provider, code in found.refused.items():
        print(f"{provider} takes no job: {TELLS.get(code, code)}", file=sys.stderr)
    if isinstance(found, Denied):
        print(f"nothing is submitted: {TELLS.get(found.code, 'every name is answered or in doubt')}")
        return 0 if found.code == "nothing_to_ask" else 1
    print(
        f"job {found.id} with {len(found.calls)} requests at {found.provider}; take its answers in with: leadscout llm collect"
    )
    if not found.confirmed:
        print(
            f"{found.provider} did not confirm it: it may have arrived, and is not submitted again; `collect` looks for it",
            file=sys.stderr,
        )
    return 0


@app.command()
def collect() -> None:
    """Store what the jobs of every provider have answered. The next run of their batches takes it in: leadscout backfill BATCH."""
    from leadscout_assets.home import Home
    from leadscout_assets.llm.jobs import NOT_NAMED
    from leadscout_assets.names.outcome import TELLS, in_words

    found = Home(_switched_on()).llm_jobs().collect()
    if not found:
        print("no job is open")
        return
    columns = ["job", "provider", "state", "answers"]
    print_table([{"job": each.id, **{name: getattr(each, name) for name in columns[1:]}} for each in found], columns)
    for provider, why in dict.fromkeys((each.provider, each.why) for each in found if each.why):
        told = (
            "is not among LEADSCOUT_LLM_PROVIDERS: name it there, in whatever place, and collect again"
            if why == NOT_NAMED
            else f"{TELLS.get(why, 'no usable answer')}: collect again later"
        )
        print(f"{provider}: {told}", file=sys.stderr)
    for each in found:
        if each.left:
            print(
                f"{each.id}: without an answer are {sum(each.left.values())} names: {in_words(each.left)}",
                file=sys.stderr,
            )
    if any(each.left for each in found):
        print("the next run of their batches asks about these: leadscout backfill BATCH", file=sys.stderr)


@app.command()
def evaluate(
    provider: Annotated[str, typer.Option(help="KIND/MODEL.")],
    cases: Annotated[
        Path | None, typer.Option(help="Labelled names to ask about instead of the golden set; that admits no model.")
    ] = None,
    names: Annotated[int, typer.Option(help="How many of --cases, evenly spread.")] = 200,
    cap: Annotated[float, typer.Option(help="Most that it may cost, US dollars.")] = 0.10,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Ask a model about the golden set, which lets it be used if it passes: accuracy, calibration, cost, latency. Exits 1 where not."""
    from leadscout_assets.governance.gate import allow_names
    from leadscout_assets.home import Home
    from leadscout_assets.llm.evaluating import evaluate as measure
    from leadscout_assets.llm.golden import golden_set
    from leadscout_assets.llm.measurements import note_measured
    from leadscout_assets.llm.setup import named, stage_of

    if len(named(provider)) != 1:
        raise BadInput("--provider: name one KIND/MODEL; what another answers would count for the first")
    golden = golden_set()
    asked = golden.cases if cases is None else _labelled(cases, names)
    settings = current_settings().model_copy(update={"llm_providers": provider, "llm_max_usd_per_batch": cap})
    now = datetime.now(UTC)
    allow_names(settings, "evaluation", today=now.astimezone(TIME_ZONE).date())
    home = Home(settings)
    stage = stage_of(settings, home.database, home.llm_key, kind="evaluation", to_measure=True)
    found = measure(stage, asked, f"evaluation-{now:%Y%m%dT%H%M%S}")
    recorded = cases is None and found.is_whole
    if recorded:
        note_measured(home.database, found, golden.digest, now=datetime.now(UTC))
    if as_json:
        print_json({**found.to_json(), "recorded": recorded})
    else:
        _print_evaluation(found, golden=cases is None)
    return 0 if found.passes else FAILING


def _labelled(path: Path, most: int) -> dict[str, frozenset[str]]:
    from leadscout_assets.names.cases import CALIBRATE, read_cases

    if not path.is_file():
        raise BadInput("name the labelled cases with --cases FILE")
    # The other half is kept for the figures of the model card.
    half = [case for case in read_cases(path) if case.part == CALIBRATE]
    chosen = half[:: max(len(half) // max(most, 1), 1)][:most]
    return {case.name: frozenset(case.origin.split("|")) for case in chosen}


def _print_evaluation(found: Evaluation, *, golden: bool) -> None:
    from leadscout_assets.names.outcome import in_words

    told = {key: value for key, value in found.to_json().items() if key != "bands"}
    print_pairs({**told, "cost_usd": f"{found.cost_usd:.6f}", "undecided": in_words(found.undecided) or None})
    print()
    print_table(
        [{"band": band, **row} for band, row in found.bands.items()], ["band", "right", "all", "share", "calibrated"]
    )
    if not golden:
        print("\nlabelled names of your own: nothing is recorded")
    elif not found.is_whole:
        print("\ntoo few names came back to judge the model by: nothing is recorded, what was known of it still holds")
    elif found.passes:
        print(f"\n{found.model} passed the golden set: it is asked from now on where LEADSCOUT_LLM_PROVIDERS names it")
    else:
        print(
            f"\n{found.model} did not pass the golden set: it is passed over, unless it needs no measurement: docs/llm.md"
        )
    if "in_doubt" in found.undecided:
        print(
            f"calls in doubt are not sent again: leadscout spend reconcile --provider {found.provider} --billed USD "
            "lets them, 0 for a server of your own",
            file=sys.stderr,
        )


def _may_be_sent(home: Home, batches: list[str]) -> list[str]:
    """Return those of the batches whose names may be sent now; say of the others that they may not."""
    from leadscout_assets.batch_purposes import may_be_sent

    allowed = may_be_sent(home, batches, now=datetime.now(UTC))
    for batch in batches:
        if batch not in allowed:
            print(f"{batch}: its purpose does not hold, or does not allow a language model", file=sys.stderr)
    return allowed


def _switched_on() -> Settings:
    settings = current_settings()
    if not settings.llm_is_on:
        raise BadInput("no language model is switched on: set LEADSCOUT_LLM_PROVIDERS, see docs/llm.md")
    return settings
