"""Personal values that occur nowhere else, files that hold them, and the search for them where they must not be."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

DATA = ("tables", "deliveries", "reports", "inbox")
"""The folders of a home where delivered values may lie."""

BUSINESS, DIRECTOR, CELL = "Xylotrope Quagga Fandango (Pty) Ltd", "Zwelibanzi Quarshievski", "0685550173"
EMAIL, ADDRESS, NOTE = "zq@fandangoquagga.co.za", "77 Wobblethorpe Crescent, Durban, 4001", "ask for Snickerdoodle"
FILE_NAME = "Xylotrope Quagga for Quarshievski.csv"

TRACES = ("xylotrope", "quagga", "fandango", "zwelibanzi", "quarshievski", "685550173", "wobblethorpe", "snickerdoodle")
"""One word of each value, in lower case; no other word of LeadScout or its libraries holds one."""

HEADING = "EntityName,DirectorName,DirectorCell,EmailAddress,RegisteredAddress,Notes"


def canary_list(mark: int = 0) -> str:
    """Return a CSV whose rows become a lead, a duplicate, rejected rows of each kind, and a ragged one."""
    lead = f'{BUSINESS},{DIRECTOR},{CELL},{EMAIL},"{ADDRESS}",{NOTE} {mark}'
    return "\n".join(
        [
            HEADING,
            lead,
            lead.upper(),
            f",{DIRECTOR},{CELL},{EMAIL},,",
            f"{BUSINESS},UNKNOWN,{CELL},{EMAIL},,{NOTE}",
            f"{BUSINESS},{DIRECTOR},not {CELL} but Snickerdoodle,{EMAIL} at,{ADDRESS},,,,,,,",
            f"{BUSINESS},{DIRECTOR} Junior,not {CELL} but Snickerdoodle,{NOTE},,",
            "",
        ]
    )


def traces_in(text: str) -> list[str]:
    """Return the traces in what somebody or something said."""
    return [trace for trace in TRACES if trace in text.casefold()]


def traces_below(home: Path, *, apart_from: Iterable[str] = DATA) -> list[str]:
    """Return where a trace lies in a home's other folders: in a file, in whatever encoding, or in the name of one."""
    left_out = {home / folder for folder in apart_from}
    found = []
    for path in sorted(home.rglob("*")):
        if left_out.intersection([path, *path.parents]):
            continue
        where = str(path.relative_to(home))
        found += [f"{trace} in the name {where}" for trace in traces_in(where)]
        if path.is_file():
            content = path.read_bytes().lower()
            wide = {trace: trace.encode("utf-16-le") for trace in TRACES}
            found += [f"{t} in {where}" for t in TRACES if t.encode() in content or wide[t] in content]
    return found
