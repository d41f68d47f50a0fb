"""`leadscout perf`: what every asset costs over time, judged against its own history, and what people decide about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leadscout_assets.cli.printing import print_json, print_table
from leadscout_assets.errors import BadInput
from leadscout_assets.processes import user
from leadscout_assets.settings import current_settings

if TYPE_CHECKING:
    from leadscout_assets.home import Home

FAILING = 1
"""Exit code: done, and there is a regression."""

KINDS = ("asset", "verdict", "explanation", "runs_of")
RUNS = ("at", "verdict", "seconds", "rows", "rows_per_second", "peak_memory_mb", "explanation")

Reason = Annotated[str, typer.Option(help="Why; it is written to the audit trail, so name no person.")]

performance = typer.Typer(invoke_without_command=True)


@performance.callback()
def perf(
    context: typer.Context,
    asset: Annotated[str | None, typer.Option(help="List every run of this asset, the newest last.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> int:
    """Judge what each asset costs against its own history; exits 1 where there is a regression."""
    if context.invoked_subcommand is not None:
        return 0
    from leadscout_assets.home import Home
    from leadscout_assets.performance import ASSETS, histories, run_to_json
    from leadscout_assets.runs.judge import Verdict

    found = histories(Home(current_settings()), ASSETS if asset is None else [asset], whole=asset is not None)
    if as_json:
        print_json([history.to_json(whole=asset is not None) for history in found])
    elif not any(history.judgements for history in found):
        print("no run has left a record yet; deliver a lead list and look again")
    elif asset is not None:
        print_table([run_to_json(judgement) for judgement in found[0].judgements], RUNS)
    else:
        rows = [
            {"asset": h.asset, "verdict": j.verdict, "explanation": j.sentence, "runs_of": j.entry.record.kind_in_words}
            for h in found
            # Where none counts, the newest of those that do not says why.
            for j in h.current or h.judgements[-1:]
        ]
        print_table(rows, KINDS)
    told = [history.verdict for history in found]
    return FAILING if any(j is not None and j.verdict is Verdict.REGRESSION for j in told) else 0


@performance.command()
def accept(asset: Annotated[str, typer.Option(help="Name of the asset.")], reason: Reason) -> None:
    """Accept what an asset costs from now on as its new normal: its history before no longer counts."""
    from leadscout_assets.database import performance as decisions
    from leadscout_assets.home import Home
    from leadscout_assets.performance import known_asset
    from leadscout_assets.runs.baselines import LEAST_RUNS

    home = Home(current_settings())
    decisions.accept(home.database, known_asset(asset), actor=user(), reason=_given(home, reason))
    print(f"{asset}: a new normal begins; after {LEAST_RUNS} runs it is judged again")


@performance.command()
def incident(run: Annotated[str, typer.Argument(help="Dagster's id of the run.")], reason: Reason) -> None:
    """Mark a run as an incident, something else having gone wrong: no baseline is made of it, and it is not judged."""
    from leadscout_assets.database import performance as decisions
    from leadscout_assets.home import Home
    from leadscout_assets.performance import known_run

    home = Home(current_settings())
    new = decisions.mark_incident(home.database, known_run(home, run), actor=user(), reason=_given(home, reason))
    print(f"run {run} {'is marked' if new else 'was marked before'} as an incident")


@performance.command()
def report(
    out: Annotated[Path | None, typer.Option(help="File to write; default <home>/reports/performance.html.")] = None,
) -> None:
    """Write the performance history of every asset as one HTML page with charts."""
    from leadscout_assets.home import Home
    from leadscout_assets.performance import write_report

    print(f"report (html)  {write_report(Home(current_settings()), out)}")


def _given(home: Home, reason: str) -> str:
    from leadscout_assets.forgetting.reasons import kept_reason

    if not reason.strip():
        raise BadInput("say why with --reason TEXT")
    return kept_reason(home, reason.strip())
