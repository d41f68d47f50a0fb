"""`leadscout explain`: why a name typed by a person is answered as it is. Nothing is stored, so no purpose is asked for."""

from typing import TYPE_CHECKING, Annotated

import typer

from leadscout_assets.cli.printing import print_json, print_pairs, print_table
from leadscout_assets.settings import current_settings

if TYPE_CHECKING:
    from leadscout_assets.names.explaining import Explanation


def explain(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name as a list writes it, in quotes.")],
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the likely origin of one name and what it rests on: every source, token by token."""
    from leadscout_assets.names.engine import load_classifier
    from leadscout_assets.names.explaining import explain as explained

    found = explained(name, load_classifier(), reveal_religion=current_settings().reveal_religion)
    if json:
        print_json(found.as_dict())
    else:
        _print(found)


def _print(found: "Explanation") -> None:
    print_pairs(
        {
            "outcome": found.outcome,
            "origin": found.origin or " or ".join(found.origin_set) or None,
            "confidence": "-" if found.confidence is None else f"{found.confidence:.2f}",
            "method": found.method,
            "language": found.language,
            "read as": ", ".join(filter(None, (found.surname, found.given_names))) or (found.problem or "-"),
            "order": "turned round: each part is known in the other's place" if found.turned else "as written",
            "model version": found.model_version,
        }
    )
    if found.probabilities:
        print()
        ranked = sorted(found.probabilities.items(), key=lambda item: -item[1])
        print_table(
            [{"origin": origin, "probability": f"{share:.3f}"} for origin, share in ranked], ["origin", "probability"]
        )
    if found.tokens:
        print()
        print_table(
            [
                {"token": one.token, "as": one.role, "source": source, "says": _shares(shares)}
                for one in found.tokens
                for source, shares in one.sources.items()
            ],
            ["token", "as", "source", "says"],
        )
        print()
        rows = [{"what": "every name", **_signed(found.start)}]
        rows += [{"what": f"{one.token} ({one.known_by})", **_signed(one.added)} for one in found.tokens]
        print_table(rows, ["what", *dict.fromkeys(origin for row in rows for origin in row if origin != "what")])
        print(
            "\nLog-odds: what each added for (+) or against (-) an origin; the probabilities are their sum, made to add up to 1."
        )
        if found.contradicted:
            print(
                "Not of this name: its surname and its given names contradict each other, so that each was judged by itself, and "
                "both count alike."
            )


def _shares(shares: dict[str, float]) -> str:
    ranked = sorted(shares.items(), key=lambda item: -item[1])
    return " ".join(f"{origin}={share:.2f}" for origin, share in ranked if share >= 0.05)


def _signed(values: dict[str, float]) -> dict[str, str]:
    return {origin: f"{value:+.2f}" for origin, value in values.items()}
