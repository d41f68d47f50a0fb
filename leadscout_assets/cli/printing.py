"""How commands show results on stdout: JSON for programs, aligned text for people."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from unicodedata import category

import orjson

Row = Mapping[str, object]

_STEERING = ("Cc", "Cf", "Zl", "Zp")
"""Unicode's categories of control and format characters, and of line and paragraph separators."""


def print_json(value: Any) -> None:
    """Print one JSON value and a newline."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode() + "\n")


def print_table(rows: Iterable[Row], columns: Sequence[str]) -> None:
    """Print rows under headings, columns aligned, numbers to the right; as wide as its content, so that it can be piped."""
    cells = [[_text(row.get(column)) for column in columns] for row in rows]
    headings = [column.replace("_", " ") for column in columns]
    widths = [max(len(text) for text in column) for column in zip(headings, *cells, strict=True)]
    for line in [headings, *cells]:
        padded = [_pad(text, width) for text, width in zip(line, widths, strict=True)]
        print("  ".join(padded).rstrip())


def print_pairs(pairs: Mapping[str, object]) -> None:
    """Print names and values, one pair a line, values aligned."""
    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        print(f"{name:<{width}}  {_text(value)}")


def _pad(text: str, width: int) -> str:
    return text.rjust(width) if text.replace(",", "").isdigit() else text.ljust(width)


def _text(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else visible(str(value))


def visible(text: str) -> str:
    """Return the text with whatever steers a terminal, or reorders what it shows, as an escape; delivered text may hold both."""
    if text.isprintable():
        return text
    return "".join(c if category(c) not in _STEERING else c.encode("unicode_escape").decode() for c in text)
