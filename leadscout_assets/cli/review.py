"""`leadscout review ...`: ask people about names, take their answers, forget them, and say how right the model is."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from leadscout_assets.cli.printing import print_json, print_pairs, print_table
from leadscout_assets.errors import BadInput
from leadscout_assets.processes import user
from leadscout_assets.settings import current_settings
from leadscout_assets.terms import ReviewKind

FAULTS_LEFT_OUT = 1
"""Exit code: what could be stored was, and rows at fault were left out."""

COLUMNS = ("of", "reviewed", "agreed", "share", "low", "high")

app = typer.Typer(no_args_is_help=True, help="People's answers about names, which win.", rich_markup_mode=None)

As_json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def export(
    batch: Annotated[str, typer.Argument(help="Batch id, as `leadscout batches` lists it.")],
    out: Annotated[Path | None, typer.Option(help="Workbook to write; default in exports/ of the home.")] = None,
    sample: Annotated[int, typer.Option(min=0, help="Decided names to draw at random, besides all undecided.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Another number draws another sample.")] = 0,
    purpose: Annotated[
        str | None,
        typer.Option(help="Id of the registered purpose of reviewing names; default LEADSCOUT_CLASSIFICATION_PURPOSE."),
    ] = None,
) -> None:
    """Write the undecided names of a batch, and a random sample of the decided, to a workbook with drop-downs."""
    from leadscout_assets.batch_purposes import allow_rows
    from leadscout_assets.forgetting.forget import check_nothing_pending
    from leadscout_assets.home import Home
    from leadscout_assets.reviewing import export_review

    home = Home(current_settings())
    check_nothing_pending(home)
    why = allow_rows(home, batch, purpose, "review", now=datetime.now(UTC)).id
    done = export_review(home, batch, out, sample=sample, seed=seed, purpose=why, actor=user())
    print_pairs({"names": done.names, "of these drawn at random": done.sampled, "workbook": done.path})


@app.command("import")
def import_answers(
    file: Annotated[Path, typer.Argument(help="Workbook that came back.")],
    reviewer: Annotated[str, typer.Option(help="Who reviewed, or who recorded people's own word.")],
    kind: Annotated[ReviewKind, typer.Option(help="Whose word it is.")] = ReviewKind.REVIEWER,
    partial: Annotated[
        bool, typer.Option("--partial", help="Store the usable rows although others are at fault.")
    ] = False,
    as_json: As_json = False,
) -> int:
    """Store the answers in a workbook: all or, where a row is at fault, none. Exits 1 where --partial left rows out."""
    from leadscout_assets.home import Home
    from leadscout_assets.reviewing import import_review

    found = import_review(Home(current_settings()), file, reviewer=reviewer, kind=kind, partial=partial, actor=user())
    stored = vars(found.stored) if found.stored else {"new": 0, "unchanged": 0}
    if as_json:
        print_json({**stored, "not_answered": found.open, "faults": [vars(fault) for fault in found.faults]})
    else:
        for fault in found.faults:
            print(f"row {fault.row}: {fault.sentence}")
        print_pairs({**stored, "not answered": found.open, "rows at fault": len(found.faults)})
    if found.stored is None:
        raise BadInput("nothing was stored: mend the rows named and import again, or leave them out with --partial")
    return FAULTS_LEFT_OUT if found.faults else 0


@app.command()
def forget(lead: Annotated[str, typer.Option(help="Lead id, as a report's column Lead shows it.")]) -> None:
    """Delete everything that people said about a lead's name. No copy stays in the database."""
    import re

    from leadscout_assets.contracts import LEAD_ID
    from leadscout_assets.home import Home
    from leadscout_assets.reviewing import forget_answers

    if not re.fullmatch(LEAD_ID, lead):
        raise BadInput("--lead: that is no lead id; it has 16 digits and letters a to f")
    gone = forget_answers(Home(current_settings()), [lead], actor=user())
    print_pairs({"answers deleted": gone.reviews, "questions deleted": gone.questions})
    if gone.batches:
        print(f"what they decided is taken out; to classify anew: leadscout backfill {' '.join(gone.batches)}")


@app.command()
def report(as_json: As_json = False) -> None:
    """Show how often people agree with the model: its live accuracy, with 95 % intervals."""
    from leadscout_assets.home import Home
    from leadscout_assets.reviewing import live_accuracy

    found = live_accuracy(Home(current_settings()))
    if as_json:
        print_json(found.to_json())
        return
    print_pairs(
        {
            "names asked about": found.asked,
            "reviewed": found.reviewed,
            "could not tell": found.could_not_tell,
            "reviewers agree with each other": f"{found.reviewers:.1%}",
            "people of one name agree": f"{found.names:.1%}",
        }
    )
    rows = [found.answered, *found.origins, found.sets]
    print()
    print_table(
        [
            {
                **vars(row),
                "share": None if row.share is None else f"{row.share:.1%}",
                "low": f"{row.low:.1%}",
                "high": f"{row.high:.1%}",
            }
            for row in rows
        ],
        COLUMNS,
    )
