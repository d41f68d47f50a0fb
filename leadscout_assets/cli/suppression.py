"""`leadscout suppress`: lists of those who must not be contacted, and the exchange with the keeper of a registry."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leadscout_assets.cli.printing import print_json, print_table
from leadscout_assets.errors import BadInput
from leadscout_assets.settings import current_settings
from leadscout_assets.terms import TIME_ZONE

if TYPE_CHECKING:
    from leadscout_assets.governance.ledger import Decision
    from leadscout_assets.home import Home

COLUMNS = ("list", "entries", "newest", "sent", "received")

app = typer.Typer(no_args_is_help=True, help="Lists of those who must not be contacted.", rich_markup_mode=None)

List = Annotated[str, typer.Option("--list", help="Name of the list.")]
Reason = Annotated[str | None, typer.Option(help="Why; goes into the ledger, so no name in it.")]


@app.command()
def add(
    kind: Annotated[str, typer.Argument(help="email, domain, number, business or person.")],
    value: Annotated[list[str] | None, typer.Argument(help="Values of that kind.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="File with a value in each line; of a person, as `leadscout forget` reads it.")
    ] = None,
    on: List = "own",
    reason: Reason = None,
) -> None:
    """Put e-mails, domains, numbers, businesses or a person on a list; only keyed hashes are kept."""
    from leadscout_assets.forgetting.deciding import actor, decide
    from leadscout_assets.forgetting.request import check_identifies, read_request
    from leadscout_assets.governance import lists
    from leadscout_assets.home import Home

    home, now = Home(current_settings()), datetime.now(UTC)
    if kind == lists.PERSON:
        if file is None or value:
            raise BadInput("a person is given by --file, with lines such as `name: ...` and `cell: ...`")
        request = read_request(file)
        check_identifies(request)
        decision = lists.suppression_of_person(
            request.traits, home.hasher, on=on, actor=actor(), reason=reason, now=now
        )
        decide(home, decision, request.traits)
    else:
        values = [*(value or ()), *(_lines(file) if file else ())]
        if not values:
            raise BadInput("name at least one value, or --file")
        decision = lists.suppression(kind, values, home.hasher, on=on, actor=actor(), reason=reason, now=now)
        decide(home, decision)
    _say_added(home, decision, on)


@app.command()
def lift(
    kind: Annotated[str, typer.Argument(help="email, domain, number or business.")],
    value: Annotated[str, typer.Argument(help="The value.")],
    reason: Annotated[str, typer.Option(help="Why; no name in it.")],
) -> None:
    """Take a value off every list but that of the erased, which is for good."""
    from leadscout_assets.forgetting.deciding import actor, decide
    from leadscout_assets.governance import lists
    from leadscout_assets.governance.traits import Traits
    from leadscout_assets.home import Home

    home = Home(current_settings())
    read = lists.READERS.get(kind)
    found = read(value) if read else frozenset()
    if not found:
        raise BadInput("there is no such kind, or the value is none of it")
    entries = lists.on_lists(home.decisions.entries(erased=False), Traits({kind: found}), home.hasher)
    if not entries:
        print("it is on no list")
        return
    decide(home, lists.lifting(entries, actor=actor(), reason=reason, now=datetime.now(UTC)))
    print(f"taken off: {', '.join(sorted({entry.list for entry in entries}))}")


@app.command("list")
def list_lists(as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False) -> None:
    """Name every list with its entries, and when it was last sent to its registry and the answer came."""
    from leadscout_assets.home import Home

    home = Home(current_settings())
    known, exchanged = home.decisions.lists(), home.decisions.cleansings()
    names = sorted({*known, *(one.list for one in exchanged)})
    rows = [
        {
            "list": name,
            "entries": known[name][0] if name in known else 0,
            "newest": _shown(known[name][1] if name in known else None),
            **{
                w: _shown(max((e.at for e in exchanged if e.list == name and e.what == w), default=None))
                for w in ("sent", "received")
            },
        }
        for name in names
    ]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(rows, COLUMNS)
    else:
        print("there is no list yet: leadscout suppress add")


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="File to write, one value a line.")],
    on: List = "opt-out",
    hashed: Annotated[bool, typer.Option("--hashes", help="SHA-256 of each instead of the values.")] = False,
) -> None:
    """Write every number and e-mail address that is held, for the keeper of an opt-out registry to cleanse."""
    from leadscout_assets.forgetting.deciding import actor, decide, held_values, lines_of
    from leadscout_assets.governance import lists
    from leadscout_assets.home import Home

    home = Home(current_settings())
    values = lists.exchanged(held_values(home), hashed=hashed)
    content = lines_of(values)
    _write(out, content)
    sha256 = hashlib.sha256(content).hexdigest()
    evidence = lists.cleansing(on, "sent", len(values), sha256, actor=actor(), now=datetime.now(UTC))
    decide(home, evidence)
    print(f"{len(values):,} values to cleanse: {out}")


@app.command("import")
def import_(
    answer: Annotated[Path, typer.Argument(help="The registry's answer: a value or a SHA-256 in each line.")],
    on: List = "opt-out",
) -> None:
    """Take over the answer of an opt-out registry: what it names goes on the list."""
    from leadscout_assets.forgetting.deciding import actor, decide, held_values
    from leadscout_assets.governance import lists
    from leadscout_assets.home import Home

    home, now = Home(current_settings()), datetime.now(UTC)
    lines = _lines(answer)
    named = lists.answered(lines, held_values(home))
    evidence = lists.cleansing(
        on, "received", len(lines), hashlib.sha256(answer.read_bytes()).hexdigest(), actor=actor(), now=now
    )
    for kind, values in (
        ("email", sorted(v for v in named if "@" in v)),
        ("number", sorted(v for v in named if "@" not in v)),
    ):
        if values:
            decision = lists.suppression(kind, values, home.hasher, on=on, actor=actor(), reason=None, now=now)
            decide(home, decision)
            _say_added(home, decision, on)
    # Last: a kill before leaves no evidence of what was not taken over.
    decide(home, evidence)
    print(f"{len(lines):,} lines read, {len(named):,} values on the list {on}")


def _say_added(home: Home, decision: Decision, on: str) -> None:
    from leadscout_assets.forgetting.deciding import batches_holding

    print(f"on the list {on}: {sum(len(known) for known in decision.about['hashes'].values()):,} hashes")
    if batches := batches_holding(home, decision):
        print(f"leads of {len(batches)} batches are on it; to take them out: leadscout backfill {' '.join(batches)}")


def _lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError):
        raise BadInput("the file cannot be read; it must be text in UTF-8") from None


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise BadInput(f"the file cannot be written: {error.strerror}; name another") from None


def _shown(at: datetime | None) -> str:
    return at.astimezone(TIME_ZONE).isoformat(timespec="seconds") if at else "-"
