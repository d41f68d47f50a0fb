"""Number formats of spreadsheets: which show dates, which pad with zeros, and how a number looks under these.

Which cell has which format is found in workbook.py.
"""

from __future__ import annotations

import re
from decimal import Decimal

# Built-in number formats that show dates or times (ECMA-376 part 1, 18.8.30), East Asian ones included.
BUILT_IN_DATES = frozenset([*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)])
_QUOTED = re.compile(r'"([^"]*)"|\\(.)|_(.)|\*.|\[[^\]]*\]')
_DATE_LETTERS = re.compile(r"[dmyhs]", re.IGNORECASE)
# Digit placeholders and what people put between them in telephone numbers, postal codes and account numbers.
_ZERO_FORMAT = re.compile(r"[0-9# ()+\-./]+")
LONGEST_FORMAT = 255
"""Characters, the format's own limit. A longer one would make every cell as long, and cost its square to take apart."""
_PRIVATE = 0xE000
"""Shifts a quoted digit of a number format into the private use area, where it is no placeholder."""


def shows_date(code: str) -> bool:
    """Return whether a number format shows a date or a time of day."""
    return len(code) <= LONGEST_FORMAT and bool(_DATE_LETTERS.search(_QUOTED.sub("", code)))


def shown(number: str, code: str) -> str:
    """Return a plain decimal `number` as the zero format `code` shows it; anything but a whole number unchanged."""
    if not number.isdecimal():
        return number
    digits, places = list(number), code.count("0") + code.count("#")
    made: list[str] = []
    first_zero = code.find("0") if "0" in code else len(code)
    for index in range(len(code) - 1, -1, -1):
        mark = code[index]
        if mark in "0#":
            places -= 1
            if digits:
                made.append(digits.pop())
            elif index >= first_zero:
                made.append("0")
            if not places:
                made.extend(reversed(digits))
        else:
            made.append(chr(ord(mark) - _PRIVATE) if ord(mark) >= _PRIVATE else mark)
    return "".join(reversed(made)).strip()


def plain_decimal(number: float) -> str:
    """Return a finite number without exponent, and without decimals where it is whole."""
    return f"{number:.0f}" if number.is_integer() else f"{Decimal(repr(number)):f}"


def zero_format(code: str) -> str | None:
    """Return the placeholders of a number format that pads with zeros, or None for every other format.

    `0000000000`, `000 000 0000`, `0#########` and `"0"000000000` do; `0`, `0.00`, `#,##0` and `General` do not.
    """
    if len(code) > LONGEST_FORMAT:
        return None
    section = _QUOTED.sub(_literal, code.split(";")[0])
    marks = "".join(chr(ord(c) - _PRIVATE) if ord(c) >= _PRIVATE else c for c in section)
    placeholders = re.sub(r"[^0#]", "", section)
    padded = len(placeholders.lstrip("#"))
    # A dot between two placeholders is the decimal point.
    if not placeholders or not _ZERO_FORMAT.fullmatch(marks) or re.search(r"[0#]\.[0#]", section):
        return None
    return section if padded > 1 or section != marks else None


def _literal(match: re.Match[str]) -> str:
    if match[3] is not None:  # `_x` leaves room as wide as x
        return " "
    text = match[1] if match[1] is not None else match[2] or ""
    return "".join(chr(ord(c) + _PRIVATE) if c in "0123456789#" else c for c in text)
