"""Who is to be forgotten, or asks what is held: a small file of lines, a lead id, or single values. Nothing is looked up here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from leadscout_assets.contracts import LEAD_ID
from leadscout_assets.errors import BadInput
from leadscout_assets.governance.traits import EMAIL, NAME, NUMBER, Traits, email_traits, name_trait, number_traits

FIELDS = ("name", "cell", "email", "lead")
"""What a line of the file may begin with, followed by a colon; each may occur several times."""


@dataclass(frozen=True)
class Request:
    """One person: the values as given, for the search, and what they are compared by. `leads` are lead ids, `names` are among the values."""

    values: tuple[str, ...] = ()
    traits: Traits = field(default_factory=Traits)
    leads: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()


def read_request(path: Path) -> Request:
    """Read a file of lines such as `name: ...`, `cell: ...`, `email: ...`, `lead: ...`; `#` begins a comment.

    Raises `BadInput` naming the line at fault, not what stands in it.
    """
    if not path.is_file():
        raise BadInput("there is no such file with the person; check the path")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise BadInput("the file with the person cannot be read; it must be text in UTF-8") from None
    given: dict[str, list[str]] = {name: [] for name in FIELDS}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, value = line.partition(":")
        if not colon or name.strip().lower() not in given or not value.strip():
            raise BadInput(f"line {number} of the file is none of {', '.join(FIELDS)}, a colon and a value")
        given[name.strip().lower()].append(value.strip())
    return request_of(given["name"], given["cell"], given["email"], given["lead"])


def request_of(
    names: list[str] | None = None,
    cells: list[str] | None = None,
    emails: list[str] | None = None,
    leads: list[str] | None = None,
) -> Request:
    """Return the request of some values. Raises `BadInput` for one that is not what it should be, without quoting it."""
    names, cells, emails, leads = names or [], cells or [], emails or [], leads or []
    keys = [name_trait(name) for name in names]
    numbers = [number_traits(cell) for cell in cells]
    addresses = [email_traits(email) for email in emails]
    for kind, usable, written in (
        ("name", [key is not None for key in keys], "as Thandi Nkosi or Nkosi, Thandi"),
        ("cell", [bool(found) for found in numbers], "in full, as 0850000002 or +27850000002"),
        ("email", [bool(found) for found in addresses], "in full, as somebody@example.co.za"),
    ):
        if not all(usable):
            which = f"{kind} {usable.index(False) + 1}" if len(usable) > 1 else f"the {kind}"
            raise BadInput(f"{which} is none that can be used; write it {written}")
    if not all(re.fullmatch(LEAD_ID, lead) for lead in leads):
        raise BadInput("a lead id has 16 hexadecimal digits, as reports show it")
    traits = Traits(
        {
            NAME: frozenset(key for key in keys if key),
            NUMBER: frozenset[str]().union(*numbers),
            EMAIL: frozenset[str]().union(*addresses),
        }
    )
    return Request((*names, *cells, *emails), traits, frozenset(leads), tuple(names))


def check_identifies(request: Request) -> None:
    """Raise `BadInput` where a request could mean several people: a name or a number alone does."""
    alone = request.traits.of(EMAIL) or request.leads
    if not alone and not (request.traits.of(NAME) and request.traits.of(NUMBER)):
        raise BadInput("a name or a cell alone may be several people's: give both, or an e-mail address, or a lead id")
